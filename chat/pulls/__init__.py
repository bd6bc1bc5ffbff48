"""Pushing, opening and merging: what asks other servers, and so takes its time."""
