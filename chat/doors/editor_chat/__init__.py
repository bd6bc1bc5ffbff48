"""System 1: editorChat, its records and its branch."""
