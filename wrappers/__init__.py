"""Wrappers of environments, one file per thing that they change."""
