"""What went to a model for each turn, kept for a while: for whoever has to find out why it answered so.

A request waits in memory until the next commit of its run's events takes it along (`waiting`), or the run's end.
"""
