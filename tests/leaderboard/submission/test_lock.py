import bundles
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envsuite.errors import InvalidSubmission
from envsuite.leaderboard.submission.lock import MAX_BYTES, Pin, read_lock

A, B = "a" * 64, "b" * 64


@pytest.fixture
def read(tmp_path):
    def read(content):
        (tmp_path / "requirements.lock").write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_lock(tmp_path / "requirements.lock")

    return read


def test_what_pip_tools_writes_is_read(read):
    pins = read(
        f"""\
#
# made by a tool
#
Typing_Extensions==4.12.2 \\
    --hash=sha256:{B} \\
    --hash=sha256:{A}
    # via something
six==1.16.0+local.1 --hash=sha256:{A}  # a comment

"""
    )
    assert pins == (
        Pin(name="six", version="1.16.0+local.1", hashes=(A,)),
        Pin(name="typing-extensions", version="4.12.2", hashes=(A, B)),
    )
    assert str(pins[1]) == f"typing-extensions==4.12.2 --hash=sha256:{A} --hash=sha256:{B}"


def test_windows_line_ends_and_a_backslash_at_the_end(read):
    assert read(f"six==1.0 \\\r\n  --hash=sha256:{A} \\\r\n") == (Pin(name="six", version="1.0", hashes=(A,)),)
    assert read("") == ()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("six==1.0", "no hash"),
        (f"six --hash=sha256:{A}", "no exact version"),
        (f"six>=1.0 --hash=sha256:{A}", "no exact version"),
        (f"six~=1.0 --hash=sha256:{A}", "no exact version"),
        (f"six===1.0 --hash=sha256:{A}", "no exact version"),
        (f"six==1.* --hash=sha256:{A}", "no exact version"),
        (f"six==1.0,<2 --hash=sha256:{A}", "'six==1.0,<2"),
        (f"six==1.0 --hash=md5:{A[:32]}", "--hash=md5"),
        (f"six==1.0 --hash=sha256:{A[:63]}", "--hash=sha256"),
        (f"six==1.0 --hash=sha256:{A} --global-option=x", "--global-option=x"),
        (f'six==1.0 ; python_version < "4" --hash=sha256:{A}', "a condition behind `;`"),
        (f"six[extra]==1.0 --hash=sha256:{A}", "a package with extras"),
        ("-e .", "a package in development"),
        ("--editable git+https://x.y", "a package in development"),
        ("--index-url https://evil.example", "an option"),
        ("--extra-index-url=https://evil.example", "an option"),
        ("-i https://evil.example", "an option"),
        ("-r other.txt", "an option"),
        ("--no-binary :all:", "an option"),
        ("https://evil.example/six-1.0-py3-none-any.whl", "an address or a path"),
        (f"six @ https://evil.example/six.whl --hash=sha256:{A}", "an address or a path"),
        ("./six-1.0-py3-none-any.whl", "an address or a path"),
        ("../six", "an address or a path"),
        (f"\u0455ix==1.0 --hash=sha256:{A}", "'\\u0455ix"),
    ],
)
def test_nothing_else_is_accepted(read, line, told):
    with pytest.raises(InvalidSubmission) as caught:
        read(f"# comment\nok==1.0 --hash=sha256:{A}\n\n{line}\n")
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith("requirements.lock:4: expected name==version --hash=sha256:..., got ")
    assert told in caught.value.problems[0]


def test_every_wrong_line_is_told(read):
    with pytest.raises(InvalidSubmission) as caught:
        read(f"a==1 \\\n\nb\nc==1 --hash=sha256:{A}\nC==2 --hash=sha256:{A}\n")
    assert [problem.split(": ")[0] for problem in caught.value.problems] == [
        "requirements.lock:1",
        "requirements.lock:3",
        "requirements.lock:5",
    ]
    assert caught.value.problems[2].endswith("expected every package once, got c again")


def test_encodings_and_sizes(read):
    with pytest.raises(InvalidSubmission, match=r"requirements\.lock:2: expected UTF-8, got the byte 0xe4"):
        read(b"# a\n# \xe4")
    with pytest.raises(InvalidSubmission, match="expected at most"):
        read(b"#" * (MAX_BYTES + 1))
    with pytest.raises(InvalidSubmission, match="expected at most 200 packages, got 201"):
        read("\n".join(f"p{number}==1 --hash=sha256:{A}" for number in range(201)))


PIECES = st.sampled_from(
    ["six", "==", "1.0", " ", "\\\n", "\n", f"--hash=sha256:{A}", "#", "-e", "--index-url", "@", ";", "://", "\r", "\t"]
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(st.binary(max_size=100), st.lists(PIECES).map("".join).map(str.encode)))
def test_what_is_accepted_is_names_versions_and_hashes(read, content):
    pins, problems = bundles.attempt(read, content)
    if problems:
        assert all(problem.startswith("requirements.lock:") for problem in problems)
        return
    for pin in pins:
        assert pin.hashes
        assert str(pin).count("\n") == 0
    assert read("\n".join(map(str, pins))) == pins
