"""System 4's procedures."""
