"""An agreement for tests, by itself: processes that tests start must not import more than that."""

from __future__ import annotations

AGREEMENT = """
schema = 1
title = "Memorandum for tests"
version = "1"
district = "Test district"
agencies = ["Town Police"]
effective = 2026-01-01

[roles]
dispatcher = "Dispatcher of the town police"
officer = "Officer"
principal = "Principal"

[incidents.count]
active-shooter = "somebody shoots"
armed-person = "somebody with a weapon"

[incidents.never]
food-fight = "a food fight is no life-safety emergency"

[[clauses]]
id = "1"
text = "Officers may view exterior cameras at all times."
effect = "standing"
roles = ["officer", "dispatcher"]
cameras = ["exterior"]

[[clauses]]
id = "2"
text = "On a 911 call or an administrator's word the interior cameras are opened."
effect = "open"
roles = ["dispatcher", "principal"]
channels = ["911", "administrator", "panic-app"]
cameras = ["interior", "exterior"]

[[clauses]]
id = "3"
text = "A dispatcher alone may not; two may."
effect = "open"
roles = ["dispatcher"]
channels = ["break-glass"]
cameras = ["interior"]
needs = ["reason", "second-person"]
longest_min = 5

[cameras]
excluded = ["cam-99"]

[grant]
longest_min = 10
extend_min = 5
extend_by = ["dispatcher"]
most_extensions = 2
close_by = ["dispatcher", "principal"]

[sharing]
agencies = ["Fire"]

[retention]
days = 30
legal_hold_by = ["principal"]

[confidential]
facts = ["retention", "camera-count", "camera-places"]
told_to = ["dispatcher", "principal"]

[exercises]
roles = ["dispatcher", "principal"]
longest_min = 60
"""
