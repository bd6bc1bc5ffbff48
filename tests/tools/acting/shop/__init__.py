"""A shop with orders of two people: what a Django project has before it has agents."""
