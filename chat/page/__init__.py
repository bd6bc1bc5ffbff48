"""The chat page, as the server renders it."""
