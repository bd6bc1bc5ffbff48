"""Webhooks: what happens in an organization, told to addresses that its admins name. docs/webhooks.md.

Whoever does something calls `outbox.tell` in the same transaction; `sending` carries it out afterwards, in any process.
"""
