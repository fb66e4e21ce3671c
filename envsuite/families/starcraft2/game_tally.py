"""Events, parts of the reward and metrics of an episode in the game, worked out from what its player is told."""

from __future__ import annotations

from typing import Any, NamedTuple

from envsuite.families.starcraft2.game_reading import SELF

_KILL_SCORE = {"FindAndDefeatZerglings": 1, "DefeatRoaches": 10, "DefeatZerglingsAndBanelings": 5}
"""What a kill adds to the score; a lost marine takes one off."""
_MORE_MARINES = {"DefeatRoaches": 5, "DefeatZerglingsAndBanelings": 4}
"""Where the marines are made anew for a wave, and how many join them."""
_WAVE_KILLS = 25
"""Zerglings of a wave of FindAndDefeatZerglings."""
_SHARD_MINERALS = 100
DEFEAT = 2
"""Of the protocol's results."""


class Told(NamedTuple):
    """What came of a step."""

    reward: float
    events: tuple[str, ...]
    factors: dict[str, float]


class Tally:
    """Counts of one episode. The score is the game's own; how it came about is inferred from the player's units."""

    def __init__(self, mini_game: str, response: Any) -> None:
        self._mini_game = mini_game
        self._score = _score(response)
        self._own = _own_tags(response)
        self._collected = (0, 0)
        self.kills = self.losses = self.waves = self.made = 0

    def step(self, response: Any) -> Told:
        """Returns what has happened since the last observation."""
        score, own = _score(response), _own_tags(response)
        reward = score - self._score
        events: list[str] = []
        factors: dict[str, float] = {}
        if self._mini_game in _KILL_SCORE:
            factors = self._fight(reward, own, events)
        elif self._mini_game == "MoveToBeacon":
            factors = {"reached": reward}
            events += ["beacon_reached"] if reward > 0 else []
        elif self._mini_game == "BuildMarines":
            factors = {"made": reward}
            self.made += round(reward)
            events += ["unit_made"] if reward > 0 else []
        else:
            factors = {"collected": reward}
        collected = self._collected_now(response, score)
        if sum(collected) > sum(self._collected):
            events.append("resources_collected")
        self._score, self._own, self._collected = score, own, collected
        return Told(reward, tuple(events), factors)

    def _fight(self, reward: float, own: frozenset[int], events: list[str]) -> dict[str, float]:
        """Parts the reward into kills and losses: it alone does not tell two kills from one without a loss."""
        before = len(self._own)
        more = _MORE_MARINES.get(self._mini_game, 0)
        # A wave makes all marines anew, with tags of their own.
        wave = more > 0 and bool(own) and self._own.isdisjoint(own)
        losses = max(0, before + (more if wave else 0) - len(own))
        kills = max(0, round((reward + losses) / _KILL_SCORE[self._mini_game]))
        if not more:
            wave = (self.kills + kills) // _WAVE_KILLS > self.kills // _WAVE_KILLS
        self.kills, self.losses, self.waves = self.kills + kills, self.losses + losses, self.waves + wave
        events += [
            name
            for name, happened in (("enemy_killed", kills), ("unit_lost", losses), ("wave_cleared", wave))
            if happened
        ]
        return {"kills": reward + losses, "losses": 0.0 - losses}

    def _collected_now(self, response: Any, score: float) -> tuple[int, int]:
        if self._mini_game == "CollectMineralShards":
            return round(score * _SHARD_MINERALS), 0
        details = response.observation.score.score_details
        return round(details.collected_minerals), round(details.collected_vespene)

    def metrics(self) -> dict[str, float]:
        """Returns the family's metrics of a mini-game."""
        minerals, vespene = self._collected
        return {
            "kills": float(self.kills),
            "losses": float(self.losses),
            "waves": float(self.waves),
            "collected_minerals": float(minerals),
            "collected_vespene": float(vespene),
            "units_made": float(self.made),
        }


def has_lost(mini_game: str, response: Any, limit_loops: int) -> bool:
    """Returns whether an ended game was lost: no marine is left where that loses. Any other end is the map's timer."""
    if mini_game not in _KILL_SCORE:
        return False
    results = {entry.player_id: entry.result for entry in response.player_result}
    observation = response.observation
    defeated = results.get(observation.player_common.player_id) == DEFEAT
    # The game may send no units with its last word; a defeat before the timer is a lost game then, too.
    return not _own_tags(response) or (defeated and observation.game_loop < limit_loops)


def _score(response: Any) -> float:
    return float(response.observation.score.score)


def _own_tags(response: Any) -> frozenset[int]:
    return frozenset(unit.tag for unit in response.observation.raw_data.units if unit.alliance == SELF)
