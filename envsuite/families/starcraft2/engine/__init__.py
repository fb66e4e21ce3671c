"""The simulator: records of units (`layout`), rules as compiled functions, and `games` that runs them."""
