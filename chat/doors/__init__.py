"""The front doors, a folder each: its dialect (pure), views, openapi, and as `door` what the registry names.

What all of them use lies here.
"""
