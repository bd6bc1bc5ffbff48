"""Signatures as Standard Webhooks has them: https://www.standardwebhooks.com"""

import base64
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook as Signer

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """A secret as receivers are given it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers(id: str, body: str, secrets: Sequence[str]) -> dict[str, str]:
    """What goes with a body that is sent now: its event's id, the time, and a signature by each of the secrets."""
    at = datetime.now(UTC)  # the signer reads the hands of any other zone's clock as UTC's
    return {
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Signer(each).sign(id, at, body) for each in secrets),
    }
