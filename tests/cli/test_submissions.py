"""What `envsuite submissions` says of a scored submission whose agent has failed."""

from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from envsuite.cli.main import app
from envsuite.episode import Episode
from envsuite.leaderboard.client import Client
from envsuite.leaderboard.schemas import SubmissionView
from envsuite.leaderboard.score import score_suite
from envsuite.task import Suite, SuiteTask

FLAT = "envsuite/bipedal-flat-v1"
SUITE = Suite(name="flat-v1", summary="", tasks=(SuiteTask(task_id=FLAT, episodes=3),))


def view(*outcomes, known=True, reason=""):
    episodes = [
        Episode(task_id=FLAT, seed_index=i, return_=-50.0, length=3, outcome=outcome, trajectory="a")
        for i, outcome in enumerate(outcomes)
    ]
    score = score_suite("mine", episodes, SUITE, runs=1, reps=10).to_json() if known else None
    return SubmissionView(
        id="s1",
        name="mine",
        version="1.0",
        suite=SUITE.name,
        submitter="Ada",
        authors=["Ada"],
        licence="MIT",
        trust="verified",
        state="scored",
        created_at=datetime.now(UTC),
        bundle_sha256=64 * "0",
        score=score,
        reason=reason,
        episodes_done=3,
        episodes_total=3,
    )


@pytest.fixture
def shown(monkeypatch):
    """A function that returns what the command prints of a view, alone or in the list."""

    def show(view, *arguments):
        monkeypatch.setattr(Client, "submission", lambda client, submission: view)
        monkeypatch.setattr(Client, "submissions", lambda client, *, mine: [view])
        options = ("--server", "http://127.0.0.1:9", "--token", "x")
        result = CliRunner().invoke(app, ["submissions", *arguments, *options])
        assert result.exit_code == 0, result.output
        return result.output

    return show


def test_failed_episodes_are_counted_by_outcome_and_the_next_step_is_told(shown):
    output = shown(view("agent_crash", "terminated", "agent_timeout"), "s1")
    assert "\n2 of 3 episodes failed: 1 agent_crash, 1 agent_timeout.\n" in output
    assert "`envsuite submission check BUNDLE` plays one episode of each task here and shows why." in output
    assert "submission check" not in shown(view("terminated", "terminated", "truncated"), "s1")


@pytest.mark.parametrize(
    ("options", "reason"),
    [({}, "3 of 3 episodes failed"), ({"known": False}, ""), ({"reason": "Its own."}, "Its own.")],
    ids=["known", "unknown", "reason"],
)
def test_the_list_gives_failures_as_the_reason_where_the_record_has_them(shown, options, reason):
    _, row = shown(view(*3 * ["agent_crash"], **options)).splitlines()
    assert row.partition("3/3")[2].strip() == reason
