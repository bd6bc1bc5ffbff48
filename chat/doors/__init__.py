"""The front doors: async views, one file each. A door reads a request and writes a run in its dialect."""
