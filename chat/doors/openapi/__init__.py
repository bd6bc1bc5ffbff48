"""What the doors say of themselves in the OpenAPI is made of these."""
