"""What runs inside a sandbox, beside the untrusted agent; imports nothing of envsuite."""
