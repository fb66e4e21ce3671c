"""`envsuite doctor`: what works on this machine, and the one command that brings what does not."""

from __future__ import annotations

import contextlib
import ctypes.util
import importlib.util
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
from rich.markup import escape

import envsuite
from envsuite import catalogue, registration
from envsuite.cli.console import columns, console, error_console, print_json, print_plain
from envsuite.cli.info import installed_version
from envsuite.task import Family

_PREFIX = "envsuite-probe "
"""Begins the lines of the probe that carry its answers; simulators print other lines."""

_PROBE = "from envsuite.cli.doctor import probe; probe({!r})"
"""What the process of a family runs."""
_PACKAGES = (
    ("pygame", "pygame", "windows: envsuite play, render_mode='human'", "pip install pygame"),
    ("stable-baselines3", "stable_baselines3", "training", 'pip install "envsuite[interop]"'),
    ("minari", "minari", "datasets of episodes", 'pip install "envsuite[interop]"'),
    ("jinja2", "jinja2", "the board as a web page", 'pip install "envsuite[leaderboard]"'),
    ("fastapi", "fastapi", "a board as a service: envsuite serve", 'pip install "envsuite[leaderboard]"'),
    ("ray", "ray", "evaluation on a cluster: --executor ray", 'pip install "envsuite[distributed]"'),
)
"""Distribution, module, what it is for, the command that brings it."""
_PROGRAMS = (
    ("chromium", ("chromium", "chromium-browser", "google-chrome"), "pictures of web pages", "apt install chromium"),
    ("bubblewrap", ("bwrap",), "the best sandbox for submissions", "apt install bubblewrap"),
)
"""Name, the executables that will do, what it is for, the command that brings it."""
_LIBRARIES = (
    ("EGL", "EGL", "pictures of Meta-World without a screen (MUJOCO_GL=egl)", "apt install libegl1"),
    (
        "OSMesa",
        "OSMesa",
        "pictures of Meta-World without a graphics driver (MUJOCO_GL=osmesa)",
        "apt install libosmesa6",
    ),
)
"""Name, the shared library, what it is for, the command that brings it."""


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    timeout: Annotated[float, typer.Option(min=1.0, help="Seconds that one family may take.")] = 60.0,
) -> None:
    """Check which simulators and optional parts work here.

    Every family is tried in a process of its own: one environment, one step, one picture. The exit
    status is 1 if a family does not work, and what is missing comes with the command that brings it.
    """
    with error_console.status("looking at the machine") if not as_json else contextlib.nullcontext():
        report: dict[str, Any] = {
            "machine": machine(),
            "families": [check_family(family, timeout) for family in catalogue.FAMILIES.values()],
            "optional": list(_optional_parts()),
        }
    if as_json:
        print_json(report)
    else:
        _show(report)
    if not all(record["works"] for record in report["families"]):
        raise typer.Exit(1)


def machine() -> dict[str, Any]:
    """Returns versions, processor and memory; what cannot be told is None."""
    with contextlib.suppress(AttributeError, OSError, ValueError):
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        return {**_versions(), "memory_gib": round(memory, 1)}
    return {**_versions(), "memory_gib": None}


def _versions() -> dict[str, Any]:
    from envsuite.leaderboard.results import processor

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "envsuite": envsuite.__version__,
        "python": platform.python_version(),
        "gymnasium": installed_version("gymnasium"),
        "numpy": installed_version("numpy"),
        "system": platform.platform(),
        "processor": processor(),
        "cores": usable,
    }


def check_family(family: Family, timeout: float) -> dict[str, Any]:
    """Returns whether a family works: installed, made, stepped; with timings, or what is wrong and what to do."""
    record: dict[str, Any] = {
        "family": family.name,
        "title": family.title,
        "tasks": len(family.tasks),
        "version": registration.simulator_version(family),
        "installed": not registration.missing_modules(family),
        "works": False,
        "picture": False,
        "timings": {},
        "problem": None,
        "command": None,
    }
    if not record["installed"]:
        missing = ", ".join(registration.missing_modules(family))
        return {**record, "problem": f"no module {missing}", "command": registration.install_command(family)}
    if not family.tasks:
        return {**record, "problem": "registers no task"}
    answers, problem = run_probe(family.tasks[0].id, timeout)
    timings = {key: answers[key] for key in ("import_s", "make_s", "reset_s", "step_s", "picture_s") if key in answers}
    works, picture = "step_s" in answers, "picture_s" in answers
    if works and not picture:
        problem = f"no picture: {problem}"
    command = None if works else f"pip install --force-reinstall {family.distribution}=={record['version']}"
    return {**record, "works": works, "picture": picture, "timings": timings, "problem": problem, "command": command}


def run_probe(task_id: str, timeout: float) -> tuple[dict[str, Any], str | None]:
    """Returns what `probe` told from a process of its own before it ended, and why it ended early, if it did."""
    environment = {**os.environ, "SDL_VIDEODRIVER": os.environ.get("SDL_VIDEODRIVER", "dummy")}
    problem: str | None = None
    process = subprocess.Popen(  # our own interpreter and our own code
        [sys.executable, "-P", "-c", _PROBE.format(task_id)],  # -P: no modules from the current folder
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        output, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        problem = f"no answer within {timeout:g} s"
    answers: dict[str, Any] = {}
    for line in output.splitlines():
        if line.startswith(_PREFIX):
            answers.update(json.loads(line.removeprefix(_PREFIX)))
    if problem is None and process.returncode < 0:
        problem = f"crashed ({signal.Signals(-process.returncode).name})"
    elif problem is None and process.returncode > 0:
        problem = (errors.strip().splitlines() or [f"exit status {process.returncode}"])[-1]
    return answers, problem


def probe(task_id: str) -> None:
    """Makes an environment, takes a step, draws a picture, and prints the seconds of each as it goes."""
    for answer in _probe_steps(task_id):
        # A simulator may leave its own line open.
        print(f"\n{_PREFIX}{json.dumps(answer)}", flush=True)


def _probe_steps(task_id: str) -> Iterator[dict[str, float]]:
    started = time.perf_counter()
    for module in catalogue.family_of(task_id).modules:
        importlib.import_module(module)
    yield {"import_s": time.perf_counter() - started}
    started = time.perf_counter()
    env = registration.make_env(task_id)
    yield {"make_s": time.perf_counter() - started}
    started = time.perf_counter()
    env.reset(seed=0)
    yield {"reset_s": time.perf_counter() - started}
    env.action_space.seed(0)
    action = env.action_space.sample()
    started = time.perf_counter()
    env.step(action)
    yield {"step_s": time.perf_counter() - started}
    env.close()
    with contextlib.closing(registration.make_env(task_id, render_mode="rgb_array")) as pictured:
        pictured.reset(seed=0)
        started = time.perf_counter()
        pictured.render()
        yield {"picture_s": time.perf_counter() - started}


def _optional_parts() -> Iterator[dict[str, Any]]:
    """Yields what each optional part is for, whether it is here, and the command that brings it."""
    for name, module, purpose, command in _PACKAGES:
        found = installed_version(name) if importlib.util.find_spec(module) else None
        yield {"part": name, "found": found, "purpose": purpose, "command": command}
    for name, executables, purpose, command in _PROGRAMS:
        paths = [path for path in map(shutil.which, executables) if path]
        yield {"part": name, "found": paths[0] if paths else None, "purpose": purpose, "command": command}
    from envsuite.leaderboard.sandbox import PROVIDERS

    for provider in PROVIDERS.values():
        if provider.safe:
            tried = provider.probe()
            found, command = ("works", "") if tried.available else (None, f"envsuite sandbox check  # {tried.reason}")
            name, purpose = f"sandbox {provider.name}", "submissions: envsuite sandbox check tries the escapes"
            yield {"part": name, "found": found, "purpose": purpose, "command": command}
    for name, library, purpose, command in _LIBRARIES:
        found = ctypes.util.find_library(library)
        yield {"part": name, "found": found, "purpose": purpose, "command": command}
    from envsuite.families.starcraft2.install import doctor_part

    yield doctor_part()


def _show(report: Mapping[str, Any]) -> None:
    here = report["machine"]
    memory = "" if here["memory_gib"] is None else f", {here['memory_gib']} GiB"
    print_plain(
        f"envsuite {here['envsuite']}, Python {here['python']}, "
        f"Gymnasium {here['gymnasium']}, NumPy {here['numpy']}\n"
        f"{here['system']}\n{here['processor']}, {here['cores']} cores{memory}"
    )
    console.print("\n[bold]simulators[/]")
    families = report["families"]
    _show_rows([(_state(record), (record["title"], record["version"] or "-", _told(record))) for record in families])
    console.print("\n[bold]optional parts[/]")
    _show_rows(
        [
            (
                "missing" if part["found"] is None else "ok",
                (part["part"], part["found"] or "-", f"for {part['purpose']}"),
            )
            for part in report["optional"]
        ]
    )
    needs = [f"{record['command']}  # {record['title']}" for record in families if record["command"]]
    needs += [f"{part['command']}  # {part['part']}" for part in report["optional"] if part["found"] is None]
    if needs:
        console.print("\n[bold]to install what is missing[/]")
        for command in needs:
            print_plain(f"  {command}")
    working = sum(record["works"] for record in families)
    colour = "green" if working == len(families) else "red"
    console.print(f"\n[{colour}]{working} of {len(families)} simulators work.[/]")


def _told(record: Mapping[str, Any]) -> str:
    """Returns timings and problem of a family in one line."""
    names = (
        ("import_s", "import"),
        ("make_s", "make"),
        ("reset_s", "reset"),
        ("step_s", "step"),
        ("picture_s", "picture"),
    )
    timings = [f"{name} {1000 * record['timings'][key]:.3g} ms" for key, name in names if key in record["timings"]]
    return "; ".join(filter(None, [", ".join(timings), record["problem"]]))


def _state(record: Mapping[str, Any]) -> str:
    if record["works"]:
        return "ok"
    return "broken" if record["installed"] else "missing"


def _show_rows(rows: list[tuple[str, tuple[str, ...]]]) -> None:
    for (state, _), line in zip(rows, columns([cells for _, cells in rows]), strict=True):
        colour = "green" if state == "ok" else "red"
        console.print(f"[{colour}]{state:8}[/] {escape(line)}", soft_wrap=not console.is_terminal)
