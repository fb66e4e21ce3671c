"""Assets come out of wheels that pip fetches: the right hash or nothing, whole or not at all."""

import base64
import hashlib
import zipfile

import pytest
from typer.testing import CliRunner

from envsuite import assets
from envsuite.assets import Asset, AssetUnavailable
from envsuite.cli.main import app
from envsuite.errors import UnknownName

FILES = {"toypkg/__init__.py": b"", "toypkg/static/a.js": b"let a = 1;\n", "toypkg/static/sub/b.css": b"b {}\n"}


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A wheel in a folder that pip looks into, and nowhere else; and an empty folder of assets."""
    index = tmp_path / "index"
    index.mkdir()
    path = index / "toypkg-1.0-py3-none-any.whl"
    info = "toypkg-1.0.dist-info"
    files = {
        **FILES,
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: toypkg\nVersion: 1.0\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b'=').decode()},{len(body)}"
        for name, body in files.items()
    ]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("ENVSUITE_ASSETS", str(tmp_path / "assets"))
    return path


def table(wheel, **changes):
    fields = {
        "summary": "a toy",
        "distribution": "toypkg",
        "version": "1.0",
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "members": {"toypkg/static/": "static", "toypkg/static/a.js": "alone.js"},
        "licence": "MIT",
    }
    return {"toy": Asset(**{**fields, **changes})}


def test_files_and_folders_of_a_wheel_are_put_where_the_table_says(wheel):
    known = table(wheel)
    assert assets.find("toy", known) is None
    folder = assets.fetch("toy", known)
    assert folder == assets.find("toy", known)
    assert {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()} == {
        "alone.js": b"let a = 1;\n",
        "static/a.js": b"let a = 1;\n",
        "static/sub/b.css": b"b {}\n",
    }
    assert [path.name for path in folder.parent.iterdir()] == [folder.name], "nothing else is left behind"


def test_what_is_there_is_not_fetched_again(wheel):
    known = table(wheel)
    folder = assets.fetch("toy", known)
    wheel.unlink()
    assert assets.fetch("toy", known) == folder


def test_a_wheel_with_another_hash_is_refused(wheel):
    with pytest.raises(AssetUnavailable, match="SHA-256"):
        assets.fetch("toy", table(wheel, sha256="0" * 64))
    assert not any(assets.assets_folder().iterdir())


def test_a_changed_table_fetches_anew(wheel):
    assets.fetch("toy", table(wheel))
    assert assets.find("toy", table(wheel, version="2.0")) is None


@pytest.mark.parametrize("member", ["toypkg/none.js", "toypkg/none/"])
def test_a_member_that_is_not_there_leaves_nothing_behind(wheel, member):
    with pytest.raises(AssetUnavailable, match="toypkg/none"):
        assets.fetch("toy", table(wheel, members={member: "x"}))
    assert not any(assets.assets_folder().iterdir())


def test_a_package_that_cannot_be_had_says_what_pip_said(wheel):
    with pytest.raises(AssetUnavailable, match="pip said"):
        assets.fetch("toy", table(wheel, distribution="toypkg-that-is-not-there"))


def test_an_unknown_name_is_suggested():
    with pytest.raises(UnknownName, match="htmx"):
        assets.fetch("htmxx")


def test_the_command_lists_what_there_is(tmp_path, monkeypatch):
    monkeypatch.setenv("ENVSUITE_ASSETS", str(tmp_path))
    shown = CliRunner().invoke(app, ["assets", "list"])
    assert shown.exit_code == 0
    assert "django-htmx==1.29.0" in shown.output
    assert "not fetched" in shown.output
