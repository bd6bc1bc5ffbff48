"""What a project knows: documents, cut into passages that are searched."""
