import io
import json
import math
import tracemalloc
from dataclasses import replace

import pytest
from signed import FLAT, HARDCORE, SUITE, Board, attempts_of, header_of, play

from envsuite.episode import Episode
from envsuite.errors import InvalidArgument, NotVerified
from envsuite.leaderboard import resultfile
from envsuite.leaderboard.attest import RESULT
from envsuite.leaderboard.canonical import canonical, finite
from envsuite.leaderboard.resultfile import Header, read_result, write_result
from envsuite.leaderboard.results import Machine, make_manifest, this_machine


def episode(task_id=FLAT, seed_index=0, **changes):
    fields = {
        "task_id": task_id,
        "seed_index": seed_index,
        "return_": -1.5,
        "length": 2,
        "metrics": {"distance": 0.25},
        "outcome": "terminated",
        "trajectory": "ab" * 16,
        "timings": {"wall_s": 0.5},
        "actions": [[0.1, -0.0, 1e-7, 1.0], [0.5, 0.5, 0.5, 0.5]],
    }
    return Episode(**{**fields, **changes})


EPISODES = [episode(task, index) for task in (HARDCORE, FLAT) for index in range(2)]


def header(**changes):
    manifest = make_manifest(SUITE, split="dev", agent="x", entry_point="x", seed=0, runs=changes.pop("runs", 1))
    return Header(
        **{"id": "e1", "evaluation": manifest, "trust": "validated", "score": {"iqm": [0.5, 0.25]}, **changes}
    )


def write(path, episodes=EPISODES, **changes):
    return Board().publish(path, header(**changes), episodes)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "result.jsonl"
    write(path)
    return path


def test_a_real_evaluation_is_written_and_read_again(tmp_path):
    results = play(tmp_path / "r")
    board, path, written = Board(), tmp_path / "result.jsonl", header_of(results)
    entry = board.publish(path, written, attempts_of(results))
    read = read_result(path)
    assert read.header == written
    assert read.header.evaluation == results.manifest
    assert read.entry == entry == board.entries[0]
    assert read.attempts == results.episodes
    assert [e.to_json() for e in read.attempts] == [e.to_json() for e in results.episodes]
    assert [e.actions for e in read.with_actions()] == [e.actions for e in attempts_of(results)]
    assert all(e.actions is None for e in read.attempts)
    assert read.payload_sha256 == entry.payload_sha256


def test_every_line_is_json_that_any_tool_reads(path):
    lines = path.read_bytes().split(b"\n")
    assert lines.pop() == b""
    records = [json.loads(line) for line in lines]
    assert records[0]["format"] == "envsuite-result-1"
    assert records[1]["task_id"] == HARDCORE
    assert records[1]["actions"] == EPISODES[0].actions
    assert records[-1]["kind"] == RESULT


def test_an_open_file_is_written_and_left_open(path):
    file = io.BytesIO()
    board = Board()
    write_result(file, header(), EPISODES, lambda digest: board.append(RESULT, "e1", digest))
    assert file.getvalue().splitlines()[:-1] == path.read_bytes().splitlines()[:-1]


def test_nothing_is_left_of_a_file_that_was_not_finished(tmp_path):
    def failing(digest):
        raise ConnectionError("the database has gone")

    target = tmp_path / "result.jsonl"
    with pytest.raises(ConnectionError):
        write_result(target, header(), EPISODES, failing)
    assert list(tmp_path.iterdir()) == []
    write(target)
    before = target.read_bytes()
    with pytest.raises(ConnectionError):
        write_result(target, header(), EPISODES, failing)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [before]


def test_numbers_that_json_lacks_come_back(tmp_path):
    odd = episode(HARDCORE, return_=math.inf, metrics={"distance": math.nan}, actions=[[math.inf, -math.inf, 0.5, 1.0]])
    path = tmp_path / "result.jsonl"
    write(path, [odd], score={"iqm": [math.nan, 0.5]})
    (read,) = read_result(path).attempts
    assert read.return_ == math.inf
    assert math.isnan(read.metrics["distance"])
    (with_actions,) = read_result(path).with_actions()
    assert with_actions.actions == [["Infinity", "-Infinity", 0.5, 1.0]]
    assert read_result(path).header.score == {"iqm": ["NaN", 0.5]}


def test_integers_that_a_database_made_of_floats_are_floats_again(tmp_path):
    path = tmp_path / "result.jsonl"
    write(path, [episode(HARDCORE, return_=3, metrics={"distance": 1})])
    assert b'"return":3.0' in path.read_bytes()
    assert read_result(path).attempts[0].metrics == {"distance": 1.0}


def test_machine_and_sandbox_are_kept(tmp_path):
    path = tmp_path / "result.jsonl"
    machine = this_machine().model_dump(mode="json")
    write(path, machine=machine)
    assert Machine.model_validate(read_result(path).header.machine) == this_machine().model_copy(
        update={"started_at": machine["started_at"]}
    )


def test_attempts_that_the_environment_broke_off_stand_before_the_one_that_counts(tmp_path):
    path = tmp_path / "result.jsonl"
    broken = episode(HARDCORE, outcome="env_error", actions=None)
    write(path, [broken, broken, *EPISODES])
    assert len(read_result(path).attempts) == 6
    with pytest.raises(InvalidArgument, match="is there twice"):
        write(path, [EPISODES[0], broken])


@pytest.mark.parametrize(
    ("episodes", "message"),
    [
        ([EPISODES[0], EPISODES[0]], "twice"),
        (EPISODES[::-1], "out of order"),
        ([episode("envsuite/bipedal-stumps-v1")], "outside small-v1"),
        ([episode(seed_index=2)], "outside small-v1"),
        ([episode(seed_index=-1)], "outside small-v1"),
        ([episode(run=1)], "outside small-v1"),
    ],
    ids=["twice", "order", "task", "index", "negative", "run"],
)
def test_episodes_that_do_not_belong_there_are_neither_written_nor_read(episodes, message, tmp_path):
    with pytest.raises(InvalidArgument, match=message):
        write(tmp_path / "result.jsonl", episodes)
    forged = forge(header(), episodes)
    (tmp_path / "forged.jsonl").write_bytes(forged)
    with pytest.raises(NotVerified, match=message):
        read_result(tmp_path / "forged.jsonl")


def forge(header, episodes):
    """A file of any episodes with an attestation of its bytes, as somebody with a key of his own could make it."""
    board = Board()
    lines = [finite(header.model_dump()), *({**finite(e.to_json()), "actions": e.actions} for e in episodes)]
    body = b"".join(canonical(line) + b"\n" for line in lines)
    return body + canonical(board.append(RESULT, header.id, body).to_json()) + b"\n"


def test_runs_stand_in_order(tmp_path):
    path = tmp_path / "result.jsonl"
    write(path, [replace(e, run=run) for e in EPISODES[:1] for run in (0, 1)], runs=2)
    assert [e.run for e in read_result(path).attempts] == [0, 1]


@pytest.mark.parametrize(
    "attest",
    [
        lambda board, digest: board.append(RESULT, "e2", digest),
        lambda board, digest: board.append("other", "e1", digest),
        lambda board, digest: board.append(RESULT, "e1", b""),
    ],
    ids=["subject", "kind", "payload"],
)
def test_an_entry_of_something_else_is_not_written(attest, tmp_path):
    board = Board()
    with pytest.raises(InvalidArgument, match="attest: expected an entry"):
        write_result(tmp_path / "result.jsonl", header(), EPISODES, lambda digest: attest(board, digest))
    assert list(tmp_path.iterdir()) == []


def lines_of(data):
    return data.splitlines(keepends=True)


SPOILED = {
    "nothing": lambda data: b"",
    "one line": lambda data: lines_of(data)[0],
    "only a newline": lambda data: b"\n",
    "no attestation": lambda data: b"".join(lines_of(data)[:-1]),
    "no header": lambda data: b"".join(lines_of(data)[1:]),
    "no last newline": lambda data: data[:-1],
    "a byte behind": lambda data: data + b"x",
    "a newline behind": lambda data: data + b"\n",
    "the attestation twice": lambda data: data + lines_of(data)[-1],
    "CRLF": lambda data: data.replace(b"\n", b"\r\n"),
    "BOM": lambda data: b"\xef\xbb\xbf" + data,
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "an empty line": lambda data: data.replace(b"\n", b"\n\n", 1),
    "a space": lambda data: data.replace(b'"id":', b'"id": ', 1),
    "an episode less": lambda data: b"".join(lines_of(data)[:1] + lines_of(data)[2:]),
    "an episode twice": lambda data: b"".join(lines_of(data)[:2] + lines_of(data)[1:]),
    "episodes swapped": lambda data: b"".join([lines_of(data)[i] for i in (0, 2, 1, 3, 4, 5)]),
    "a better return": lambda data: data.replace(b'"return":-1.5', b'"return":99.5', 1),
    "another action": lambda data: data.replace(b"1e-07", b"2e-07", 1),
    "a larger integer as a float": lambda data: data.replace(b'"length":2', b'"length":2.0', 1),
    "text for a number": lambda data: data.replace(b'"length":2', b'"length":"2"', 1),
    "another key": lambda data: data.replace(b'"timings":', b'"timinga":', 1),
    "a key more": lambda data: data.replace(b'"trajectory":', b'"trial":0,"trajectory":'.replace(b"trial", b"tra"), 1),
    "a higher trust": lambda data: data.replace(b'"trust":"validated"', b'"trust":"verified"', 1),
    "no such trust": lambda data: data.replace(b'"trust":"validated"', b'"trust":"certified"', 1),
    "a list as header": lambda data: b"[]\n" + b"".join(lines_of(data)[1:]),
    "a list as episode": lambda data: b"".join([lines_of(data)[0], b"[]\n", *lines_of(data)[2:]]),
    "another format": lambda data: data.replace(b"envsuite-result-1", b"envsuite-result-2", 1),
    "zeros": lambda data: bytes(len(data)),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_a_spoiled_file_is_refused_with_its_name(spoil, path):
    data = path.read_bytes()
    spoiled = spoil(data)
    assert spoiled != data
    path.write_bytes(spoiled)
    with pytest.raises(NotVerified, match=r"result\.jsonl"):
        read_result(path)


def test_a_changed_result_says_that_it_was_changed(path):
    path.write_bytes(SPOILED["a better return"](path.read_bytes()))
    with pytest.raises(NotVerified, match=r"line 6: .* changed after it was signed"):
        read_result(path)


def test_the_attestation_of_another_result_is_refused(path, tmp_path):
    other = tmp_path / "other.jsonl"
    write(other, id="e2")
    path.write_bytes(b"".join([*lines_of(path.read_bytes())[:-1], lines_of(other.read_bytes())[-1]]))
    with pytest.raises(NotVerified, match="belongs to something else"):
        read_result(path)


def test_a_line_without_an_end_takes_no_memory(path, monkeypatch):
    monkeypatch.setattr(resultfile, "MAX_LINE", 1 << 20)
    with path.open("ab") as file:
        file.truncate(len(lines_of(path.read_bytes())[0]))
        file.seek(0, 2)
        file.write(b"[" * (64 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(NotVerified, match="longer than 1048576 bytes"):
            read_result(path)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    with pytest.raises(InvalidArgument, match="at most 1048576 bytes a line"):
        write(path, [episode(HARDCORE, actions=[[0.5] * 4] * 100_000)])


def test_actions_are_streamed_one_episode_at_a_time(tmp_path):
    """80 episodes of 2,000 numbers: held at once, their objects would take over 5 MB."""
    path = tmp_path / "result.jsonl"
    runs = 20

    def many():
        for task_id in SUITE.task_ids:
            for run in range(runs):
                for index in range(2):
                    yield episode(
                        task_id, index, run=run, actions=[[0.1 + step, 1.0, run / 7, -0.5] for step in range(500)]
                    )

    tracemalloc.start()
    try:
        write(path, many(), runs=runs)
        read = read_result(path)
        count = sum(1 for _ in read.with_actions())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 80
    assert peak < 2_000_000
