"""What is kept of a secret that its holder alone has."""

import hashlib


def hash_of(secret: str) -> str:
    """Its SHA-256, in hexadecimal. Secrets of ours are random and long, so nothing slower is needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
