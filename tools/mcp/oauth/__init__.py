"""People's own sign-ins at MCP servers, by OAuth 2.1: found out, begun and ended in a browser, renewed when they run out.

The MCP SDK knows where a server's authorization server is (finding.py), Authlib writes the requests (flow.py), and what
they give lies in our rows, for all processes. Why not the SDK's own sign-in: docs/decisions/0114-sign-in-at-mcp-servers.md
"""
