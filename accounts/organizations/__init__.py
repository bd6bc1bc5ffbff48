"""Organizations, projects and their members: what people do, and its REST."""
