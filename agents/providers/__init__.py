"""Who serves the models: a folder each, whose ENTRY stands in agents.installation.PROVIDERS."""
