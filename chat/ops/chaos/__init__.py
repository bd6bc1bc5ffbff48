"""Chaos: an installation of its own, scripted runs through its public API, faults, and one table of what held.

`manage.py chaos` is the way in. Nothing here is imported by anything that serves people.
"""
