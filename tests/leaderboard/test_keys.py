import hashlib
import os
import stat
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from envsuite.errors import InvalidArgument
from envsuite.leaderboard.keys import Signer, is_signed_by, key_id, read_public_key

# RFC 8032, section 7.1, test 2.
RFC_SEED = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
RFC_PUBLIC = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
RFC_SIGNATURE = (
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def pem_of(private):
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def test_signatures_are_those_of_rfc_8032():
    signer = Signer(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(RFC_SEED)))
    assert signer.public_key.hex() == RFC_PUBLIC
    assert signer.sign(b"\x72").hex() == RFC_SIGNATURE
    assert is_signed_by(signer.public_key, b"\x72", bytes.fromhex(RFC_SIGNATURE))
    assert not is_signed_by(signer.public_key, b"\x73", bytes.fromhex(RFC_SIGNATURE))


def test_a_signature_has_no_second_form():
    """S + L verifies under a careless implementation."""
    order = 2**252 + 27742317777372353535851937790883648493
    signature = bytes.fromhex(RFC_SIGNATURE)
    shifted = int.from_bytes(signature[32:], "little") + order
    assert not is_signed_by(bytes.fromhex(RFC_PUBLIC), b"\x72", signature[:32] + shifted.to_bytes(32, "little"))


def test_an_id_is_the_beginning_of_the_hash():
    public = bytes.fromhex(RFC_PUBLIC)
    assert key_id(public) == hashlib.sha256(public).hexdigest()[:16]
    assert Signer.generate().key_id != Signer.generate().key_id


def test_a_key_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    path = tmp_path / "keys" / "board.pem"
    before = os.umask(0)
    try:
        signer = Signer.load_or_create(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Signer.load_or_create(path).public_key == signer.public_key
    assert [file.name for file in path.parent.iterdir()] == ["board.pem"]
    assert signer.public_key.hex() not in repr(signer)


def test_processes_that_make_it_at_once_get_the_same_key(tmp_path):
    path = tmp_path / "board.pem"
    code = (
        "import sys\nfrom envsuite.leaderboard.keys import Signer\n"
        "sys.stdout.write('ready\\n'); sys.stdout.flush(); sys.stdin.readline()\n"
        "print(Signer.load_or_create(sys.argv[1]).public_key.hex())"
    )
    with_pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen([sys.executable, "-c", code, str(path)], **with_pipes) for _ in range(4)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    keys = {process.communicate(timeout=60)[0] for process in processes}
    assert keys == {Signer.load_or_create(path).public_key.hex() + "\n"}
    assert [file.name for file in tmp_path.iterdir()] == ["board.pem"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620])
def test_a_key_that_others_can_reach_is_refused_with_the_command_that_mends_it(mode, tmp_path):
    path = tmp_path / "board.pem"
    Signer.load_or_create(path)
    path.chmod(mode)
    with pytest.raises(InvalidArgument, match=f"mode {mode:o}: chmod 600"):
        Signer.load_or_create(path)


@pytest.mark.parametrize("content", [b"", b"no key", b"\xff\xfe", pem_of(X25519PrivateKey.generate())], ids=range(4))
def test_a_file_that_holds_no_such_key_is_refused_and_kept(content, tmp_path):
    path = tmp_path / "board.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(InvalidArgument, match="Ed25519 private key"):
        Signer.load_or_create(path)
    assert path.read_bytes() == content


def test_a_public_key_is_read_from_digits_a_file_of_them_or_pem(tmp_path):
    signer = Signer.generate()
    digits, pem = tmp_path / "key.hex", tmp_path / "key.pem"
    digits.write_text(f"{signer.public_key.hex()}\n")
    pem.write_text(signer.public_pem())
    for key in (signer.public_key.hex(), digits, str(pem)):
        assert read_public_key(key) == signer.public_key


@pytest.mark.parametrize("name", ["missing", "private", "other", "text", "binary", "short"])
def test_what_is_no_public_key_is_refused(name, tmp_path):
    x25519 = X25519PrivateKey.generate()
    public = x25519.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    contents = {
        "private": pem_of(Ed25519PrivateKey.generate()),
        "other": public,
        "text": b"hello",
        "binary": b"\xff" * 32,
        "short": b"ab" * 31,
    }
    path = tmp_path / "key"
    if name in contents:
        path.write_bytes(contents[name])
    with pytest.raises(InvalidArgument, match="key: expected"):
        read_public_key(path)
