"""Own apps, in folders outside of the product's."""
