"""Parley's own door: HTTP and WebSocket, for our page and new frontends."""
