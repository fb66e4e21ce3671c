"""Reference baselines, one folder per algorithm and suite."""
