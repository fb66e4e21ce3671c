"""The scripted experts of all families on core-v1."""
