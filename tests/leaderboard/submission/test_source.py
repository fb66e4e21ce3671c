import pytest

from envsuite.leaderboard.submission.source import MAX_SOURCE_BYTES, entry_point_problem


def problem_of(folder, source, entry_point="agent:make_agent"):
    (folder / "agent.py").write_bytes(source if isinstance(source, bytes) else source.encode())
    return entry_point_problem(folder, entry_point)


@pytest.mark.parametrize(
    "source",
    [
        "def make_agent(task): ...",
        "def make_agent(*tasks): ...",
        "def make_agent(task, size=3, *, seed=0): ...",
        "class make_agent:\n    def __init__(self, task): ...",
        "make_agent = lambda task: None",
        "make_agent: object = print",
        "a, make_agent = 1, print",
        "from other import make as make_agent",
        "from other import *",
        "try:\n    import x\nexcept ImportError:\n    def make_agent(task): ...",
        "if True:\n    def make_agent(task): ...",
        "def make_agent(): ...\ndef make_agent(task): ...",
        "@decorated\ndef make_agent(a, b): ...",
        "# -*- coding: latin-1 -*-\n# \xe4\ndef make_agent(task): ...".encode("latin-1"),
    ],
)
def test_a_function_that_may_be_the_entry_point_is_found(tmp_path, source):
    assert problem_of(tmp_path, source) is None


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("", "agent.py:1: expected a function `make_agent`, got none of this name"),
        ("def make(task): ...", "agent.py:1: expected a function `make_agent`"),
        ("def outer():\n    def make_agent(task): ...", "agent.py:1: expected a function `make_agent`"),
        (
            "\ndef make_agent(): ...",
            "agent.py:2: make_agent: expected one that takes one argument, the task, got make_agent()",
        ),
        ("def make_agent(a, b): ...", "agent.py:1: make_agent: expected one that takes one argument"),
        ("def make_agent(*, task): ...", "agent.py:1: make_agent: expected one that takes one argument"),
        ("def make_agent(a, *, b): ...", "agent.py:1: make_agent: expected one that takes one argument"),
        ("async def make_agent(task): ...", "agent.py:1: make_agent: expected a plain function, got an async one"),
        ("x = 1\n\ndef make_agent(task:\n", "agent.py:3: expected Python 3."),
        ("x = 1\n\tif:\n", "agent.py:2: expected Python 3."),
        (b"# coding: nonsense\n", "agent.py:1: expected Python 3."),
        (b"x = 1\n# \xe4\n", "agent.py:"),
        (b"x = 1\0", "agent.py:1: expected Python"),
        (b"-" * 200_000 + b"1", "agent.py:1: expected Python source, got"),
        (b"x" + b"[0]" * 100_000, "agent.py:1: expected Python source, got"),
        (b"#" * (MAX_SOURCE_BYTES + 1), f"agent.py:1: expected at most {MAX_SOURCE_BYTES} bytes of source"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(tmp_path, source, told):
    assert problem_of(tmp_path, source).startswith(told)


def test_packages_and_modules_in_folders(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "__init__.py").write_text("def make_agent(task): ...")
    (tmp_path / "mine" / "deep.py").write_text("\nx = 1")
    assert entry_point_problem(tmp_path, "mine:make_agent") is None
    assert entry_point_problem(tmp_path, "mine.deep:make_agent").startswith("mine/deep.py:1: ")
    assert entry_point_problem(tmp_path, "mine.none:make_agent") == (
        "expected a file mine/none.py or mine/none/__init__.py in the bundle, got none"
    )


@pytest.mark.parametrize("module", ["json", "numpy", "envsuite.agent", "gymnasium", "random"])
def test_a_module_that_python_has_already_cannot_be_the_agents(tmp_path, module):
    assert "which Python has already" in entry_point_problem(tmp_path, f"{module}:make_agent")


def test_nothing_of_the_source_is_run(tmp_path):
    source = f"open({str(tmp_path / 'trace')!r}, 'w')\ndef make_agent(task): ..."
    assert problem_of(tmp_path, source) is None
    assert not (tmp_path / "trace").exists()
