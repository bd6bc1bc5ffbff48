"""The MCP door: Parley's chats and projects as tools of other houses' agents."""
