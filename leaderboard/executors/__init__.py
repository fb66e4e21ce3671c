"""Where episodes are played: processes of this machine, or a cluster."""
