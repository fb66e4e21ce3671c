"""The protocol of the game: what answers it in the simulator's name, and pysc2, which speaks it."""
