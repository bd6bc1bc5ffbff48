"""A chat as a file, whole: written in one installation, read in another. docs/operations.md describes the file."""
