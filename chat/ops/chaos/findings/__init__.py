"""What was found when all is quiet: counted, timed, and told as one table."""
