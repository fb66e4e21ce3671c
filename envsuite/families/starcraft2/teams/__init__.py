"""Battles of teams: SMAC's scenarios and SMACv2's random ones on the simulator, for Gymnasium and for PettingZoo."""
