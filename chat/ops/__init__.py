"""For the people who run an installation."""
