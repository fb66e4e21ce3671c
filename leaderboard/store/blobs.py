"""Blobs: bundles, results and actions as files named by their SHA-256."""

from __future__ import annotations

import contextlib
import errno
import gzip
import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from envsuite.errors import InvalidArgument, StoreUnavailable, UnknownName

CHUNK = 2**20
"""Bytes that are copied at once."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)


class Blobs:
    """A folder of files that are written once, whole or not at all, and never changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, content: bytes) -> str:
        """Returns the SHA-256 of the content, which is on the disk now; putting it again changes nothing.

        Raises `StoreUnavailable` when the disk is full, with nothing left behind.
        """
        return self._put([content], hashlib.sha256(content).hexdigest())

    def put_file(self, file: BinaryIO) -> str:
        """Returns the SHA-256 of a file's bytes from where it stands; copied in pieces, as `put` otherwise."""
        return self._put(iter(lambda: file.read(CHUNK), b""), None)

    def put_json(self, value: Any) -> str:
        """Returns the SHA-256 of plain data as gzip of JSON; equal data give equal bytes."""
        text = json.dumps(value, separators=(",", ":"))
        return self.put(gzip.compress(text.encode(), compresslevel=6, mtime=0))

    def path(self, sha256: str) -> Path:
        """Returns where the blob is or would be; raises `InvalidArgument` for what is no SHA-256."""
        if not _SHA256.fullmatch(sha256):
            raise InvalidArgument(f"sha256: expected 64 lower-case hexadecimal digits, got {sha256[:80]!r}")
        return self.folder / sha256[:2] / sha256

    def __contains__(self, sha256: str) -> bool:
        return self.path(sha256).is_file()

    def get(self, sha256: str) -> bytes:
        """Returns the content; raises `UnknownName` for one that is not there, `StoreUnavailable` for a damaged one."""
        try:
            content = self.path(sha256).read_bytes()
        except FileNotFoundError as error:
            raise UnknownName(f"blob {sha256}: it is not in {self.folder}; restore it from a backup") from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise StoreUnavailable(f"blob {sha256}: its file in {self.folder} is damaged; restore it from a backup")
        return content

    def get_json(self, sha256: str) -> Any:
        """Returns the plain data that `put_json` has put."""
        return json.loads(gzip.decompress(self.get(sha256)))

    @contextlib.contextmanager
    def writer(self) -> Iterator[Writer]:
        """Yields a file to write a blob into, kept by its `keep()`; without that nothing stays behind."""
        folder = self.folder / "partial"
        with _explained(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # actions of an open season are nobody else's
            folder.mkdir(exist_ok=True)
            partial = folder / secrets.token_hex(16)
            try:
                with partial.open("x+b") as file:
                    yield Writer(self, partial, file)
            finally:
                with contextlib.suppress(OSError):
                    partial.unlink(missing_ok=True)

    def _put(self, pieces: Iterable[bytes], expected: str | None) -> str:
        if expected is not None and expected in self:
            return expected
        with self.writer() as writer:
            for piece in pieces:
                writer.file.write(piece)
            return writer.keep()


class Writer:
    """A blob under way: write into `file`, then `keep` it."""

    def __init__(self, blobs: Blobs, partial: Path, file: BinaryIO) -> None:
        self._blobs, self._partial, self.file = blobs, partial, file

    def keep(self) -> str:
        """Returns the SHA-256 of what was written, which is a blob from now on and lies on the disk."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.seek(0)
        digest = hashlib.sha256()
        for piece in iter(lambda: self.file.read(CHUNK), b""):
            digest.update(piece)
        sha256 = digest.hexdigest()
        path = self._blobs.path(sha256)
        path.parent.mkdir(exist_ok=True)
        self._partial.replace(path)
        _sync_folder(path.parent)
        return sha256


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise StoreUnavailable(
                f"{folder}: {error.strerror}; nothing was kept. Free space on this disk, then send it again"
            ) from error
        raise


def _sync_folder(folder: Path) -> None:
    """Makes the names in a folder last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
