import pickle
import sys
import textwrap
import time
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from gymnasium import spaces

from envsuite.errors import AgentCrash, AgentKilled, AgentTimeout, InvalidArgument, SandboxUnavailable
from envsuite.leaderboard.executors.player import is_sandboxed
from envsuite.leaderboard.sandbox import choose
from envsuite.leaderboard.sandbox.agent import SandboxedSubmission
from envsuite.leaderboard.sandbox.clock import BudgetClock
from envsuite.leaderboard.sandbox.guest.codec import Unsendable
from envsuite.task import Budget, TaskInfo

TASK = TaskInfo(
    id="envsuite/toy-walk-v1",
    observation_space=spaces.Box(0, 255, (64, 64, 3), np.uint8),
    action_space=spaces.Dict({"hand": spaces.Box(-1, 1, (2,), np.float32), "key": spaces.Discrete(4, start=-1)}),
    goal="Walk to the right.",
    max_episode_steps=50,
    run=2,
)
FRAME = np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3)
SHORT = Budget(step_s=0.5, bank_s=0.5)
AGENT = """
import os, sys, time
import numpy as np
class make_agent:
    def __init__(self, task): self.task = task
    def reset(self, seed): pass
"""


def best():
    """Name of the safest provider that works here."""
    try:
        return choose().name
    except SandboxUnavailable:
        return "subprocess"


everywhere = pytest.mark.parametrize("submission", ["subprocess", "the best"], indirect=True)
"""For tests that also run without a sandbox; the others run in the best one only."""


@pytest.fixture
def submission(request, tmp_path):
    """A function that makes a submission of the agent whose `act` (and more) it is given."""
    made = []
    provider = "subprocess" if getattr(request, "param", "") == "subprocess" else best()

    def make(act="return None", head="", budget=None, **options):
        code = head + AGENT + "    def act(self, observation):\n" + textwrap.indent(textwrap.dedent(act), " " * 8)
        return of_module(code, budget, **options)

    def of_module(code, budget=None, **options):
        bundle = tmp_path / f"bundle{len(made)}"
        bundle.mkdir()
        (bundle / "agent.py").write_text(textwrap.dedent(code))
        made.append(SandboxedSubmission(bundle, budget=budget, provider=provider, unsafe_ok=True, **options))
        return made[-1]

    make.of_module = of_module
    make.safe = provider != "subprocess"
    yield make
    for each in made:
        each.close()


def processes_of(text):
    """Command lines of running processes that hold `text`."""
    found = []
    for folder in Path("/proc").glob("[1-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if text in command:
            found.append(command)
    return found


def wait_until(happened):
    deadline = time.monotonic() + 5
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.01)


# What passes.


@everywhere
def test_an_agent_plays_as_it_does_in_this_process(submission):
    agent = submission("return (observation.sum(), observation.dtype, self.seed)[:1] + (self.seed,)", head="")(TASK)
    assert not hasattr(agent, "batched")
    assert not hasattr(agent, "observe")
    with pytest.raises(AgentCrash, match="AttributeError: 'make_agent' object has no attribute 'seed'"):
        agent.act(FRAME)
    assert agent.reset(3) is None


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("np.int64(3)", np.int64(3)),
        ("3", 3),
        ("True", True),
        ("[1.0, 2]", [1.0, 2]),
        ("(1, [2])", (1, [2])),
        ("np.float32([1, np.nan])", np.float32([1, np.nan])),
        ("{'hand': np.zeros(2, 'f4'), 'key': np.int64(-1)}", {"hand": np.zeros(2, "f4"), "key": np.int64(-1)}),
        ("None", None),
        ("'text'", "text"),
        ("np.array([object()])", Unsendable("an array of shape (1,) and dtype object")),
        ("self", Unsendable("a agent.make_agent")),
        ("[].__class__([[]] * 2)", [[], []]),
    ],
)
def test_an_action_keeps_its_type(submission, expression, expected):
    agent = submission(f"return {expression}")(TASK)
    for _ in range(2):  # the second goes the short way
        action = agent.act(FRAME)
        assert type(action) is type(expected)
        np.testing.assert_equal(action, expected)
        assert getattr(action, "dtype", None) == getattr(expected, "dtype", None)


OBSERVATIONS = (
    FRAME,
    FRAME + 1,
    FRAME[:, ::2],
    np.float32([1, 2]),
    np.float64([1, 2]),
    np.zeros((0, 3)),
    np.array([True, False]),
    np.int64(4),
    {"map": FRAME, "text": "hello", "parts": (np.int64(1), [2.0])},
    np.arange(200_000),
    np.arange(2_000_000),
)


@everywhere
def test_observations_of_any_layout_arrive_as_they_are_and_are_the_agents_own(submission):
    agent = submission(
        """
        print(type(observation).__name__)
        if isinstance(observation, np.ndarray) and observation.size:
            copy = observation.copy()
            observation[...] = 1 - observation if observation.dtype != bool else ~observation
            return copy
        return observation
        """
    )(TASK)
    for _ in range(2):
        for observation in OBSERVATIONS:
            np.testing.assert_equal(agent.act(observation), observation)
            if isinstance(observation, np.ndarray):
                assert agent.act(observation).dtype == observation.dtype


def test_the_agent_is_told_its_task_and_nothing_else(submission):
    told = submission(
        """
        task = self.task
        names = {name for name in dir(task) if not name.startswith("_")}
        with open(task.bundle_dir / "agent.py") as file:
            readable = "make_agent" in file.read()
        return [
            "gymnasium" in sys.modules, sorted(names), task.id, task.goal, task.max_episode_steps, task.run, readable,
            repr(task.observation_space), repr(task.action_space), "gymnasium" in sys.modules,
            task.action_space is task.action_space, "envsuite" in sys.modules,
        ]
        """
    )(TASK).act(None)
    loaded_before, names, *rest = told
    assert not loaded_before
    assert names == sorted(field.name for field in fields(TaskInfo))
    task_and_spaces = [repr(TASK.observation_space), repr(TASK.action_space)]
    assert rest == [TASK.id, TASK.goal, 50, 2, True, *task_and_spaces, True, True, False]


def test_declared_batches_and_observe_reach_the_agent(submission):
    agent = submission.of_module(
        """
        import numpy as np
        class make_agent:
            batched = np.int64(3)
            def __init__(self, task): self.seen = []
            def reset(self, seeds): self.seen.append(seeds)
            def act(self, observations): return self.seen + [len(observations)]
            def observe(self, *result): self.seen.append(result)
        """
    )(TASK)
    assert agent.batched == 3
    assert type(agent.batched) is int
    agent.reset([5, 6])
    agent.observe(np.array([1.0, 2.0]), np.array([True, False]), np.array([False, False]))
    seeds, (rewards, terminated, truncated), rows = agent.act(np.zeros((2, 4)))
    assert (seeds, rows) == ([5, 6], 2)
    assert rewards.tolist() == [1.0, 2.0]
    assert terminated.tolist() == [True, False]
    assert not truncated.any()


# Processes.


@everywhere
def test_a_job_begins_with_a_fresh_process_and_an_agent_is_made_anew_within_it(submission):
    made = submission(
        "type(self.task).count = getattr(self.task, 'count', 0) + 1\nreturn [self.task.count, os.getpid(), id(self)]"
    )
    assert made.enforced is None
    first = made(TASK)
    assert first.act(None)[0] == 1
    assert made.enforced.safe is submission.safe
    second = made(TASK)
    assert second.act(None)[0] == 2  # the module lives on, the object does not
    with pytest.raises(InvalidArgument, match="another one has been made in its process since"):
        first.act(None)
    made.begin_job()
    assert made(TASK).act(None)[0] == 1
    with pytest.raises(AgentCrash, match="was ended before: the sandbox was closed"):
        second.act(None)


def test_what_is_pickled_is_what_to_run(submission):
    made = submission("print('hello')\nreturn 7", budget=SHORT)
    made(TASK).act(None)
    copy = pickle.loads(pickle.dumps(made))
    assert is_sandboxed(copy)
    assert (copy.bundle, copy.budget, copy.provider, copy.enforced, copy.log()) == (
        made.bundle, SHORT, made.provider, None, "",
    )  # fmt: skip
    other = copy.with_budget(Budget(step_s=5))
    assert other.budget.step_s == 5
    with copy, other:
        assert copy(TASK).act(None) == other(TASK).act(None) == 7


@everywhere
def test_nothing_is_left_after_close(submission):
    made = submission("if os.fork() == 0: time.sleep(1000)\nreturn os.getpid()")
    made(TASK).act(None)
    assert processes_of(str(made.bundle))
    before = len(list(Path("/proc/self/fd").iterdir()))
    made.close()
    made.close()
    assert not processes_of(str(made.bundle))
    assert len(list(Path("/proc/self/fd").iterdir())) < before


@everywhere
def test_the_log_is_read_while_it_runs_and_afterwards(submission):
    made = submission(
        "print('to standard output \\udc80')\nprint('and error', file=sys.stderr)\nos.write(4 - 3, b'raw')"
    )
    made(TASK).act(None)
    wait_until(lambda: "raw" in made.log())
    expected = "to standard output \\udc80\nand error\nraw"
    assert made.log() == expected
    made.close()
    assert made.log() == expected


@everywhere
def test_the_start_of_the_log_ends_at_the_first_observation(submission):
    made = submission("print('saw', observation, flush=True)", head="print('imported', flush=True)")
    agent = made(TASK)
    wait_until(lambda: "imported" in made.log())
    assert made.log_start() == made.log().strip() == "imported"
    agent.act(31_415)
    made(TASK)  # another agent object of the same process, which may know what that one has seen
    wait_until(lambda: "saw" in made.log())
    made.close()
    assert made.log() == "imported\nsaw 31415\n"
    assert made.log_start() == "imported"


@everywhere
def test_the_start_of_the_log_tells_why_an_agent_does_not_start(submission):
    made = submission("return 0", head="print('imported', flush=True)\nimport no_such_package")
    with pytest.raises(AgentCrash):
        made(TASK)
    made.close()
    assert "ModuleNotFoundError: No module named 'no_such_package'" in made.log_start()
    seen = submission("raise ValueError(f'saw {observation}')")
    with pytest.raises(AgentCrash, match="saw 31415"):
        seen(TASK).act(31_415)
    seen.close()
    assert "31415" not in seen.log_start()


def test_an_unsafe_provider_has_to_be_allowed(tmp_path):
    with pytest.raises(InvalidArgument, match="refused for anything but self-reported scores"):
        SandboxedSubmission(tmp_path, provider="subprocess")


@pytest.mark.parametrize(
    "entry_point", ["agent", "agent:", ":make", "agent:make agent", "os.path:x()", "../agent:make"]
)
def test_an_entry_point_is_a_module_and_a_name(tmp_path, entry_point):
    with pytest.raises(InvalidArgument, match="entry_point: expected"):
        SandboxedSubmission(tmp_path, entry_point=entry_point)


def test_a_bundle_is_a_folder(tmp_path):
    with pytest.raises(InvalidArgument, match="bundle: expected the folder of a submission"):
        SandboxedSubmission(tmp_path / "none")


# Time.


def test_the_bank_pays_for_slow_answers_until_it_is_empty():
    clock = BudgetClock(Budget(step_s=1, bank_s=10))
    assert clock.allowance_s == 11
    for seconds, left in ((0.2, 10), (1, 10), (4, 7), (0.1, 7), (7.5, 0.5), (5, 0)):
        clock.spend(seconds)
        assert clock.bank_s == left
    assert clock.allowance_s == 1
    clock.refill()
    assert clock.allowance_s == 11


def test_slow_answers_are_taken_from_the_bank_which_is_full_again_in_the_next_episode(submission):
    agent = submission("time.sleep(observation)\nreturn 1", budget=Budget(step_s=0.5, bank_s=1.0))(TASK)
    for _ in range(2):
        agent.reset(0)
        assert agent.act(1.0) == 1
        assert agent.act(0.02) == 1
    with pytest.raises(AgentTimeout, match=r"^act: no answer within 0.5 s a step, then a bank of 1 s an episode$"):
        agent.act(1.1)


@pytest.mark.parametrize("late", ["reset", "observe", "act"])
def test_every_call_has_the_same_time(submission, late):
    made = submission(
        "self.wait('act')",
        head="",
        budget=SHORT,
    )
    (made.bundle / "agent.py").write_text(
        "import time\nclass make_agent:\n    def __init__(self, task): pass\n"
        + "".join(
            f"    def {name}(self, *x): time.sleep({100 if name == late else 0})\n"
            for name in ("reset", "act", "observe")
        )
    )
    agent = made(TASK)
    started = time.monotonic()
    with pytest.raises(AgentTimeout, match=f"^{late}: no answer"):  # noqa: PT012  # which one fails is in the message
        agent.reset(0)
        agent.act(1)
        agent.observe(0.0, False, False)
    assert time.monotonic() - started < 5
    with pytest.raises(AgentTimeout, match="was ended before"):
        agent.act(1)
    assert not processes_of(str(made.bundle))
    with pytest.raises(AgentTimeout):  # in a fresh process
        made(TASK).reset(0) or made(TASK).act(1) or made(TASK).observe(0.0, False, False)


@pytest.mark.parametrize("where", ["import time; time.sleep(100)\n", ""])
def test_importing_and_making_the_agent_have_a_time_too(submission, where):
    made = submission("return 1", head=where, budget=Budget(start_s=0.7))
    if not where:
        (made.bundle / "agent.py").write_text("import time\ndef make_agent(task): time.sleep(100)")
    with pytest.raises(AgentTimeout, match=r"^make: no answer within 0.7 s for starting the process"):
        made(TASK)


@everywhere
def test_a_guest_that_does_not_read_is_late(submission):
    made = submission(
        "import threading\nthreading.Timer(0.05, os.kill, [os.getpid(), 19]).start()\nreturn 1", budget=SHORT
    )
    agent = made(TASK)
    agent.act(None)
    time.sleep(0.3)  # stopped by now: it reads nothing, and 100 MB do not fit into a pipe
    with pytest.raises(AgentTimeout):
        agent.act(np.zeros(100_000_000, np.uint8))


# Bad agents.


def failure_of(made, *, calls=1, error=AgentCrash):
    with pytest.raises(error) as failure:  # noqa: PT012
        agent = made(TASK)
        agent.reset(0)
        for _ in range(calls):
            agent.act(FRAME)
    return str(failure.value)


def test_an_import_that_fails_tells_its_traceback(submission):
    text = failure_of(submission(head="import no_such_module\n"))
    assert "agent.py" in text
    assert text.endswith("ModuleNotFoundError: No module named 'no_such_module'")


def test_a_missing_entry_point_tells_its_name(submission):
    text = failure_of(submission(entry_point="agent:build"))
    assert text.endswith("AttributeError: module 'agent' has no attribute 'build'")


@pytest.mark.parametrize(
    ("act", "last"),
    [
        ("return 1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise type('E', (Exception,), {'__str__': lambda self: 1 / 0})()", "agent.E: <exception str() failed>"),
        ("def f(): f()\nf()", "maximum recursion depth exceeded"),
        ("raise ValueError('\\x1b[2J' + 'x' * 10 ** 6)", "x" * 4096),
        ("raise ValueError('line\\n' * 10 ** 5 + 'end')", "line\nend"),
    ],
)
def test_an_exception_is_told_and_the_process_goes_on(submission, act, last):
    made = submission("if observation is None: return os.getpid()\n" + act)
    agent = made(TASK)
    pid = agent.act(None)
    with pytest.raises(AgentCrash) as failure:
        agent.act(FRAME)
    text = str(failure.value)
    assert last in text or text.endswith(last)
    assert len(text) <= 4096
    assert len(text.splitlines()) <= 12
    assert "\x1b" not in text
    assert made(TASK).act(None) == pid


@everywhere
@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        ("print('last words'); sys.stdout.flush(); os._exit(3)", "ended by itself, exit code 3; the end of its log:"),
        ("os._exit(0)", "ended by itself, exit code 0; its log is empty"),
        ("os.kill(os.getpid(), 11)", "ended by SIGSEGV"),
        ("os.close(3)", "exit code 1; the end of its log:"),
        ("os.close(4)", "exit code 1; the end of its log:"),
        ("import threading\nthreading.Timer(0.05, os._exit, [9]).start()\ntime.sleep(60)", "exit code 9"),
    ],
)
def test_a_process_that_ends_in_the_middle_is_a_crash(submission, act, sentence):
    made = submission(act)
    assert sentence in failure_of(made, calls=2)
    assert sentence in failure_of(made, calls=2)  # and again, in a fresh process


GARBAGE = {
    "2 GB, announced": (r"os.write(4, (2**31).to_bytes(4, 'little') + b'x' * 1000)", "announces 2,147,483,648 bytes"),
    "no value": (r"os.write(4, b'\x03\0\0\0\xc1\xc1\xc1')", "no value begins with the byte 0xc1"),
    "another value": (r"os.write(4, b'\x01\0\0\0\x07')", "no list of a status and what belongs to it"),
    "an unknown status": (r"os.write(4, b'\x03\0\0\0\x92\x07\xc0')", "no list of a status and what belongs to it"),
    "a status alone": (r"os.write(4, b'\x02\0\0\0\x91\x00')", "no list of a status and what belongs to it"),
    "two answers": (r"os.write(4, b'\x03\0\0\0\x92\0\0' * 2)", "more follows after it"),
    "text": ("os.write(4, b'<html>' * 100)", "announces 1,836,345,404 bytes"),
    "a pickle": (r"import pickle; x = pickle.dumps(os.system); os.write(4, len(x).to_bytes(4, 'little') + x)", "it "),
    "a deep list": (r"x = b'\x91' * 10**6; os.write(4, len(x).to_bytes(4, 'little') + x)", "nests more than 16"),
    "an array of 2 GB": ("return np.zeros(2**31, np.uint8)", "the answer has 2147483648 bytes, at most 16,777,216"),
    "a list of much": ("return [b'x' * 60000] * 300", "bytes, at most 16,777,216 are allowed"),
    "keys that collide": ("return {2**61 * i: i for i in range(9)}", "a key of a map is no text"),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_an_answer_that_is_none_ends_the_process(submission, name):
    act, sentence = GARBAGE[name]
    made = submission(f"if observation is None: return 1\n{act}\ntime.sleep(1)")
    text = failure_of(made, error=AgentKilled)
    assert text.startswith("act: the answer")
    assert sentence in text
    assert not processes_of(str(made.bundle))
    assert made(TASK).act(None) == 1


@everywhere
def test_a_closed_pipe_of_a_process_that_goes_on_is_noticed(submission):
    # The honest loop would end at the closed pipe; this agent never returns to it.
    assert failure_of(submission("os.close(4); time.sleep(100)"), error=AgentKilled) == (
        "the agent has closed the pipe of its answers"
    )


@everywhere
def test_a_child_that_keeps_the_pipe_open_does_not_hide_the_end(submission):
    made = submission(
        """
        copy = os.dup(4)
        import ctypes
        if ctypes.CDLL(None).fork() == 0:
            time.sleep(1000)
        os._exit(5)
        """
    )
    started = time.monotonic()
    assert "exit code 5" in failure_of(made)
    assert time.monotonic() - started < 5
    assert not processes_of(str(made.bundle))


@everywhere
def test_children_do_not_inherit_the_pipes(submission):
    agent = submission(
        """
        import subprocess
        listing = "import os\\nfor n in (3, 4):\\n  try: os.fstat(n); print(n)\\n  except OSError: pass\\nprint('end')"
        run = subprocess.run([sys.executable, "-I", "-S", "-c", listing], stdout=subprocess.PIPE, close_fds=False)
        read, write = os.pipe()
        if os.fork() == 0:
            os.dup2(write, 1)
            exec(listing, {"print": lambda text: os.write(1, f"{text}\\n".encode())})
            os._exit(0)
        return [run.stdout.decode(), os.read(read, 99).decode()]
        """
    )(TASK)
    assert agent.act(None) == ["end\n", "end\n"]


@everywhere
def test_printing_without_end_costs_neither_memory_nor_much_time(submission):
    made = submission("line = 'x' * 2**20\nfor _ in range(1024): print(line)\nreturn 1")
    agent = made(TASK)
    started = time.monotonic()
    if submission.safe:
        with pytest.raises(AgentKilled, match=r"it printed .* bytes, at most 10,485,760 are allowed"):
            agent.act(None)
    else:
        assert agent.act(None) == 1
    assert time.monotonic() - started < 30
    assert len(made.log()) == made.budget.log_bytes


def test_a_batch_that_is_no_number_of_episodes_is_refused(submission):
    made = submission(head="import numpy\n")
    (made.bundle / "agent.py").write_text(
        "class make_agent:\n    batched = 2**40\n    def __init__(self, task): pass\n"
    )
    with pytest.raises(AgentKilled, match="batched: expected an integer"):
        made(TASK)


def test_this_process_never_imports_the_agent(submission):
    made = submission("return 1", head="")
    made(TASK).act(None)
    assert "agent" not in sys.modules
    assert str(made.bundle) not in sys.path
