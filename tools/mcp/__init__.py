"""Tools of other houses: servers that speak the Model Context Protocol, asked by `discover` and `call` of client.py.

The SDK is imported where a server is asked first: a process that asks none does not pay for it.
Why it is done so: docs/decisions/0093-calling-mcp-servers.md
"""
