"""System 3: chats as threads."""
