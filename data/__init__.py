"""Records, loaders and generators with known truth."""
