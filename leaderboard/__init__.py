"""Scoring: from episodes to a board."""
