"""Pixels: from camera feeds to tracks with armed evidence, one camera at a time."""
