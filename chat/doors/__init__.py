"""The front doors, a folder each: its dialect (pure), views, openapi. What all of them use lies here."""
