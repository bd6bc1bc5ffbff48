"""System 2: a session opens one answer to an EventSource."""
