"""Acting as the user: a project's viewsets and querysets as tools, which see and do what the run's person may."""
