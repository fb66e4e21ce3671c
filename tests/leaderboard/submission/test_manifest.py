import json
import re
import tomllib
from pathlib import Path

import bundles
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from envsuite.errors import InvalidSubmission
from envsuite.leaderboard.submission.manifest import (
    MAX_BYTES,
    RunEntry,
    SubmissionManifest,
    TrainingBudget,
    TuningBudget,
    read_manifest,
)


def problems_of(folder):
    with pytest.raises(InvalidSubmission) as caught:
        read_manifest(folder)
    return list(caught.value.problems)


def test_the_fields_of_a_manifest(tmp_path):
    manifest = read_manifest(bundles.learned(tmp_path))
    assert manifest.name == "my-agent"
    assert manifest.entry_point == "agent:make_agent"
    assert manifest.requirements is None
    assert [run.weights for run in manifest.runs] == [
        ("weights/run-0.bin",),
        ("weights/run-1.bin", "weights/common.bin"),
    ]
    assert [run.seed for run in manifest.runs] == [0, 1]
    assert manifest.training_budget.steps == 1_000_000
    assert manifest.training_budget.wall_hours == 2.0
    with pytest.raises(ValidationError):
        manifest.name = "other"


def test_what_is_declared_is_plain_data(tmp_path):
    declared = read_manifest(bundles.learned(tmp_path)).declared()
    assert json.loads(json.dumps(declared)) == {
        "training_budget": {"steps": 1_000_000, "wall_hours": 2.0},
        "tuning_budget": {"trials": 20},
        "hardware": "8 cores",
        "links": {"code": "https://example.org/code"},
        "runs": [
            {"weights": ["weights/run-0.bin"], "seed": 0},
            {"weights": ["weights/run-1.bin", "weights/common.bin"], "seed": 1, "note": "the second"},
        ],
    }
    assert read_manifest(bundles.write(tmp_path / "other")).declared() == {}


def test_every_problem_is_told_at_once_with_its_line(tmp_path):
    manifest = """\
nam = "x"
version = "x"
authors = [
  "a",
  3,
]
licence = "mit"
suite = "quik-v1"
learned = false
entry_point = "agent:make"
requirements = "my.lock"

[training_budget]
steps = -1
wall_hours = nan
[links]
code = "javascript:alert(1)"
"<b>" = "https://x.y"
[[runs]]
weights = ["none.bin", "../x"]
seed = 1.5
[[runs]]
wieghts = ["agent.py"]
"""
    folder = bundles.write(tmp_path, manifest, "x = 1\n\n\ndef make(a, b): pass\n", **{"my.lock": "six==1.0\n-e .\n"})
    told = [problem.split(": expected")[0] for problem in problems_of(folder)]
    assert told == [
        "submission.toml:1: name",
        "submission.toml:1: nam",
        "submission.toml:2: version",
        "submission.toml:5: authors[1]",
        "submission.toml:7: licence",
        "submission.toml:8: suite",
        "submission.toml:9: learned",
        "agent.py:4: make",
        "my.lock:1",
        "my.lock:2",
        "submission.toml:14: training_budget.steps",
        "submission.toml:15: training_budget.wall_hours",
        "submission.toml:17: links.code",
        "submission.toml:18: links.'<b>'",
        "submission.toml:20: runs[0].weights[0]",
        "submission.toml:20: runs[0].weights[1]",
        "submission.toml:21: runs[0].seed",
        "submission.toml:22: runs[1].weights",
        "submission.toml:23: runs[1].wieghts",
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('name = ""', "name: expected 1 to 60 letters"),
        ('name = "a/b"', "name: expected 1 to 60 letters"),
        ('name = "<script>"', "name: expected 1 to 60 letters"),
        ("name = 3", "name: expected 1 to 60 letters, digits, spaces and . _ - + of ASCII"),
        (f'name = "{"a" * 61}"', "name: expected 1 to 60"),
        ('version = "latest"', 'version: expected a version like "1.0"'),
        (f'version = "1.{"1" * 40}"', "version: expected"),
        ("version = 1979-05-27", "version: expected a version like"),
        ("authors = []", "authors: expected a list of 1 to 50 names of at most 100 characters, got []"),
        ('authors = "Ada"', "authors: expected a list of 1 to 50 names of at most 100 characters, got 'Ada'"),
        ('authors = ["a", ""]', "authors[1]: expected at least 1 characters, got ''"),
        (f'authors = ["{"a" * 101}"]', "authors[0]: expected at most 100 characters"),
        (f"authors = {['a'] * 51}", "authors: expected a list of 1 to 50 names"),
        ('authors = ["\\u202eevil"]', "authors[0]: expected a text without control characters, got U+202E in it"),
        ('licence = "Apache2"', "licence: expected an SPDX identifier"),
        ('suite = "core-v2"', "got 'core-v2'; did you mean core-v1?"),
        ('suite = "<b>"', "suite: expected the name of a suite, one of core-v1"),
        ('learned = "no"', "learned: expected true or false, got 'no'"),
        ("learned = 0", "learned: expected true or false, got 0"),
        ("learned = true", "learned: expected [[runs]] with the weights of every training run"),
        ('entry_point = "agent"', "entry_point: expected \"module:function\", got 'agent'"),
        ('entry_point = "other:make_agent"', "expected a file other.py or other/__init__.py in the bundle, got none"),
        ('entry_point = "../agent:make_agent"', 'entry_point: expected "module:function"'),
        ('entry_point = "os:system"', 'expected a module with a name of its own, got "os"'),
        ('requirements = "none.lock"', "requirements: expected a lock file in the bundle, got 'none.lock'"),
        ('requirements = "/etc/passwd"', "requirements: expected a path inside the bundle, got an absolute one"),
        ('hardware = "a\\nb"', "hardware: expected a text without control characters, got U+000A in it"),
        ('hardware = "  "', "hardware: expected a text or nothing, got only spaces"),
        ('description = "\\u0000"', "description: expected a text without control characters, got U+0000"),
        (f'description = "{"a" * 2001}"', "description: expected a text of at most 2000 characters"),
        ("description = ''", None),
        ("description = '''a\nb'''", None),
        ('links.a = "https://a.b/c?d=e#f"', None),
        ('links.a = "ftp://a.b"', "links.a: expected an address that begins with https://"),
        ('links.a = "https://"', "links.a: expected an address"),
        ('links.a = "https://a.b/\\"onload=x"', "links.a: expected an address"),
        ('links.a = "https://a b"', "links.a: expected an address"),
        ('links.a = "https://[::1"', "links.a: expected an address"),
        ('links.a = "https://user:secret@a.b"', "expected an address without a user name or password, got one"),
        ('links = ["https://a.b"]', "links: expected a table of at most 10 addresses"),
        ("links.a = 1", "links.a: expected a string, got 1"),
        ("tuning_budget.trials = true", "tuning_budget.trials: expected a number of settings tried"),
        ("tuning_budget.trials = 1.0", "tuning_budget.trials: expected a number of settings tried"),
        ("tuning_budget.wall_hours = inf", "tuning_budget.wall_hours: expected a number of hours"),
        ("tuning_budget.wall_hours = '3'", "tuning_budget.wall_hours: expected a number of hours"),
        ("tuning_budget.wall_hours = 3", None),
        ("tuning_budget = 3", "tuning_budget: expected a table, got 3"),
        ("training_budget.steps = 3", "learned: expected true where there is [training_budget], got false"),
        ('runs = [{weights = ["agent.py"]}]', "learned: expected true where there is [[runs]], got false"),
        ('license = "MIT"', "license: expected a field of the manifest, got an unknown one; did you mean licence?"),
        ("zzz = 1", "zzz: expected a field of the manifest, got an unknown one; known are name, version"),
        ('"new\\nline" = 1', "'new\\nline': expected a field of the manifest"),
    ],
)
def test_one_field_at_a_time(tmp_path, line, told):
    field = line.split(" ")[0]
    kept = [old for old in bundles.MANIFEST.splitlines() if not old.startswith(f"{field} =")]
    folder = bundles.write(tmp_path, "\n".join([*kept, line, ""]))
    if told is None:
        assert read_manifest(folder)
        return
    problems = problems_of(folder)
    assert len(problems) == 1
    assert told in problems[0]
    number = 6 if "expected true where there is" in told else len(kept) + 1
    assert problems[0].startswith(f"submission.toml:{number}: ")


@pytest.mark.parametrize("field", ["name", "version", "authors", "licence", "suite", "learned"])
def test_a_missing_field(tmp_path, field):
    kept = [line for line in bundles.MANIFEST.splitlines() if not line.startswith(field)]
    problems = problems_of(bundles.write(tmp_path, "\n".join(kept)))
    assert len(problems) == 1
    assert problems[0].startswith(f"submission.toml:1: {field}: expected ")
    assert problems[0].endswith("got nothing")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("seed = 1\n", "seed = 0\n", "25: runs[1].seed: expected another training run than runs[0], got seed 0"),
        ('"weights/run-1.bin", "weights/common.bin"', '"weights/run-0.bin"', "24: runs[1].weights: expected another"),
        ('"weights/run-1.bin", "weights/common.bin"', '"weights/copy.bin"', "got files with the same content"),
        ('["weights/run-0.bin"]', '["weights/none.bin"]', "20: runs[0].weights[0]: expected a file in the bundle"),
        ('["weights/run-0.bin"]', '["weights"]', "20: runs[0].weights[0]: expected a file in the bundle"),
        ('["weights/run-0.bin"]', '["/etc/passwd"]', "20: runs[0].weights[0]: expected a path inside the bundle"),
        ('["weights/run-0.bin"]', "[]", "20: runs[0].weights: expected a list of 1 to 64 files"),
        ("learned = true", "learned = false", "6: learned: expected true where there is [[runs]] and [training_"),
    ],
)
def test_training_runs(tmp_path, old, new, told):
    folder = bundles.learned(tmp_path, bundles.LEARNED.replace(old, new))
    (folder / "weights" / "copy.bin").write_text("run-0")
    problems = problems_of(folder)
    assert len(problems) == 1
    assert told in problems[0]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xef\xbb\xbfname = 1", "submission.toml:1: expected UTF-8 without a byte-order mark"),
        ("name = 1".encode("utf-16"), "submission.toml:1: expected UTF-8 without a byte-order mark"),
        (b'a = 1\nname = "\xe4"', "submission.toml:2: expected a text in UTF-8, got the byte 0xe4"),
        (b'a = 1\n\nname = "\0"', "submission.toml:3: expected a text in UTF-8, got a NUL character"),
        (b"a = 1\nb = = 2", "submission.toml:2: expected TOML, got an error: Invalid value, in column 5"),
        (b"a = 1\na = 2", "submission.toml:2: expected TOML, got an error: Cannot overwrite a value"),
        (b"a = [1,\n\n", "submission.toml:3: expected TOML, got an error"),
        (b"a = " + b"[" * 30_000, "submission.toml:1: expected"),
        (b"a = " + b"9" * 10_000, "submission.toml:1: expected plain TOML, got ValueError"),
        (b"#" * (MAX_BYTES + 1), f"submission.toml:1: expected at most {MAX_BYTES} bytes"),
        (b"", "submission.toml:1: name: expected"),
    ],
)
def test_a_file_that_is_no_toml(tmp_path, content, told):
    (tmp_path / "submission.toml").write_bytes(content)
    assert problems_of(tmp_path)[0].startswith(told)


def test_windows_line_ends_are_read(tmp_path):
    folder = bundles.write(tmp_path)
    (folder / "submission.toml").write_bytes(bundles.MANIFEST.replace("\n", "\r\n").encode())
    assert read_manifest(folder).suite == "quick-v1"
    (folder / "submission.toml").write_bytes(bundles.MANIFEST.replace("\n", "\r\n").replace("MIT", "x").encode())
    assert problems_of(folder)[0].startswith("submission.toml:4: licence")


def test_no_manifest_at_all_or_one_that_is_a_link_or_a_folder(tmp_path):
    assert problems_of(tmp_path)[0].startswith("submission.toml:1: expected a file in the bundle, got: No such file")
    (tmp_path / "submission.toml").mkdir()
    assert problems_of(tmp_path) == ["submission.toml:1: expected a file, got a folder, device or pipe"]
    (tmp_path / "submission.toml").rmdir()
    (tmp_path / "submission.toml").symlink_to("/etc/passwd")
    assert problems_of(tmp_path)[0].startswith("submission.toml:1: expected a file in the bundle, got: Too many")


def test_a_manifest_made_in_python_is_checked_without_files():
    fields = {"name": "a", "version": "1", "authors": ("a",), "licence": "LicenseRef-Mine", "suite": "quick-v1"}
    assert SubmissionManifest(**fields, learned=False).runs == ()
    with pytest.raises(ValidationError, match=r"expected true where there is \[\[runs\]\]"):
        SubmissionManifest(**fields, learned=False, runs=({"weights": ("a",)},))
    with pytest.raises(ValidationError, match="expected another training run"):
        SubmissionManifest(**fields, learned=True, runs=({"weights": ("a",)}, {"weights": ("a",)}))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
GOOD = tomllib.loads(bundles.LEARNED)


def toml(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(item)}" for key, item in value.items() if item is not None) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(item) for item in value if item is not None) + "]"
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(character):08x}" for character in value) + '"'
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(st.sampled_from(sorted(SubmissionManifest.model_fields)), VALUES, max_size=4))
def test_whatever_a_field_holds_the_manifest_is_read_or_its_line_is_told(tmp_path, changes):
    folder = bundles.learned(tmp_path)
    data = {**GOOD, **changes}
    lines = [f"{toml(key)} = {toml(value)}" for key, value in data.items() if value is not None]
    (folder / "submission.toml").write_text("\n".join(lines))
    manifest, problems = bundles.attempt(read_manifest, folder)
    for problem in problems:
        assert problem.isprintable()
        assert problem.isascii()
        line = int(problem.split(":")[1])
        field = problem.split(": ")[1].split(".")[0].split("[")[0]
        assert data.get(field) is None or lines[line - 1].startswith(toml(field)), problem
    if manifest is not None:
        assert SubmissionManifest.model_validate_json(manifest.model_dump_json()) == manifest


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_manifest_is_read_or_refused(tmp_path, data):
    folder = bundles.learned(tmp_path)
    content = bytearray(bundles.LEARNED.encode())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(content)))
        content[at : at + data.draw(st.integers(0, 4))] = data.draw(
            st.binary(max_size=3) | st.sampled_from([b'"', b"\n", b"[", b"]", b"=", b'"""', b"#", b".", b"{"])
        )
    (folder / "submission.toml").write_bytes(content)
    manifest, problems = bundles.attempt(read_manifest, folder)
    assert problems or manifest.suite == "quick-v1"
    assert all(problem.split(":")[1].isdigit() for problem in problems), problems


def test_the_reference_has_a_row_for_every_field():
    page = (Path(__file__).parents[3] / "docs" / "reference" / "submission-manifest.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE)
    assert rows == [*ORDER, *RunEntry.model_fields]
    assert set(ORDER) == set(SubmissionManifest.model_fields)
    for field in (*TrainingBudget.model_fields, *TuningBudget.model_fields):
        assert f"`{field}`" in page


ORDER = (
    *("name", "version", "authors", "licence", "suite", "learned", "entry_point", "requirements", "runs"),
    *("training_budget", "tuning_budget", "hardware", "links", "description"),
)
"""Of the reference: what has to be there first."""
