"""Pages of the web, read by agents."""
