"""Who did what: rows that are written with what they tell of, sealed into chains, verified anywhere, never changed.

A low room, so that everybody may write: `audit.record(...)` in the transaction of the change, `audit.refused(...)`
for what was not let happen, `audit.apart(...)` for what was only read. What a chain proves, and what it does not, is in
docs/audit.md.
"""

from accounts.audit.recording import SYSTEM, Actor, apart, failures, operator, provider, record, refused

__all__ = [
    "SYSTEM",
    "Actor",
    "apart",
    "failures",
    "operator",
    "provider",
    "record",
    "refused",
]
