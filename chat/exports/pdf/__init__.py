"""A chat as PDF: set by typst from data and a fixed template, so that no text of anybody is ever markup. Part by part,
each in a process of its own.
"""
