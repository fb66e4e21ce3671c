import hashlib
import io
import os
import random
import shutil
import stat
import struct
import subprocess
import zipfile
import zlib
from pathlib import Path

import bundles
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envsuite.errors import InvalidArgument, InvalidSubmission
from envsuite.leaderboard.submission.archive import pack, unpack
from envsuite.leaderboard.submission.names import Limits

SMALL = Limits(archive_bytes=2**20, unpacked_bytes=2**20, files=50)


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "bundle"
    (folder / "weights").mkdir(parents=True)
    (folder / "agent.py").write_text("def make_agent(task): ...\n")
    (folder / "weights" / "run-0.bin").write_bytes(bytes(range(256)) * 1000)
    (folder / "ümlaut.txt").write_text("x")
    (folder / "empty").touch()
    return folder


def write(path, *members, compression=zipfile.ZIP_DEFLATED, mode=None):
    """A zip of (name, content); `mode` becomes the unix type of all of them."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = compression
            if mode is not None:
                info.external_attr = mode << 16
            archive.writestr(info, content)
    return path


def problems_of(archive, tmp_path, limits=None):
    """The problems of an archive; nothing may be left of it."""
    target = tmp_path / "target"
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InvalidSubmission) as caught:
        unpack(archive, target, limits)
    assert sorted(tmp_path.iterdir()) == before
    assert all(problem.startswith(f"{archive.name}: ") for problem in caught.value.problems)
    return "\n".join(caught.value.problems)


def test_what_is_packed_comes_out_and_the_hash_is_the_files(folder, tmp_path):
    sha256 = pack(folder, tmp_path / "a.zip")
    assert sha256 == hashlib.sha256((tmp_path / "a.zip").read_bytes()).hexdigest()
    unpack(tmp_path / "a.zip", tmp_path / "target")
    assert tree(tmp_path / "target") == tree(folder)
    assert stat.S_IMODE((tmp_path / "target").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "target" / "agent.py").stat().st_mode) == 0o644


def test_equal_files_give_equal_bytes_whatever_their_times_modes_and_order(folder, tmp_path):
    other = tmp_path / "other"
    (other / "weights").mkdir(parents=True)
    for name in sorted(tree(folder), reverse=True):
        shutil.copyfile(folder / name, other / name)
        (other / name).chmod(0o755)
        os.utime(other / name, (1, 1))
    (other / "an empty folder").mkdir()
    (other / "__pycache__").mkdir()
    (other / "__pycache__" / "agent.pyc").touch()
    (other / ".git").mkdir()
    (other / ".git" / "HEAD").touch()
    assert pack(folder, tmp_path / "a.zip") == pack(other, tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_the_bytes_are_those_of_the_format_and_nothing_else(tmp_path):
    """A second writer, from the description of the format: whatever Python's own does one day, this must stay."""
    (tmp_path / "bundle" / "b").mkdir(parents=True)
    (tmp_path / "bundle" / "a.txt").write_text("one\n")
    (tmp_path / "bundle" / "b" / "ü").write_text("two\n")
    entries = directory = b""
    for name, content in (("a.txt", b"one\n"), ("b/ü", b"two\n")):
        raw, flags = name.encode(), 0 if name.isascii() else 0x800
        common = struct.pack("<4H3L2H", flags, 0, 0, 0x21, zlib.crc32(content), 4, 4, len(raw), 0)
        directory += b"PK\1\2" + struct.pack("<BBH", 20, 3, 20) + common
        directory += struct.pack("<3H2L", 0, 0, 0, 0o100644 << 16, len(entries)) + raw
        entries += b"PK\3\4" + struct.pack("<H", 20) + common + raw + content
    end = b"PK\5\6" + struct.pack("<4H2LH", 0, 0, 2, 2, len(directory), len(entries), 0)
    sha256 = pack(tmp_path / "bundle", tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == entries + directory + end
    assert sha256 == hashlib.sha256(entries + directory + end).hexdigest()


def test_one_changed_byte_or_name_changes_the_hash(folder, tmp_path):
    first = pack(folder, tmp_path / "a.zip")
    (folder / "empty").write_text(" ")
    second = pack(folder, tmp_path / "a.zip")
    (folder / "empty").rename(folder / "empti")
    assert len({first, second, pack(folder, tmp_path / "a.zip")}) == 3


def test_everything_that_cannot_be_packed_is_told_at_once(folder, tmp_path):
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "folder-link").symlink_to("weights")
    os.mkfifo(folder / "pipe")
    (folder / "con.txt").touch()
    (folder / "Agent.py").touch()
    (folder / "a\\b").touch()
    (folder / "new\nline").touch()
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff")).touch()
    deep = folder.joinpath(*"abcdefghijklmnopq")
    deep.mkdir(parents=True)
    (deep / "file").touch()
    with pytest.raises(InvalidSubmission) as caught:
        pack(folder, tmp_path / "a.zip")
    text = str(caught.value)
    assert "'link': expected a file, got a link" in text
    assert "'folder-link': expected a file, got a link" in text
    assert "'pipe': expected a file or a folder, got a device, pipe or socket" in text
    assert "'con.txt': expected another name" in text
    assert "expected no other spelling of it, got 'Agent.py' too" in text
    assert "'a\\\\b': expected none of" in text
    assert "'new\\nline': expected printable characters" in text
    assert "'\\udcff': expected printable characters" in text
    assert "expected at most 16 parts, got 17" in text
    assert not (tmp_path / "a.zip").exists()
    assert len(caught.value.problems) == 9
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle"]


def test_too_many_and_too_large_files_are_not_packed(folder, tmp_path):
    with pytest.raises(InvalidSubmission, match="at most 2 files, got more"):
        pack(folder, tmp_path / "a.zip", Limits(files=2))
    with pytest.raises(InvalidSubmission, match="at most 1000 bytes in all files, got 256027"):
        pack(folder, tmp_path / "a.zip", Limits(unpacked_bytes=1000))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("../escape", "got one with `..`"),
        ("a/../../escape", "got one with `..`"),
        ("/etc/cron.d/x", "got an absolute one"),
        ("C:/x", "got an absolute one"),
        ("c:x", "got an absolute one"),
        ("\\\\host\\share", "some systems reserve"),
        ("a\\..\\b", "some systems reserve"),
        ("a//b", "an empty part"),
        ("./a", "an empty part or `.`"),
        ("", "an empty part"),
        ("a/" * 16 + "b", "at most 16 parts, got 17"),
        ("a" * 201, "at most 200 bytes in a part, got 201"),
        ("/".join(["b" * 150] * 3), "at most 400 bytes, got 452"),
        ("nul", "a device on some systems"),
        ("weights/COM1.bin", "a device on some systems"),
        ("a.", "no dot at the end"),
        ("a ", "no space"),
        ("a|b", "some systems reserve"),
        ("tab\there", "printable"),
        ("\u202egnp.exe", "printable"),
        ("u\u0308", "Unicode NFC"),
        ("__pycache__/agent.cpython-311.pyc", "expected no __pycache__"),
        (".git/hooks/post-checkout", "expected no .git"),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path, name, told):
    assert told in problems_of(write(tmp_path / "a.zip", (name, b"x")), tmp_path)


@pytest.mark.parametrize(
    ("mode", "told"),
    [(stat.S_IFLNK, "a link"), (stat.S_IFCHR, "a device"), (stat.S_IFBLK, "a device"), (stat.S_IFIFO, "a pipe")],
)
def test_links_and_devices_are_refused(tmp_path, mode, told):
    archive = write(tmp_path / "a.zip", ("weights", b"/etc/passwd"), mode=mode | 0o777)
    assert f"'weights': expected a file or a folder, got {told}" in problems_of(archive, tmp_path)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("agent.py", "agent.py"), "got the same name twice"),
        (("agent.py", "Agent.PY"), "got 'agent.py' too"),
        (("a/x", "A/y"), "'A': expected no other spelling of it, got 'a' too"),
        (("straße", "STRASSE"), "too"),
        (("a", "a/b"), "'a': expected a file or a folder, got both"),
        (("a/", "A"), "'A': expected a file or a folder, got both"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_names_that_stand_in_each_others_way_are_refused(tmp_path, names, told):
    archive = write(tmp_path / "a.zip", *((name, b"" if name.endswith("/") else b"x") for name in names))
    assert told in problems_of(archive, tmp_path)


def test_every_problem_is_told_at_once(tmp_path):
    archive = write(tmp_path / "a.zip", ("../a", b"x"), ("/b", b"x"), ("nul", b"x"), ("good", b"x"))
    assert len(problems_of(archive, tmp_path).splitlines()) == 3


def test_a_bomb_that_declares_its_size(tmp_path):
    archive = write(tmp_path / "a.zip", ("zeros", bytes(3 * 2**20)))
    assert "expected at most 200 times its packed size" in problems_of(archive, tmp_path)
    limits = Limits(unpacked_bytes=2**20)
    archive = write(tmp_path / "a.zip", *((f"{n}", random.Random(n).randbytes(2**19)) for n in range(3)))
    assert "expected at most 1048576 bytes unpacked, got 1572864" in problems_of(archive, tmp_path, limits)
    limits = Limits(archive_bytes=2**20)
    assert "expected at most 1048576 bytes, got" in problems_of(archive, tmp_path, limits)


def test_a_bomb_that_lies_about_its_size_is_stopped_at_what_it_declares(tmp_path):
    content = bytes(50 * 2**20)
    archive = write(tmp_path / "a.zip", ("zeros", content))
    data = archive.read_bytes()
    assert data.count(struct.pack("<L", len(content))) == 2
    archive.write_bytes(data.replace(struct.pack("<L", len(content)), struct.pack("<L", 100)))
    assert "'zeros': expected 100 bytes, as declared, got more" in problems_of(archive, tmp_path)


def test_a_hundred_thousand_files_are_refused_by_their_count(tmp_path):
    archive = write(tmp_path / "a.zip", *((f"{n}", b"") for n in range(66_000)), compression=zipfile.ZIP_STORED)
    assert "zip64" in problems_of(archive, tmp_path) or "at most 5000" in problems_of(archive, tmp_path)
    archive = write(tmp_path / "b.zip", *((f"{n}", b"") for n in range(6_000)), compression=zipfile.ZIP_STORED)
    assert "expected at most 5000 files and folders, got 6000" in problems_of(archive, tmp_path)
    data = bytearray(archive.read_bytes())
    data[-14:-10] = struct.pack("<HH", 10, 10)  # the count that the end record declares
    archive.write_bytes(data)
    assert "expected" in problems_of(archive, tmp_path)


def test_overlapping_entries_are_refused(tmp_path):
    """Many entries of the directory that share one piece of data: a bomb without nesting."""
    archive = write(tmp_path / "a.zip", ("a", b"x" * 100), ("b", b"x" * 100), compression=zipfile.ZIP_STORED)
    data = archive.read_bytes()
    second = data.rindex(b"PK\x01\x02")
    data = data[: second + 42] + struct.pack("<L", 0) + data[second + 46 :]
    archive.write_bytes(data)
    assert "where the entry before it ends, got 0" in problems_of(archive, tmp_path)


@pytest.mark.parametrize("where", ["before", "behind", "between"])
def test_bytes_that_no_entry_describes_are_refused(tmp_path, where):
    archive = write(tmp_path / "a.zip", ("a", b"x"))
    data = archive.read_bytes()
    directory = data.index(b"PK\x01\x02")
    data = {
        "before": b"#!/bin/sh\n" + data,
        "behind": data + b"more",
        "between": data[:directory] + b"more" + data[directory:],
    }[where]
    archive.write_bytes(data)
    assert "expected" in problems_of(archive, tmp_path)


def test_a_comment_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a", "x")
        archive.comment = b"hello"
    assert "ends with its end record" in problems_of(tmp_path / "a.zip", tmp_path)


def test_an_entry_that_calls_itself_otherwise_than_the_directory_is_refused(tmp_path):
    archive = write(tmp_path / "a.zip", ("agent.py", b"x"))
    data = archive.read_bytes()
    archive.write_bytes(data.replace(b"agent.py", b"other.py", 1))
    assert "'agent.py': expected the same in the entry as in the directory" in problems_of(archive, tmp_path)


def test_encrypted_entries_unknown_methods_and_foreign_encodings_are_refused(tmp_path):
    archive = write(tmp_path / "a.zip", ("a", b"x"))
    data = bytearray(archive.read_bytes())
    directory = data.index(b"PK\x01\x02")
    data[6] |= 1
    data[directory + 8] |= 1
    archive.write_bytes(data)
    assert "'a': expected no encryption" in problems_of(archive, tmp_path)
    write(archive, ("a", b"x" * 99), compression=zipfile.ZIP_LZMA)
    assert "expected a stored or deflated file, got compression method 14" in problems_of(archive, tmp_path)
    write(archive, ("abc", b"x"))
    archive.write_bytes(archive.read_bytes().replace(b"abc", b"\xe4\xf6\xfc"))
    assert "expected a name in UTF-8" in problems_of(archive, tmp_path)


def test_a_wrong_checksum_is_found(tmp_path):
    archive = write(tmp_path / "a.zip", ("a", b"wanted"), compression=zipfile.ZIP_STORED)
    archive.write_bytes(archive.read_bytes().replace(b"wanted", b"change"))
    assert "'a': expected 6 bytes with checksum" in problems_of(archive, tmp_path)


def test_a_name_with_a_nul_is_refused(tmp_path):
    archive = write(tmp_path / "a.zip", ("agent.py_.png", b"x"))
    archive.write_bytes(archive.read_bytes().replace(b"agent.py_", b"agent.py\0"))
    assert "'agent.py\\x00.png': expected printable characters" in problems_of(archive, tmp_path)


def test_zip64_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive, archive.open("a", "w", force_zip64=True) as member:
        member.write(b"x")
    assert "expected the same in the entry" in problems_of(tmp_path / "a.zip", tmp_path)


def test_no_zip_at_all(tmp_path):
    for content in (b"", b"PK", b"\0" * 100, b"\x1f\x8b" + b"x" * 100):
        (tmp_path / "a.zip").write_bytes(content)
        assert "a.zip: expected a zip file" in problems_of(tmp_path / "a.zip", tmp_path)


def test_zips_that_other_programs_make_are_accepted(folder, tmp_path):
    shutil.make_archive(str(tmp_path / "python"), "zip", folder)
    streamed = io.BytesIO()
    streamed.seekable = lambda: False
    with zipfile.ZipFile(streamed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in tree(folder).items():
            archive.writestr(name, content)
    (tmp_path / "streamed.zip").write_bytes(streamed.getvalue())
    made = ["python", "streamed"]
    if shutil.which("zip"):
        subprocess.run(["zip", "-qr", tmp_path / "infozip.zip", "."], cwd=folder, check=True)
        made.append("infozip")
    for name in made:
        unpack(tmp_path / f"{name}.zip", tmp_path / name)
        assert tree(tmp_path / name) == tree(folder)
        assert pack(tmp_path / name, tmp_path / "a.zip") == pack(folder, tmp_path / "b.zip")


def test_a_folder_that_is_not_empty_is_left_alone(folder, tmp_path):
    pack(folder, tmp_path / "a.zip")
    before = tree(folder)
    with pytest.raises(InvalidArgument, match="expected none or an empty one"):
        unpack(tmp_path / "a.zip", folder)
    assert tree(folder) == before
    (tmp_path / "empty").mkdir()
    unpack(tmp_path / "a.zip", tmp_path / "empty")
    assert tree(tmp_path / "empty") == before
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidArgument):
        unpack(tmp_path / "a.zip", tmp_path / "link")


def test_nothing_is_left_where_the_disk_is_full(tmp_path):
    """A file-size limit stands in for the full disk: the same OSError, in the middle of a write."""
    write(tmp_path / "a.zip", ("a", random.Random(0).randbytes(2**20)))
    code = (
        "import resource, signal, sys; from pathlib import Path; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "from envsuite.leaderboard.submission.archive import unpack;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); unpack(Path('a.zip'), Path('target'))"
    )
    done = subprocess.run([os.sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert "OSError: [Errno 27]" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


NAMES = st.text(st.sampled_from("aAbß./\\: "), min_size=1, max_size=5)


@st.composite
def archives(draw):
    """A zip as a library writes it, with some of its bytes changed, cut out or put in."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in draw(st.lists(NAMES, max_size=4, unique=True)):
            info = zipfile.ZipInfo(name)
            info.compress_type = draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
            info.external_attr = draw(st.sampled_from([0, 0o100644, 0o120777, 0o040755])) << 16
            archive.writestr(info, draw(st.binary(max_size=40)))
    data = bytearray(buffer.getvalue())
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        cut = draw(st.integers(0, 3))
        data[at : at + cut] = draw(st.binary(max_size=4))
    return bytes(data)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.one_of(st.binary(max_size=200), archives()))
def test_any_bytes_give_a_folder_strictly_inside_or_a_clear_refusal(tmp_path, data):
    arena = tmp_path / "arena"
    shutil.rmtree(arena, ignore_errors=True)
    arena.mkdir()
    file = arena / "a.zip"
    file.write_bytes(data)
    outside = sorted(path for path in tmp_path.rglob("*") if arena not in path.parents)
    _, problems = bundles.attempt(unpack, file, arena / "target", SMALL)
    if problems:
        assert [path.name for path in arena.iterdir()] == ["a.zip"]
        return
    assert sorted(path.name for path in arena.iterdir()) == ["a.zip", "target"]
    assert sorted(path for path in tmp_path.rglob("*") if arena not in path.parents) == outside
    assert not any(path.is_symlink() for path in arena.rglob("*"))
    with zipfile.ZipFile(file) as archive:  # what is accepted is read alike by others
        wanted = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    assert tree(arena / "target") == wanted
