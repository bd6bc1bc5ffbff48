"""Other people's secrets, such as tokens of forges, as they lie in the database: sealed by SECRETS_KEYS.

Fernet is AES-128-CBC with an HMAC over it (https://github.com/fernet/spec). The first key seals, every key opens: so a
new one is put in front of the old, and the old one taken away when nothing is sealed by it any more.
"""

import base64
import functools

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

STORED = "secrets"  # the purpose of those in the database
HINT_CHARS = 4
HINT_FROM_CHARS = 16  # of a shorter secret they would tell too much


class SecretUnreadable(Exception):
    """Nothing of the secret is in its text."""

    def __init__(self) -> None:
        super().__init__("A stored secret was not sealed by any of SECRETS_KEYS: put the key it was sealed by back.")


def seal(text: str, purpose: str = STORED) -> str:
    """The secret as it may be stored: ASCII, a third longer and 100 characters. Sealing twice gives two texts.

    What is sealed for one purpose cannot be opened for another: a client that is given one never has the other.
    """
    return _cipher(tuple(settings.SECRETS_KEYS), purpose).encrypt(text.encode()).decode()


def opened(sealed: str, purpose: str = STORED) -> str:
    """The secret. Raises SecretUnreadable."""
    try:
        return _cipher(tuple(settings.SECRETS_KEYS), purpose).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise SecretUnreadable from None


def hint(sealed: str) -> str:
    """Its last four characters, for people to tell their secrets apart; empty for a short or unreadable one."""
    try:
        text = opened(sealed)
    except SecretUnreadable:
        return ""
    return f"...{text[-HINT_CHARS:]}" if len(text) >= HINT_FROM_CHARS else ""


@functools.cache
def _cipher(keys: tuple[str, ...], purpose: str) -> MultiFernet:
    return MultiFernet([Fernet(_fernet_key(key, purpose)) for key in keys])


def _fernet_key(key: str, purpose: str) -> bytes:
    """The 32 bytes that Fernet wants, of a key of any form and length."""
    derived = HKDF(SHA256(), length=32, salt=None, info=f"parley {purpose}".encode()).derive(key.encode())
    return base64.urlsafe_b64encode(derived)
