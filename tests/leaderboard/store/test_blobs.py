import hashlib
import io
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from envsuite.errors import InvalidArgument, StoreUnavailable, UnknownName
from envsuite.leaderboard.store.blobs import Blobs


@pytest.fixture
def blobs(tmp_path):
    return Blobs(tmp_path / "blobs")


def files_in(blobs: Blobs) -> list[Path]:
    return [path for path in blobs.folder.rglob("*") if path.is_file()]


def test_blobs_are_the_servers_alone(blobs):
    blobs.put(b"actions of an open season")
    assert stat.S_IMODE(blobs.folder.stat().st_mode) == 0o700


def test_what_was_put_can_be_got_by_its_hash(blobs):
    sha256 = blobs.put(b"weights")
    assert sha256 == hashlib.sha256(b"weights").hexdigest()
    assert blobs.get(sha256) == b"weights"
    assert blobs.put(b"weights") == blobs.put_file(io.BytesIO(b"weights")) == sha256
    assert files_in(blobs) == [blobs.path(sha256)]
    assert sha256 in blobs
    assert "0" * 64 not in blobs


def test_equal_data_give_equal_blobs(blobs):
    assert blobs.put_json([[1, 2.5], "x"]) == blobs.put_json([[1, 2.5], "x"])
    assert blobs.get_json(blobs.put_json({"a": [1]})) == {"a": [1]}


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 65, "0" * 63 + "/"])
def test_only_hashes_are_names(blobs, name):
    with pytest.raises(InvalidArgument, match="64 lower-case"):
        blobs.path(name)


def test_a_missing_blob_and_a_damaged_one_are_told_apart(blobs):
    with pytest.raises(UnknownName, match="is not in"):
        blobs.get("0" * 64)
    sha256 = blobs.put(b"weights")
    blobs.path(sha256).write_bytes(b"weightz")
    with pytest.raises(StoreUnavailable, match="damaged"):
        blobs.get(sha256)


def test_a_writer_that_is_left_early_leaves_nothing(blobs):
    def stop_half_way():
        with blobs.writer() as writer:
            writer.file.write(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        stop_half_way()
    assert files_in(blobs) == []


def test_a_full_disk_is_an_error_and_leaves_nothing_half_written(needs, tmp_path):
    needs("bwrap", Path("/usr/bin/bwrap").exists(), "apt-get install bubblewrap")
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from envsuite.errors import StoreUnavailable
        from envsuite.leaderboard.store.blobs import Blobs
        blobs = Blobs(Path(sys.argv[1], "blobs"))
        kept = blobs.put(b"x" * 1000)
        try:
            blobs.put(b"y" * 4_000_000)
        except StoreUnavailable as error:
            print(error)
        names = [path.name for path in blobs.folder.rglob("*") if path.is_file()]
        assert names == [kept], names
        print(blobs.get(blobs.put(b"z" * 1000))[:1])
    """)
    command = [
        "bwrap",
        "--dev-bind",
        "/",
        "/",
        "--size",
        "1048576",
        "--tmpfs",
        str(tmp_path),
        sys.executable,
        "-c",
        script,
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert "No space left on device; nothing was kept" in first
    assert second == "b'z'"
