"""Models that train and can be looked into, and adapters around the models that users bring."""
