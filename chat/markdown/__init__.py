"""Markdown to HTML that is safe on our own pages, block by block."""
