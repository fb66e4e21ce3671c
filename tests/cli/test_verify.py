import json

import pytest
from signed import SECRET, Board, attempts_of, header_of, play, play_held_out
from typer.testing import CliRunner

from envsuite.cli.main import app


def run(*arguments):
    return CliRunner().invoke(app, ["verify", *map(str, arguments)])


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A folder with a held-out result, the board's chain and key, and the folder of the results."""
    folder = tmp_path_factory.mktemp("published")
    results = play_held_out(folder / "r")
    board = Board()
    board.open_season()
    board.publish(folder / "result.jsonl", header_of(results), attempts_of(results))
    board.close_season()
    board.export(folder / "chain.jsonl")
    (folder / "board.pem").write_text(board.first.public_pem())
    (folder / "board.hex").write_text(board.first.public_key.hex())
    return folder


def test_a_result_that_passes_every_check_exits_with_0(published):
    result = run(
        *(published / "result.jsonl", "--key", published / "board.pem", "--chain", published / "chain.jsonl"),
        *("--secret", SECRET.hex(), "--workers", 0),
    )
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith("Verified: every check was made and passed.\n")
    assert [line.split()[1] for line in result.stdout.splitlines()[:-1] if line.startswith("ok")] == [
        *("file", "signature", "chain", "claims", "suite", "score", "season", "secret", "replay")
    ]


def test_what_was_skipped_is_told_and_exits_with_3(published):
    result = run(published / "result.jsonl", "--key", (published / "board.hex").read_text(), "--no-replay")
    assert result.exit_code == 3
    assert result.stdout.endswith("Not verified in full: nothing failed, but chain, season, secret, replay skipped.\n")


def test_a_failed_check_exits_with_1_and_is_named(published, tmp_path):
    spoiled = tmp_path / "result.jsonl"
    spoiled.write_bytes((published / "result.jsonl").read_bytes().replace(b"random", b"Random", 1))
    result = run(spoiled, "--key", published / "board.pem")
    assert result.exit_code == 1
    assert "changed after it was signed" in result.stdout
    assert result.stdout.endswith("Not verified: file failed.\n")


def test_json_holds_every_check(published):
    result = run(published / "result.jsonl", "--json", "--no-replay")
    assert result.exit_code == 3
    record = json.loads(result.stdout)
    assert record["verdict"] == "incomplete"
    assert {check["status"] for check in record["checks"]} == {"ok", "skipped"}


def test_a_folder_of_results_is_replayed(tmp_path):
    play(tmp_path / "r")
    result = run(tmp_path / "r", "--workers", 2)
    assert result.exit_code == 0, result.output
    assert "4 of 4 replayed episodes are the recorded ones" in result.stdout
    assert "self-reported" in result.stdout


def test_markup_in_a_result_is_printed_as_it_is(tmp_path):
    results = play(tmp_path / "r", name="[red]me[/red]\x1b[2J")
    board = Board()
    board.publish(tmp_path / "result.jsonl", header_of(results), attempts_of(results))
    result = run(tmp_path / "result.jsonl", "--no-replay")
    assert r"[red]me[/red]\u001b[2J" in result.stdout
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.jsonl"], "result: expected a board's result file or a folder of results, got missing.jsonl"),
        (["{result}", "--chain", "missing.jsonl"], "SERVER/api/v1/ledger.jsonl"),
        (["{result}", "--key", "missing.pem"], "SERVER/api/v1/key.pem"),
        (["{result}", "--key", "missing.pem"], "key: expected 64 hexadecimal digits or a file"),
        (["{result}", "--key", "{result}"], "key: expected an Ed25519 public key"),
        (["{result}", "--secret", "xyz"], "secret: expected hexadecimal digits"),
        (["{result}", "--key", "{key}", "--chain", "missing.jsonl"], "missing.jsonl"),
        (["{result}", "--workers", "-1"], "--workers"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_arguments_that_cannot_be_used_exit_with_2_and_one_line(arguments, message, published, tmp_path, monkeypatch):
    names = {"result": published / "result.jsonl", "key": published / "board.pem"}
    monkeypatch.chdir(tmp_path)
    result = run(*(argument.format(**names) for argument in arguments))
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output
