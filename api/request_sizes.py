"""How large a request may be: small, but where somebody brings a floor plan."""

from __future__ import annotations

import re
from typing import Final

MOST_BYTES: Final = 65_536
"""Of any request that is not named below."""

DRAFT_BYTES: Final = 8 * 1024 * 1024
"""Of what is drawn: a campus of 2,000 rooms has a quarter of it."""

UPLOAD_BYTES: Final = 64 * 1024 * 1024
"""Of a picture, a PDF or an archive of a plan."""

_DRAFT: Final = r"/v1/sites/[^/]+/plan-drafts/[^/]+"
_LARGE: Final = (
    ("PUT", re.compile(_DRAFT), DRAFT_BYTES),
    ("PUT", re.compile(rf"{_DRAFT}/levels/[^/]+/picture"), UPLOAD_BYTES),
    ("POST", re.compile(rf"{_DRAFT}/import"), UPLOAD_BYTES),
)


def most_bytes(method: str, path: str) -> int:
    """Return how many bytes the body of a request may have."""
    for of, pattern, most in _LARGE:
        if method == of and pattern.fullmatch(path):
            return most
    return MOST_BYTES
