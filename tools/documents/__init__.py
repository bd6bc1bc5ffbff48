"""A project's document: one JSON value, changed by JSON Patch or merge patch, version by version. docs/document.md."""
