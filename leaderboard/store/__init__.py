"""What a board keeps: accounts, submissions, jobs, episodes and the chain of results."""
