"""Workflows: what the steps of a conversation are, what may be published, and where an answer leads. Pure."""
