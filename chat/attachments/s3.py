"""A bucket as the storage of attachments: the extra `s3` (docs/attachments.md). Loaded only where one is set up."""

from typing import Any

from botocore.config import Config
from storages.backends.s3 import S3Storage

# The libraries' own wait a minute for a server that says nothing, and ask it five times.
WAITS = {"connect_timeout": 5, "read_timeout": 20, "retries": {"total_max_attempts": 2, "mode": "standard"}}
# Checksums beyond those of the protocol are what many servers that speak S3 do not know.
PLAIN = {"request_checksum_calculation": "when_required", "response_checksum_validation": "when_required"}


class Bucket(S3Storage):  # type: ignore[misc]  # it comes without types
    """A private bucket."""

    def __init__(self, **options: Any) -> None:
        style = "path" if options.get("endpoint_url") else "auto"  # a server of one's own has no name for each bucket
        own = Config(s3={"addressing_style": style}, signature_version="s3v4", **WAITS, **PLAIN)
        super().__init__(client_config=own, **options)
