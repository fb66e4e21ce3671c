"""Replays on a submission's page: which episodes are drawn, and what stands below them.

A picture of a held-out episode shows the world that its seed makes. So nothing is drawn from held-out seeds before
their season has closed and its secret is published; public seeds are drawn at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from envsuite.episode import FAILED_BY_AGENT
from envsuite.leaderboard.schemas import SubmissionView
from envsuite.leaderboard.service.reader import FirstEpisode, Reader
from envsuite.leaderboard.service.render import Urls, count, shown_number
from envsuite.leaderboard.thumbnails import NoPicture, Reel, Strips, key_of

NOT_YET = (
    "Pictures are drawn once the season of these seeds has closed: "
    "before, they would show the worlds of held-out episodes."
)
NO_ACTION = "no action was recorded"
WAIT_S = 20.0
"""Seconds that a request waits for its turn; then it is asked to come again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StripView:
    """A picture on a submission's page."""

    task_id: str
    address: str
    """Of the picture; empty where there is none."""
    text: str
    """How the episode went."""
    why: str = ""
    """Why there is no picture."""


def strips_of(
    submission: SubmissionView, episodes: Sequence[FirstEpisode], urls: Urls, folder: Path
) -> list[StripView]:
    """Returns the pictures of a submission's first episodes, one a task, in the order given.

    `folder` is where `draw_strip` keeps them: a reason why one could not be drawn is told after the first try.
    """
    shown = []
    for episode in episodes:
        why = _why_none(episode, folder)
        address = "" if why else urls.strip(submission.id, episode.task_id)
        shown.append(StripView(task_id=episode.task_id, address=address, text=_told(episode), why=why))
    return shown


def draw_strip(read: Reader, episode: FirstEpisode, folder: Path) -> bytes:
    """Returns the strip of an episode whose seed is public; kept in `folder` after the first time.

    Raises `NoPicture` where it cannot be drawn, and `TimeoutError` where others are being drawn for long.
    """
    sha256 = episode.actions_sha256
    if sha256 is None:
        raise NoPicture(NO_ACTION)

    def reel() -> Reel:
        return Reel(task_id=episode.task_id, env_seed=episode.env_seed, actions=read.actions(sha256))

    return _strips(folder).get(key_of(episode.task_id, episode.env_seed, sha256), reel, wait_s=WAIT_S)


def _why_none(episode: FirstEpisode, folder: Path) -> str:
    if episode.actions_sha256 is None:
        return NO_ACTION
    return _strips(folder).why_none(key_of(episode.task_id, episode.env_seed, episode.actions_sha256))


def _strips(folder: Path) -> Strips:
    """Returns the strips of a folder, one object for each, so that only one is drawn at a time."""
    return _BY_FOLDER.setdefault(folder, Strips(folder))


_BY_FOLDER: dict[Path, Strips] = {}


def _told(episode: FirstEpisode) -> str:
    record = episode.record
    steps = count(int(record["length"]), "step")
    success = {True: ", success", False: ", no success", None: ""}[record.get("success")]
    how = str(record["outcome"]).replace("_", " ")
    if record["outcome"] in FAILED_BY_AGENT:
        return f"failed after {steps}, {how}"
    return f"{steps}, return {shown_number(float(record['return']))}{success}, {how}"
