"""Who serves the models: a folder for each thing that is spoken to servers, named in `apis`."""
