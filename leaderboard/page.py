"""The board as one self-contained HTML file: no network, no external fonts, styles or scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from envsuite.catalogue import FAMILIES
from envsuite.errors import MissingExtra
from envsuite.leaderboard.board import (
    MAIN_COLUMNS,
    RANK_RULE,
    SCALE,
    TASK_COLUMNS,
    Standing,
    main_rows,
    shared_notes,
    short,
    show_number,
    standings,
    task_digits,
    task_rows,
)
from envsuite.leaderboard.charts import Chart, Row, chart, hue, unit_chart
from envsuite.leaderboard.metrics import get_metric
from envsuite.leaderboard.records import SuiteScore


class FamilySection(NamedTuple):
    """The charts of one family."""

    name: str
    title: str
    mean: Chart | None
    tasks: tuple[Chart, ...]


def write_page(scores: Sequence[SuiteScore], path: Path, *, title: str, provenance: Mapping[str, str]) -> Path:
    """Writes the board of one suite as an HTML page and returns its path.

    Args:
        scores: One per agent, all of one suite.
        path: Of the file, replaced if it exists; its folder must exist.
        title: Headline of the page.
        provenance: Label -> text, shown in this order: suite, seeds, versions, date.

    Raises:
        MissingExtra: When jinja2 is not installed.
        ValueError: As `board.standings`.
    """
    path = Path(path)
    path.write_text(render_page(scores, title=title, provenance=provenance), encoding="utf-8")
    return path


def render_page(scores: Sequence[SuiteScore], *, title: str, provenance: Mapping[str, str]) -> str:
    """Returns the HTML that `write_page` writes; equal arguments give equal text."""
    try:
        import jinja2
    except ImportError as error:
        raise MissingExtra(
            'the board\'s page needs jinja2, which is not installed; run: pip install "envsuite[leaderboard]"'
        ) from error
    rows = standings(scores)
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [
                jinja2.PackageLoader("envsuite.leaderboard"),
                jinja2.PackageLoader("envsuite.leaderboard.service", "static"),
            ]
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("board.html").render(
        title=title,
        suite=rows[0].score.suite,
        facts=_facts(rows),
        provenance=provenance,
        overall=_overall(rows),
        families=_families(rows),
        main_columns=MAIN_COLUMNS,
        main_rows=main_rows(rows),
        task_columns=TASK_COLUMNS,
        task_rows=task_rows(rows),
        notes=shared_notes(rows),
        incomplete=not all(score.complete for _, score in rows),
        scale=SCALE,
        rank_rule=RANK_RULE,
    )


def _facts(rows: Sequence[Standing]) -> list[tuple[str, str]]:
    """Returns what the line under the headline says: (number, noun)."""
    tasks = rows[0].score.tasks
    counts = (
        (len(rows), "agent"),
        (len(tasks), "task"),
        (len({task.family for task in tasks}), "family"),
        (sum(row.score.episodes for row in rows), "episode"),
    )
    plurals = {"family": "families"}
    return [(f"{count:,}", noun if count == 1 else plurals.get(noun, noun + "s")) for count, noun in counts]


def _overall(rows: Sequence[Standing]) -> Chart | None:
    """Returns the chart of IQMs; of success rates where there is no IQM; None where there is neither."""
    for name, title, caption in (
        ("iqm", "Interquartile mean of normalised scores", SCALE),
        ("success_rate", "Success rate", "Mean over the tasks that define success."),
    ):
        bars = [Row(s.agent, hue(i), getattr(s, name), not s.complete) for i, (_, s) in enumerate(rows)]
        if any(row.estimate is not None for row in bars):
            return unit_chart(title, caption, bars, marked=name == "iqm")
    return None


def _families(rows: Sequence[Standing]) -> list[FamilySection]:
    tasks = rows[0].score.tasks
    sections = []
    for name in dict.fromkeys(task.family for task in tasks):
        title = FAMILIES[name].title if name in FAMILIES else name
        own = [index for index, task in enumerate(tasks) if task.family == name]
        mean = _family_mean(name, title, own, rows) if len(own) > 1 else None
        sections.append(FamilySection(name, title, mean, tuple(_task_chart(index, rows) for index in own)))
    return sections


def _family_mean(name: str, title: str, own: Sequence[int], rows: Sequence[Standing]) -> Chart | None:
    bars = [
        Row(score.agent, hue(i), score.families.get(name), not all(score.tasks[index].complete for index in own))
        for i, (_, score) in enumerate(rows)
    ]
    if all(row.estimate is None for row in bars):
        return None
    ranked = sum(rows[0].score.tasks[index].task_id in rows[0].score.ranked for index in own)
    return unit_chart(f"{title} overall", f"mean normalised score, {ranked} of {len(own)} tasks", bars, marked=True)


def _task_chart(index: int, rows: Sequence[Standing]) -> Chart:
    """Returns the chart of one task in the unit of its metric; bars start at the floor."""
    scored = [row.score.tasks[index] for row in rows]
    task, metric = scored[0], get_metric(scored[0].metric)
    digits = task_digits(task)
    bars = [
        Row(row.score.agent, hue(i), own.score, not own.complete)
        for i, (row, own) in enumerate(zip(rows, scored, strict=True))
    ]
    ticks = [
        (value, f"{kind} {show_number(value, digits)}", kind)
        for value, kind in ((task.floor, "floor"), (task.ceiling, "ceiling"))
        if value is not None
    ]
    caption = metric.title + (", %" if metric.percent else "")
    return chart(short(task.task_id), caption, bars, ticks, base=task.floor or 0.0, digits=digits)
