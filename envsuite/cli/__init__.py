"""The `envsuite` command."""
