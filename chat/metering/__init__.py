"""What is used, and how much may be."""
