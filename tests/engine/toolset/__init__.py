"""An app that gives projects tools of their own, for servers of tests: TOOLSET names those of today, with commas."""
