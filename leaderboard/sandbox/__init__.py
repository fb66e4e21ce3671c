"""Where untrusted agents run: providers behind one small interface, and the agent on the trusted side."""
