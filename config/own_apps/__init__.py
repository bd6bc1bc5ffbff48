"""Own apps: Django apps of whoever runs Parley, named in PARLEY_APPS and kept outside of the product's folder."""
