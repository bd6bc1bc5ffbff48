"""Repositories that come from outside: by https from a server, or as a zip.

A child process takes each in (`child`), since libgit2 and zipfile hold neither their memory nor the clock against who
wants to harm them. It reaches the network through `proxy` alone, which applies the rules of tools.outward, and writes
into a folder beside the project's repository; tools.git.arriving puts that in its place. Nothing is imported here: the
child begins with this package. Why: docs/decisions/0077-repositories-come-by-a-child.md
"""
