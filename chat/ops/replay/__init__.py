"""Replays: runs that were, asked again of another model or agent, and checked. `manage.py replay`, docs/replay.md."""
