import ast
import dataclasses
import errno
import os
import shutil
import tempfile
import tomllib
from pathlib import Path

import bundles
import pytest

from envsuite.errors import InvalidArgument, InvalidSubmission
from envsuite.leaderboard.submission import bundle as module
from envsuite.leaderboard.submission.archive import pack
from envsuite.leaderboard.submission.bundle import Bundle, new
from envsuite.leaderboard.submission.manifest import SubmissionManifest, read_manifest
from envsuite.leaderboard.submission.names import Limits


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder that bundles are copied to."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_and_every_zip_of_it_are_the_same_bundle(tmp_path, temporary):
    folder = bundles.learned(tmp_path / "mine")
    pack(folder, tmp_path / "mine.zip")
    shutil.make_archive(str(tmp_path / "deflated"), "zip", folder)
    opened = [Bundle.open(path) for path in (folder, tmp_path / "mine.zip", str(tmp_path / "deflated.zip"))]
    assert len({bundle.sha256 for bundle in opened}) == 1
    assert len({bundle.archive.read_bytes() for bundle in opened}) == 1
    for bundle in opened:
        assert tree(bundle.folder) == tree(folder)
        assert bundle.manifest == read_manifest(folder)
        bundle.close()
        bundle.close()
    assert list(temporary.iterdir()) == []


def test_what_was_checked_stays_whatever_happens_to_the_original(tmp_path):
    folder = bundles.write(tmp_path / "mine")
    with Bundle.open(folder) as bundle:
        (folder / "agent.py").write_text("other")
        assert (bundle.folder / "agent.py").read_text() == bundles.AGENT
        with pytest.raises(dataclasses.FrozenInstanceError):
            bundle.sha256 = ""
    assert not bundle.folder.exists()


def test_the_copy_holds_exactly_what_the_hash_covers(tmp_path):
    folder = bundles.write(tmp_path / "mine", **{"__pycache__/agent.cpython-311.pyc": b"", ".git/HEAD": b""})
    with Bundle.open(folder) as bundle:
        assert sorted(tree(bundle.folder)) == ["agent.py", "submission.toml"]


def test_problems_of_files_and_manifest_are_told_together_and_nothing_is_left(tmp_path, temporary):
    folder = bundles.write(tmp_path / "mine", bundles.MANIFEST.replace("MIT", "none"), "", con="")
    with pytest.raises(InvalidSubmission) as caught:
        Bundle.open(folder)
    assert [problem.split(": ")[0] for problem in caught.value.problems] == [
        "agent.py:1",
        "submission.toml:4",
        "'con'",
    ]
    shutil.make_archive(str(tmp_path / "bad"), "zip", bundles.write(tmp_path / "other", agent=""))
    with pytest.raises(InvalidSubmission, match=r"agent\.py:1: expected a function"):
        Bundle.open(tmp_path / "bad.zip")
    (tmp_path / "no.zip").write_bytes(b"no")
    with pytest.raises(InvalidSubmission, match=r"no\.zip: expected a zip file"):
        Bundle.open(tmp_path / "no.zip")
    with pytest.raises(InvalidSubmission, match=r"^yours\.zip: expected a zip file"):
        Bundle.open(tmp_path / "no.zip", shown_as="yours.zip")
    with pytest.raises(InvalidSubmission, match="expected at most 1 files"):
        Bundle.open(bundles.write(tmp_path / "third"), Limits(files=1))
    assert list(temporary.iterdir()) == []


def test_a_path_that_is_none(tmp_path, temporary):
    with pytest.raises(FileNotFoundError, match="expected the folder or zip file of a submission"):
        Bundle.open(tmp_path / "none")
    assert list(temporary.iterdir()) == []


def test_a_pipe_is_no_submission(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileNotFoundError, match="expected the folder or zip file of a submission"):
        Bundle.open(tmp_path / "pipe")


def test_requirements_are_installed_from_the_copy(tmp_path):
    lock = "# nothing is needed\n"
    folder = bundles.write(tmp_path / "mine", bundles.MANIFEST + 'requirements = "my.lock"\n', **{"my.lock": lock})
    with Bundle.open(folder) as bundle:
        (installed,) = bundle.install_requirements(tmp_path / "cache")
        assert installed.parent == tmp_path / "cache"
        assert installed.is_dir()
    with Bundle.open(bundles.write(tmp_path / "other")) as bundle:
        assert bundle.install_requirements(tmp_path / "cache") == ()


def test_a_new_submission_is_in_order_unedited(tmp_path):
    new(tmp_path / "mine", "robin 2.0", "core-v1")
    with Bundle.open(tmp_path / "mine") as bundle:
        assert bundle.manifest.name == "robin 2.0"
        assert bundle.manifest.suite == "core-v1"
        assert not bundle.manifest.learned
    assert sorted(tree(tmp_path / "mine")) == ["README.md", "agent.py", "submission.toml"]
    assert "# robin 2.0" in (tmp_path / "mine" / "README.md").read_text()
    assert "--suite core-v1" in (tmp_path / "mine" / "README.md").read_text()


def test_a_name_that_the_template_uses_for_something_else(tmp_path):
    new(tmp_path / "mine", "quick-v1", "core-v1")
    manifest = read_manifest(tmp_path / "mine")
    assert (manifest.name, manifest.suite) == ("quick-v1", "core-v1")


def test_a_disk_that_is_full_leaves_no_half_submission(tmp_path, monkeypatch):
    write = Path.write_text

    def full(path, text, **options):
        if path.name == "README.md":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, text, **options)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        new(tmp_path / "mine", "mine")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    (tmp_path / "mine").mkdir()
    new(tmp_path / "mine", "mine")
    assert read_manifest(tmp_path / "mine").name == "mine"


def test_what_the_template_has_in_comments_is_in_order_too(tmp_path):
    new(tmp_path / "mine", "mine")
    lines = (tmp_path / "mine" / "submission.toml").read_text().splitlines()
    fields = {*SubmissionManifest.model_fields, "weights", "seed", "steps", "wall_hours", "trials", "code"}
    uncommented = [
        line[2:] if line.startswith("# [") or (line[:2] == "# " and line[2:].split(" =")[0] in fields) else line
        for line in lines
    ]
    text = "\n".join(uncommented).replace("learned = false", "learned = true")
    # Bare keys have to stand before the first table.
    head = [line for line in text.splitlines() if line.startswith(("requirements", "hardware"))]
    text = "\n".join([*head, *(line for line in text.splitlines() if line not in head)])
    assert {"runs", "training_budget", "tuning_budget", "links", "hardware", "requirements"} <= set(tomllib.loads(text))
    (tmp_path / "mine" / "submission.toml").write_text(text)
    (tmp_path / "mine" / "requirements.lock").touch()
    (tmp_path / "mine" / "weights").mkdir()
    (tmp_path / "mine" / "weights" / "run-0.npz").touch()
    assert read_manifest(tmp_path / "mine").training_budget.steps == 1_000_000


@pytest.mark.parametrize("name", ["", "../evil", "a/b", 'a"b', "-x", "a\nb"])
def test_a_name_that_no_manifest_may_have_makes_nothing(tmp_path, name):
    with pytest.raises(InvalidArgument, match="name: expected 1 to 60 letters"):
        new(tmp_path / "mine", name)
    assert not (tmp_path / "mine").exists()


def test_an_unknown_suite_makes_nothing(tmp_path):
    with pytest.raises(InvalidArgument, match=r"suite: .*did you mean quick-v1"):
        new(tmp_path / "mine", "mine", "quick")
    assert not (tmp_path / "mine").exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    bundles.write(tmp_path / "mine")
    before = tree(tmp_path / "mine")
    for target in (tmp_path / "mine", tmp_path / "mine" / "agent.py"):
        with pytest.raises(InvalidArgument, match="folder: expected none or an empty one"):
            new(target, "mine")
    assert tree(tmp_path / "mine") == before


def test_the_template_needs_numpy_and_nothing_of_envsuite():
    tree = ast.parse((module.TEMPLATE / "agent.py").read_text())
    imported = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert imported == {"__future__", "typing", "numpy"}
    assert sorted(path.name for path in Path(module.TEMPLATE).iterdir() if path.is_file()) == sorted(
        module.TEMPLATE_FILES
    )
