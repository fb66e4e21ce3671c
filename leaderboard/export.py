"""Results folders as datasets of other libraries."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envsuite.episode import Episode, Start
from envsuite.errors import InvalidArgument, ResultsMismatch
from envsuite.leaderboard.evaluate import plan
from envsuite.leaderboard.results import Key, Results, key_of, read_actions
from envsuite.leaderboard.seeds import PublicSeeds
from envsuite.suites import HELD_OUT

if TYPE_CHECKING:
    import minari


@dataclass(frozen=True, slots=True)
class MinariExport:
    """The datasets made of a results folder, and what is not in them."""

    datasets: Mapping[str, minari.MinariDataset]
    """One per task id."""
    left_out: tuple[Episode, ...]
    """Episodes that ended by a failure of the agent or of the environment."""


def export_minari(folder: Path | str, *, name: str | None = None, version: int = 0, **metadata: Any) -> MinariExport:
    """Returns one new Minari dataset per task, `<task id>/<name>-v<version>`, of a results folder.

    Every episode is played again from its seed and recorded actions, and must give the recorded
    trajectory. Minari keeps datasets under `MINARI_DATASETS_PATH`, by default `~/.minari/datasets`.

    Args:
        folder: the `out` of an evaluation.
        name: of the datasets; by default the agent's, with hyphens for what Minari does not take.
        version: of the datasets.
        metadata: see `envsuite.interop.minari.export_episodes`.

    Raises `MissingExtra` without Minari, and `ResultsMismatch`, with no dataset left behind, when a
    replay differs, a dataset exists, or the episodes are of the held-out split.
    """
    from envsuite.interop.minari import export_episodes

    folder = Path(folder)
    results = Results.load(folder)
    manifest = results.manifest
    if manifest.split == HELD_OUT:
        raise ResultsMismatch(
            f'{folder}: the seeds of split "{HELD_OUT}" are held out; export "train" or "dev" episodes'
        )
    if name is not None and not re.fullmatch(r"[\w-]+", name):
        raise InvalidArgument(f"name: expected letters, digits, hyphens and underscores, as Minari does, got {name!r}")
    name = name or re.sub(r"[^\w-]+", "-", manifest.agent).strip("-")
    starts = _starts(results)
    datasets: dict[str, minari.MinariDataset] = {}
    with contextlib.ExitStack() as undo:
        for task_id in results.suite.task_ids:
            complete = [e for e in results.episodes if e.task_id == task_id and _is_complete(e)]
            if complete:
                dataset_id = f"{task_id}/{name}-v{version}"
                recorded = _recorded(folder, complete, starts)
                datasets[task_id] = export_episodes(
                    task_id, recorded, dataset_id, **{"algorithm_name": manifest.agent, **metadata}
                )
                undo.callback(shutil.rmtree, datasets[task_id].storage.data_path.parent)
        undo.pop_all()
    return MinariExport(datasets, tuple(e for e in results.episodes if not _is_complete(e)))


def _is_complete(episode: Episode) -> bool:
    return episode.outcome in ("terminated", "truncated")


def _starts(results: Results) -> dict[Key, Start]:
    manifest = results.manifest
    jobs = plan(manifest.suite, split=manifest.split, seeds=PublicSeeds(manifest.seed), runs=manifest.runs)
    return {(job.task_id, job.run, start.seed_index): start for job in jobs for start in job.starts}


def _recorded(folder: Path, episodes: list[Episode], starts: Mapping[Key, Start]) -> Iterator[tuple[Start, Episode]]:
    for episode in episodes:
        yield starts[key_of(episode)], replace(episode, actions=read_actions(folder, episode))
