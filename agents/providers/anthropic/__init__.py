"""Anthropic, and everything that speaks its Messages API.

Nothing is imported here: the SDK takes seconds and 40 MB, and is for those who have configured a model of it.
"""
