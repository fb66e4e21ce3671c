"""The families: one package per simulator, the same files in each, found by their constant FAMILY."""
