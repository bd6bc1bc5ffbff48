"""People's own sign-ins at MCP servers, by OAuth 2.1: found out, begun and ended in a browser, and renewed.

The MCP SDK knows where a server's authorization server is (finding.py), Authlib writes the requests (flow.py), and what
they give lies in our rows, for all processes. Why so: docs/decisions/0114-signing-in-elsewhere.md
"""
