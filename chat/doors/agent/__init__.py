"""System 5: the agent's chat, with characters and guests."""
