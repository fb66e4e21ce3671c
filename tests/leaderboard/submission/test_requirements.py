"""Real pip, real wheels; the index is a folder or a server of the test's own."""

import base64
import hashlib
import os
import socket
import subprocess
import sys
import tarfile
import threading
import zipfile

import pytest

from envsuite.errors import InstallFailed, InvalidSubmission
from envsuite.leaderboard.submission.requirements import InstallLimits, default_cache, install


def make_wheel(folder, name="tiny", version="1.0", files=None):
    """A wheel and its hash."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"VERSION = {version!r}\n".encode(),
        **(files or {}),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip('=')},{len(content)}"
        for path, content in files.items()
    ]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """A folder that is pip's only index."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def lock(tmp_path):
    def lock(*lines):
        (tmp_path / "my.lock").write_text("".join(f"{line}\n" for line in lines))
        return tmp_path / "my.lock"

    return lock


def left_in(cache):
    """What lies in a cache, without the files that are only locked."""
    return sorted(path.name for path in cache.iterdir() if path.suffix != ".lock")


def test_a_wheel_is_installed_once_and_then_found(tmp_path, wheels, lock):
    sha256 = make_wheel(wheels)
    file, cache = lock(f"tiny==1.0 --hash=sha256:{sha256}"), tmp_path / "cache"
    folder = install(file, cache)
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); import tiny; print(tiny.VERSION)"
    assert subprocess.run([sys.executable, "-I", "-B", "-c", code], capture_output=True, text=True).stdout == "1.0\n"
    assert left_in(cache) == [folder.name]
    assert not list(folder.rglob("*.pyc"))
    next(wheels.iterdir()).unlink()
    assert install(lock(f"Tiny==1.0   --hash=sha256:{sha256}  # the same"), cache) == folder


def test_packages_can_be_read_by_the_guests_user_whatever_the_hosts_umask(tmp_path, wheels, lock):
    sha256 = make_wheel(wheels, files={"tiny_parts/__init__.py": b"", "tiny_parts/data.txt": b"x"})
    before = os.umask(0o077)
    try:
        folder = install(lock(f"tiny==1.0 --hash=sha256:{sha256}"), tmp_path / "cache")
    finally:
        os.umask(before)
    for path in (folder, *folder.rglob("*")):
        assert path.stat().st_mode & (0o005 if path.is_dir() else 0o004), path


def test_another_version_or_hash_is_another_folder(tmp_path, wheels, lock):
    first, second = make_wheel(wheels), make_wheel(wheels, version="2.0")
    folders = {
        install(lock(f"tiny==1.0 --hash=sha256:{first}"), tmp_path / "cache"),
        install(lock(f"tiny==2.0 --hash=sha256:{second}"), tmp_path / "cache"),
        install(lock(f"tiny==2.0 --hash=sha256:{second} --hash=sha256:{first}"), tmp_path / "cache"),
    }
    assert len(folders) == 3


def refused(file, cache, told, limits=None, error=InvalidSubmission):
    with pytest.raises(error) as caught:
        install(file, cache, limits)
    assert str(caught.value).startswith("my.lock: ")
    assert told in str(caught.value)
    assert left_in(cache) == []


def test_a_wheel_with_another_hash_is_refused(tmp_path, wheels, lock):
    make_wheel(wheels)
    refused(lock(f"tiny==1.0 --hash=sha256:{'0' * 64}"), tmp_path / "cache", "DO NOT MATCH THE HASHES")


def test_a_version_that_there_is_not_is_refused(tmp_path, wheels, lock):
    sha256 = make_wheel(wheels)
    refused(lock(f"tiny==3.0 --hash=sha256:{sha256}"), tmp_path / "cache", "No matching distribution found")


def test_a_source_distribution_is_refused_and_not_run(tmp_path, wheels, lock):
    source = tmp_path / "tiny-1.0"
    source.mkdir()
    (source / "setup.py").write_text(f"open({str(tmp_path / 'trace')!r}, 'w')\nimport setuptools; setuptools.setup()\n")
    (source / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
    with tarfile.open(wheels / "tiny-1.0.tar.gz", "w:gz") as archive:
        archive.add(source, "tiny-1.0")
    sha256 = hashlib.sha256((wheels / "tiny-1.0.tar.gz").read_bytes()).hexdigest()
    refused(lock(f"tiny==1.0 --hash=sha256:{sha256}"), tmp_path / "cache", "No matching distribution found")
    assert not (tmp_path / "trace").exists()


def test_nothing_of_a_wheel_is_run_or_written_elsewhere(tmp_path, wheels, lock):
    trace = f"import pathlib; pathlib.Path({str(tmp_path / 'trace')!r}).touch()\n".encode()
    sha256 = make_wheel(wheels, files={"tiny/__init__.py": trace, "evil.pth": trace, "sitecustomize.py": trace})
    install(lock(f"tiny==1.0 --hash=sha256:{sha256}"), tmp_path / "cache")
    assert not (tmp_path / "trace").exists()
    sha256 = make_wheel(wheels, version="2.0", files={"../../../../escape.py": b""})
    with pytest.raises((InvalidSubmission, InstallFailed)):
        install(lock(f"tiny==2.0 --hash=sha256:{sha256}"), tmp_path / "cache")
    assert not list(tmp_path.rglob("escape.py"))


def test_a_wheel_that_is_too_large_unpacked_is_refused(tmp_path, wheels, lock):
    sha256 = make_wheel(wheels, files={"zeros.bin": bytes(30 * 2**20)})
    limits = InstallLimits(size_bytes=10 * 2**20)
    file = lock(f"tiny==1.0 --hash=sha256:{sha256}")
    refused(file, tmp_path / "cache", "expected packages of at most 10485760 bytes", limits)


def test_settings_of_pip_cannot_change_what_is_installed_where(tmp_path, wheels, lock, monkeypatch):
    sha256 = make_wheel(wheels)
    make_wheel(wheels, name="other")
    (tmp_path / "more.txt").write_text("other==1.0\n")
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("PIP_REQUIREMENT", str(tmp_path / "more.txt"))
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PIP_NO_BINARY", ":all:")
    folder = install(lock(f"tiny==1.0 --hash=sha256:{sha256}"), tmp_path / "cache")
    assert sorted(path.name for path in folder.iterdir()) == ["tiny-1.0.dist-info", "tiny.py"]
    assert not (tmp_path / "elsewhere").exists()


@pytest.fixture
def silent_server():
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_an_index_that_never_answers_is_given_up(tmp_path, lock, monkeypatch, silent_server):
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{silent_server}/simple")
    file = lock(f"tiny==1.0 --hash=sha256:{'0' * 64}")
    refused(file, tmp_path / "cache", "within 2 s", InstallLimits(seconds=2.0), InstallFailed)


def test_an_index_that_cannot_be_reached_is_not_the_submissions_fault(tmp_path, lock, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{port}/simple")
    file = lock(f"tiny==1.0 --hash=sha256:{'0' * 64}")
    refused(file, tmp_path / "cache", "pip could not install it", error=InstallFailed)


def test_two_that_ask_at_once_get_the_same_folder(tmp_path, wheels, lock):
    sha256 = make_wheel(wheels)
    file, found = lock(f"tiny==1.0 --hash=sha256:{sha256}"), []
    threads = [threading.Thread(target=lambda: found.append(install(file, tmp_path / "cache"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert len(set(found)) == 1
    assert left_in(tmp_path / "cache") == [found[0].name]


def test_an_empty_lock_file_is_an_empty_folder(tmp_path, wheels, lock):
    assert list(install(lock("# nothing"), tmp_path / "cache").iterdir()) == []


def test_the_cache_lies_below_the_home_that_is_set(tmp_path, monkeypatch):
    monkeypatch.setenv("ENVSUITE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "requirements"
