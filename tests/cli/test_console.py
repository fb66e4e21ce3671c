import io
import json

import pytest
from rich.console import Console

from envsuite.cli import console as module


@pytest.fixture
def log(monkeypatch):
    """Standard error of a process without a terminal."""
    file = io.StringIO()
    monkeypatch.setattr(module, "error_console", Console(file=file, width=20))
    return file


def test_progress_without_a_terminal_prints_whole_lines_now_and_then(log):
    with module.progress() as bars:
        task = bars.add_task("a rather long description", total=100)
        for _ in range(100):
            bars.advance(task)
    first, last = log.getvalue().splitlines()
    assert first.startswith("a rather long description 1/100 (")
    assert last.startswith("a rather long description 100/100 (")


def test_progress_without_a_terminal_takes_updates_and_unknown_totals(log):
    with module.progress() as bars:
        task = bars.add_task("episodes", total=None)
        bars.update(task, completed=7)
    assert log.getvalue().startswith("episodes 7/? (")


def test_progress_on_a_terminal_draws_a_bar(monkeypatch):
    file = io.StringIO()
    monkeypatch.setattr(module, "error_console", Console(file=file, width=100, force_terminal=True))
    with module.progress() as bars:
        bars.update(bars.add_task("episodes", total=3), completed=3)
    assert "3/3" in file.getvalue()
    assert "━" in file.getvalue()


def test_json_is_valid_for_infinite_numbers_and_tuples(capsys):
    module.print_json({"range": (float("-inf"), 1.5), "none": None})
    assert json.loads(capsys.readouterr().out) == {"range": ["-inf", 1.5], "none": None}


def test_columns_are_aligned_and_the_last_one_is_whole():
    assert module.columns([("a", "bb", "c" * 200), ("aaa", "b", "")]) == ["a    bb  " + "c" * 200, "aaa  b"]
