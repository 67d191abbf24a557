"""Text without secrets: what must not stand in a log, whoever wrote the line.

Everything here knows better than to log a secret. A library may not, and an exception may carry
what it choked on; so every line is looked through. Too much is blotted out rather than too little.
"""

from __future__ import annotations

import re
from typing import Final

from vision.address import HIDDEN, CameraAddress
from vision.errors import AddressError

_CAMERA: Final = re.compile(r"rtsps?://[^\s'\"<>]+", re.IGNORECASE)
_USER_INFO: Final = re.compile(r"(?<=://)[^\s/'\"]*@")
_AFTER: Final = ",.;:)]}"
_SCHEMES: Final = re.compile(r"\b(Bearer|Basic|Digest)\s+[^\s'\",]+", re.IGNORECASE)
_NAMED: Final = re.compile(
    r"(?i)\b([\w-]*(?:token|password|passwd|secret|signature|authorization|credential"
    r"|api[_-]?key|lastseen_session|lastseen_device))(=|['\"]?:\s*['\"]?)([^\s&;,'\"}\])]+)"
)
_KEYS: Final = re.compile(
    r"\blastseen_[A-Za-z0-9_-]{43}(?![\w-])"  # keys of accounts
    r"|\bwhsec_[A-Za-z0-9+/=]+"  # secrets of sources
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]*"  # JSON Web Tokens: of links, of identity providers
)


def scrubbed(text: str) -> str:
    """Return `text` without addresses' users, passwords and queries, tokens, keys and secrets."""
    text = _CAMERA.sub(lambda found: _camera(found[0]), text)
    text = _USER_INFO.sub(f"{HIDDEN}@", text)
    text = _SCHEMES.sub(rf"\1 {HIDDEN}", text)
    text = _KEYS.sub(HIDDEN, text)
    return _NAMED.sub(rf"\1\2{HIDDEN}", text)


def _camera(address: str) -> str:
    """What may be said of a camera's address."""
    bare = address.rstrip(_AFTER)
    try:
        return CameraAddress(bare).shown + address[len(bare) :]
    except AddressError:
        return f"{address.partition('://')[0]}://{HIDDEN}"
