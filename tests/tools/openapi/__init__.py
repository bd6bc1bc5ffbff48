"""Tools out of an OpenAPI file, and a shop whose API they ask. The shop's tools in a server: apps.py, settings.py."""
