"""Keys: an Ed25519 key that signs, kept in a file, and the public keys that signatures are checked with."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from pathlib import Path

from envsuite.errors import InvalidArgument, MissingExtra
from envsuite.leaderboard.canonical import sha256

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
except ImportError as error:
    raise MissingExtra('signatures need cryptography; run: pip install "envsuite[leaderboard]"') from error

_HEX_KEY = re.compile(r"[0-9a-f]{64}")


def key_id(public_key: bytes) -> str:
    """Returns the short name of a public key: the first 16 hexadecimal digits of its SHA-256."""
    return sha256(public_key)[:16]


def read_public_key(key: str | Path) -> bytes:
    """Returns the 32 bytes of an Ed25519 public key: 64 hexadecimal digits, or a file of these or of PEM.

    Raises `InvalidArgument` for anything else, a private key included.
    """
    text = str(key)
    if not _HEX_KEY.fullmatch(text):
        try:
            text = Path(key).read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            raise InvalidArgument(
                f"key: expected 64 hexadecimal digits or a file with a public key, got {text}: {error}"
            ) from error
    if _HEX_KEY.fullmatch(text):
        return bytes.fromhex(text)
    try:
        public = serialization.load_pem_public_key(text.encode())
    except ValueError as error:
        raise InvalidArgument(f"key: expected an Ed25519 public key in PEM, got {key}: {error}") from error
    if not isinstance(public, Ed25519PublicKey):
        raise InvalidArgument(f"key: expected an Ed25519 public key, got {type(public).__name__} in {key}")
    return public.public_bytes_raw()


class Signer:
    """Holds a private key and signs with it (Ed25519, RFC 8032)."""

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        self.public_key: bytes = private_key.public_key().public_bytes_raw()
        """32 bytes."""
        self.key_id = key_id(self.public_key)

    def __repr__(self) -> str:
        return f"Signer({self.key_id})"

    @classmethod
    def generate(cls) -> Signer:
        """Returns a signer with a fresh key that is kept nowhere."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load_or_create(cls, path: Path | str) -> Signer:
        """Returns the signer of a PEM file, which is made (mode 0600, whole or not at all) where there is none.

        Of several processes that make it at once one wins, and all return its key. Raises
        `InvalidArgument` for a file that holds no Ed25519 key or that others may read.
        """
        path = Path(path)
        with contextlib.suppress(FileNotFoundError):
            return cls._load(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        pem = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(pem)
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(partial, path)  # unlike a rename, never replaces the key of a faster process
        finally:
            partial.unlink(missing_ok=True)
        _sync_folder(path.parent)
        return cls._load(path)

    @classmethod
    def _load(cls, path: Path) -> Signer:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            content = file.read()
        if mode & 0o077:
            raise InvalidArgument(
                f"path: expected a key that only its owner can read, got mode {mode:o}: chmod 600 {path}"
            )
        try:
            private = serialization.load_pem_private_key(content, password=None)
        except (ValueError, TypeError) as error:
            raise InvalidArgument(f"path: expected an Ed25519 private key in PEM, got {path}: {error}") from error
        if not isinstance(private, Ed25519PrivateKey):
            raise InvalidArgument(f"path: expected an Ed25519 private key, got {type(private).__name__} in {path}")
        return cls(private)

    def sign(self, message: bytes) -> bytes:
        """Returns the signature, 64 bytes; the same message always gets the same one."""
        return self._private_key.sign(message)

    def public_pem(self) -> str:
        """Returns the public key in PEM, as `openssl pkeyutl` takes it."""
        public = Ed25519PublicKey.from_public_bytes(self.public_key)
        return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def _sync_folder(folder: Path) -> None:
    """Makes a new name in a folder outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_signed_by(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Returns whether the signature is the key's over the message."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True
