"""Components: one file of code that a builder writes, looked at before it is put into the project. It is never run."""
