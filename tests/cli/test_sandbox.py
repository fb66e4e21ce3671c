import json

import pytest
from typer.testing import CliRunner

from envsuite.cli.main import app
from envsuite.leaderboard.sandbox import PROVIDERS
from envsuite.leaderboard.sandbox.attacks import ATTACKS

runner = CliRunner()


def test_check_tries_every_attack_and_tells_what_is_enforced(needs):
    probe = PROVIDERS["bubblewrap"].probe()
    needs("bwrap", probe.available, probe.reason)
    result = runner.invoke(app, ["sandbox", "check", "--provider", "bubblewrap", "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert [attack["attack"] for attack in told["attacks"]] == list(ATTACKS)
    assert told["contained"]
    assert told["enforced"] == dict(probe.enforced.features)


@pytest.mark.long
def test_check_fails_where_nothing_is_contained():
    result = runner.invoke(app, ["sandbox", "check", "--provider", "subprocess"])
    assert result.exit_code == 1
    assert "ESCAPED" in result.stdout
    assert "subprocess (UNSAFE) enforces:" in result.stdout


def test_an_unknown_provider():
    result = runner.invoke(app, ["sandbox", "check", "--provider", "docker"])
    assert result.exit_code == 2
    assert "bubblewrap" in result.output
