"""Measures of what a neural model does; every one returns a labelled `xarray.Dataset`."""
