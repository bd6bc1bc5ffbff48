"""What a person lets models know of them: preferences, and remembered facts. docs/memory.md."""
