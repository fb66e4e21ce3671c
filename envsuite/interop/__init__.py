"""Thin adapters to the libraries that train agents, one file each."""
