"""Messages that programs sign, as the Standard Webhooks specification says.

HMAC-SHA256 over `id.timestamp.body` (https://www.standardwebhooks.com). The library's own check
reads the clock itself, so here it only signs, and what it signs is compared.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from standardwebhooks import Webhook

SECRET_PREFIX = "whsec_"  # noqa: S105 - what every secret begins with
MESSAGE_ID = re.compile(r"[!-~]{1,128}")
"""What the id of a message may be."""

_SECRET_BYTES = 32
_SECRET_MAY_BE_BYTES = range(24, 65)
_SECONDS = re.compile(r"0|[1-9][0-9]{0,10}")


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """What came in, not believed yet; "" stands for a header that is missing.

    Attributes:
        id: header `webhook-id`.
        timestamp: header `webhook-timestamp`.
        signatures: header `webhook-signature`: `v1,BASE64`, or several, a blank between them.
        body: as it was received.
    """

    id: str
    timestamp: str
    signatures: str
    body: bytes

    @property
    def sent_s(self) -> int | None:
        """When it says it was sent, Unix seconds; None where it says nothing that can be read."""
        return int(self.timestamp) if _SECONDS.fullmatch(self.timestamp) else None


def new_secret() -> str:
    """Return a new secret as the specification writes them."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def is_secret(text: str) -> bool:
    """Whether a text is a secret as the specification writes them: of 24 to 64 bytes."""
    try:
        key = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError:
        return False
    return text.startswith(SECRET_PREFIX) and len(key) in _SECRET_MAY_BE_BYTES


def sign(secret: str, message_id: str, sent_s: float, body: bytes) -> str:
    """Return the header `webhook-signature` of a message, as its sender makes it.

    Raises:
        ValueError: the secret is none, or the body is not UTF-8.
    """
    sent_at = datetime.fromtimestamp(int(sent_s), UTC)
    return Webhook(secret).sign(message_id, sent_at, body.decode())


def is_signed(secret: str, message: SignedMessage) -> bool:
    """Whether a message is signed with a secret, whenever it was sent."""
    sent_s = message.sent_s
    if not message.id or sent_s is None:
        return False
    try:
        expected = sign(secret, message.id, sent_s, message.body).encode()
    except (ValueError, OverflowError):  # no UTF-8, or a year that no calendar has
        return False
    # Several are sent while a secret is being renewed; those of other versions are not ours.
    fits = False
    for one in message.signatures.split(" "):
        fits |= hmac.compare_digest(expected, one.encode("utf-8", "replace"))
    return fits
