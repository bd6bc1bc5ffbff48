"""Small messages between processes and to sockets: ids, never content."""
