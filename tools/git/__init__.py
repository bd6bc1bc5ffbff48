"""A project's files, as objects of its bare repository."""
