"""Metres: from tracks to places on the floor plan, subjects, entrances and the ranked answer."""
