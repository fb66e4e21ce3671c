"""Files: what a board keeps beside its database: blobs, the secrets of its seasons, and its signing key."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from envsuite.errors import InvalidArgument, StoreUnavailable
from envsuite.leaderboard.home import home
from envsuite.leaderboard.seeds import SECRET_BYTES
from envsuite.leaderboard.store.blobs import Blobs

if TYPE_CHECKING:
    from envsuite.leaderboard.attest import Signer

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,78}[a-z0-9])?")


class Files:
    """The folder of a board, by default `home()`: `blobs/`, and `keys/` that only the server's account can read."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or home()
        self.blobs = Blobs(self.folder / "blobs")
        self._signer: Signer | None = None

    @property
    def keys(self) -> Path:
        """The folder of keys and secrets, made with mode 0700."""
        folder = self.folder / "keys"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        return folder

    @property
    def signer(self) -> Signer:
        """The server's Ed25519 key, made when it is first asked for."""
        if self._signer is None:
            from envsuite.leaderboard.attest import Signer

            self._signer = Signer.load_or_create(self.keys / "signing.key")
        return self._signer

    def secret(self, season: str) -> bytes:
        """Returns the secret of a season; raises `StoreUnavailable` when its file is lost."""
        path = self._secret_path(season)
        try:
            secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
        except (FileNotFoundError, ValueError) as error:
            raise StoreUnavailable(f"{path}: the secret of season {season} is missing; restore the folder") from error
        if len(secret) != SECRET_BYTES:
            raise StoreUnavailable(f"{path}: expected {SECRET_BYTES} bytes in hexadecimal; restore the folder")
        return secret

    def keep_secret(self, season: str, secret: bytes) -> None:
        """Writes the secret of a new season, mode 0600, on the disk before it returns; a file is never replaced."""
        path = self._secret_path(season)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secret.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _secret_path(self, season: str) -> Path:
        if not _NAME.fullmatch(season):
            raise InvalidArgument(
                f"season: expected lower-case letters, digits, dots and hyphens, at most 80, got {season!r}"
            )
        return self.keys / f"season-{season}.secret"
