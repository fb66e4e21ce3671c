"""What the pages read: the store's read functions behind one object, each in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fastapi import Request

from envsuite.leaderboard.schemas import SeasonView, SubmissionView
from envsuite.leaderboard.seeds import PublicSeeds, SecretSeeds, Seeds
from envsuite.leaderboard.service.site import Site, site_of
from envsuite.leaderboard.store import details, ledger, seasons, standings, submissions
from envsuite.leaderboard.store.database import Session
from envsuite.leaderboard.store.views import (
    BoardView,
    CompareView,
    EvaluationView,
    Filters,
    LedgerView,
    SubmissionDetail,
    TaskView,
)
from envsuite.suites import HELD_OUT

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstEpisode:
    """Episode 0 of run 0 of a task, its seed being public."""

    task_id: str
    env_seed: int
    record: dict[str, Any]
    """`Episode.to_json()`."""
    actions_sha256: str | None


class Reader:
    """Everything that pages show of one site; what does not exist raises `UnknownName`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def board(self, suite: str, filters: Filters, page: int) -> BoardView:
        """Returns a page of a suite's board."""
        return self._run(lambda session: standings.board(session, suite, filters, page=page))

    def submission(self, submission: str) -> SubmissionView:
        """Returns a submission as everyone may see it: without the end of its log."""
        return self._run(lambda session: submissions.get(session, submission))

    def detail(self, submission: str) -> SubmissionDetail:
        """Returns all about a submission."""
        return self._run(lambda session: details.detail(session, submission))

    def first_episodes(self, detail: SubmissionDetail) -> list[FirstEpisode]:
        """Returns the first episode of every task, or nothing while their seeds are held out."""
        seeds = self._public_seeds(scored_evaluation(detail))
        if seeds is None:
            return []
        view = detail.submission
        found = self._run(lambda session: details.first_episodes(session, view.id))
        split = scored_split(detail)
        return [
            FirstEpisode(
                task_id=episode.task_id,
                env_seed=seeds.env_seed(view.suite, split, episode.task_id, episode.seed_index),
                record=episode.record,
                actions_sha256=episode.actions_sha256,
            )
            for episode in found
        ]

    def actions(self, sha256: str) -> Any:
        """Returns the recorded actions of an episode."""
        return self._site.files.blobs.get_json(sha256)

    def result(self, detail: SubmissionDetail) -> Path | None:
        """Returns the signed result file of the evaluation on the board, None until it is there and published."""
        evaluation = scored_evaluation(detail)
        if evaluation is None or evaluation.result_sha256 is None or not evaluation.published:
            return None
        path = self._site.files.blobs.path(evaluation.result_sha256)
        return path if path.is_file() else None

    def published(self, detail: SubmissionDetail) -> bool:
        """Returns whether the episodes of the evaluation on the board may be had by everyone."""
        evaluation = scored_evaluation(detail)
        return evaluation is None or evaluation.published

    def task(self, task_id: str) -> TaskView:
        """Returns a task with its best entries."""
        return self._run(lambda session: details.task(session, task_id))

    def compare(self, first: str, second: str) -> CompareView:
        """Returns two submissions with their episodes."""
        return self._run(lambda session: details.compare(session, first, second))

    def season(self) -> SeasonView | None:
        """Returns the open season."""
        return self._run(seasons.current)

    def seasons(self) -> list[SeasonView]:
        """Returns all seasons, oldest first."""
        return self._run(seasons.list_seasons)

    def head(self) -> LedgerView | None:
        """Returns the ledger's last entry."""

        def last(session: Session) -> LedgerView | None:
            index = ledger.head(session)
            return None if index is None else ledger.get_entry(session, index)

        return self._run(last)

    def entries(self, first: int, stop: int) -> list[LedgerView]:
        """Returns the ledger's entries from `first` to before `stop`, the newest first."""
        found = self._run(lambda session: ledger.entries(session, after=first - 1, limit=max(1, stop - first)))
        return found[::-1]

    def public_key(self) -> str:
        """Returns the key that results are signed with, in hexadecimal."""
        return self._site.files.signer.public_key.hex()

    def _public_seeds(self, evaluation: EvaluationView | None) -> Seeds | None:
        """Returns the seeds of an evaluation if everyone may know them: public ones, or those of a closed season."""
        if evaluation is None:
            return None
        if evaluation.split != HELD_OUT:
            return PublicSeeds()
        season = next((season for season in self.seasons() if season.name == evaluation.season), None)
        if season is None or season.secret is None:
            return None
        return SecretSeeds(bytes.fromhex(season.secret), round=evaluation.round)

    def _run(self, work: Callable[[Session], T]) -> T:
        return self._site.db.run(work, read=True)


def scored_evaluation(detail: SubmissionDetail) -> EvaluationView | None:
    """Returns the evaluation whose numbers stand on the board: the first, which a reproduction only checks."""
    return next((one for one in detail.evaluations if one.kind != "reproduce" and one.state == "scored"), None)


def scored_split(detail: SubmissionDetail) -> str:
    """Returns the split that the submission's score is from."""
    evaluation = scored_evaluation(detail)
    return HELD_OUT if evaluation is None else evaluation.split


def reader_of(request: Request) -> Reader:
    """Returns the reader of the service that has taken a request."""
    return Reader(site_of(request))
