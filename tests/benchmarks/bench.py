"""Steps a second of envsuite beside each simulator's own environment, then what sandbox, numbers, board and web cost.

Each peer lives in a virtual environment of its own under `.venv-bench/`; the two sides play in
alternating blocks, random actions, resets counted. `COSTS` are scripts of their own, which print JSON rows.
`--write` commits a result, `--check` compares a new one with 0.8 of the committed ratios and with the limits.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import platform
import statistics
import subprocess
import sys
import venv
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from envsuite.leaderboard.results import processor

ROOT = Path(__file__).parent.parent.parent
PEERS = ROOT / ".venv-bench"
TOLERATED = 0.8
"""Share of a committed ratio below which `--check` fails."""


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison."""

    name: str
    ours: str
    peer: str
    packages: tuple[str, ...]
    """What the peer's virtual environment holds, pinned by constraints.txt; our own where there is nothing."""
    pins: tuple[str, ...] = ()
    """What is installed instead, versions and all, where the peer cannot live with constraints.txt."""
    player: str = "player.py"
    """The script beside this one that plays both sides."""
    floor: float | None = None
    """Ratio that must be reached."""


CRAFTER, SYMBOLS = "envsuite/crafter-reward-v1", "envsuite/crafter-symbolic-v1"
REFERENCE = ("crafter", "numba")
"""With Numba beside it the reference begins an episode ten times as fast: opensimplex compiles itself then."""
WALKER = ("gymnasium", "box2d", "pygame")
MINIWOB = ("miniwob",)
MINIWOB_PINS = (
    "miniwob==1.1.0",
    "gymnasium==1.4.0",  # nle keeps constraints.txt at a version that miniwob refuses
    "numpy==2.4.6",
    "pillow==13.0.0",
    "selenium==4.51.0",
    "Farama-Notifications==0.0.6",
)


def web(what: str, ours: str, peer: str, floor: float) -> Row:
    """Returns a comparison with the miniwob package, which drives a browser by Selenium."""
    return Row(f"miniwob {what}", ours, peer, MINIWOB, MINIWOB_PINS, "web_player.py", floor)


LOGIN = "envsuite/miniwob-login-user-v1"
ROWS = (
    Row("crafter", f"ours:{CRAFTER}", "crafter", REFERENCE, floor=15.0),
    Row("crafter, 256 envs, one core", f"ours-kernel-one-core:{CRAFTER}", "crafter", REFERENCE, floor=50.0),
    Row("crafter, symbols, 256 envs, one core", f"ours-kernel-one-core:{SYMBOLS}", "crafter", REFERENCE, floor=150.0),
    Row("crafter, resets", f"ours-reset:{CRAFTER}", "crafter-reset", REFERENCE, floor=40.0),
    Row(
        "crafter, 256 envs, all cores beside one",
        f"ours-kernel:{CRAFTER}",
        f"ours-kernel-one-core:{CRAFTER}",
        (),
        floor=1.8,
    ),
    Row("nethack", "ours:envsuite/nethack-score-v1", "nle:NetHackScore-v0", ("nle",)),
    Row("nethack, same keys", "ours:envsuite/nethack-score-v1", "nle-same-keys:NetHackScore-v0", ("nle",)),
    Row("metaworld reach", "ours:envsuite/metaworld-reach-v1", "metaworld:reach-v3", ("metaworld", "packaging")),
    Row("bipedal flat", "ours:envsuite/bipedal-flat-v1", "gymnasium:BipedalWalker-v3", WALKER),
    Row("bipedal flat, 8 envs", "ours-vector:envsuite/bipedal-flat-v1", "gymnasium-async:BipedalWalker-v3", WALKER),
    *(
        web(f"{page}, peer {how}", f"ours:envsuite/miniwob-{page}-v1", f"{peer}:{page}", floor)
        for how, peer, floors in (
            ("without screenshots", "miniwob-dom", (15.0, 12.0, 6.0)),
            ("as it comes", "miniwob", (60.0, 45.0, 18.0)),
        )
        for page, floor in zip(("login-user", "book-flight", "social-media"), floors, strict=True)
    ),
    web("login-user, resets, peer without screenshots", f"ours-reset:{LOGIN}", "miniwob-reset:login-user", 18.0),
    web(
        "forms, 32 envs, peer one env of login-user without screenshots",
        "ours-vector:envsuite/miniwob-forms-v1",
        "miniwob-dom:login-user",
        45.0,
    ),
    web("login-user, pixels, peer as it comes", f"ours-pixels:{LOGIN}", "miniwob:login-user", 2.5),
    web(
        "login-user, pixels, 32 envs, peer one env as it comes",
        f"ours-vector-pixels:{LOGIN}",
        "miniwob:login-user",
        10.0,
    ),
)

COSTS = ("sandbox.py", "intervals.py", "board.py", "web.py", "crafter_costs.py")
"""Scripts beside this one. A row has a `value`, its `unit` and `limit`, or a `ratio` to a peer and its `floor`."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Rates in steps a second over all blocks; the ratio is the median of neighbouring blocks."""

    ours_steps_per_s: float
    peer_steps_per_s: float
    ratio: float
    ratio_low: float
    """Lowest ratio of two neighbouring blocks."""
    ratio_high: float
    floor: float | None


class Side:
    """A process that plays blocks on request."""

    def __init__(self, python: Path | str, side: str, player: str = "player.py") -> None:
        self._side = side
        command = [str(python), str(Path(__file__).parent / player), side]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._answer()  # the warm-up block

    def play(self, seconds: float) -> tuple[float, float]:
        """Returns steps and seconds of one block."""
        print(seconds, file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> tuple[float, float]:
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._side}: the player ended with exit code {self._process.wait()}")
        steps, _, seconds = line.split()
        return float(steps), float(seconds)

    def close(self) -> None:
        """Ends the process."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def peer_python(packages: tuple[str, ...], pins: tuple[str, ...] = ()) -> Path:
    """Returns the interpreter of a peer's virtual environment, made on first use and whenever its pins change."""
    if not packages:
        return Path(sys.executable)
    folder = PEERS / "-".join(packages)
    python, installed = folder / "bin" / "python", folder / ".installed"
    PEERS.mkdir(exist_ok=True)
    with (PEERS / ".lock").open("w") as lock:  # tests in several processes ask for the same
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not installed.exists() or installed.read_text() != "\n".join(pins):
            venv.create(folder, with_pip=True, clear=True)
            wanted = pins or ("-c", str(ROOT / "constraints.txt"), *packages)
            subprocess.run([python, "-m", "pip", "install", "-q", *wanted], check=True)
            installed.write_text("\n".join(pins))
    return python


def measure(row: Row, *, blocks: int, seconds: float) -> Measured:
    """Returns rates and ratio of one comparison over `blocks` alternating pairs of blocks."""
    ours = Side(sys.executable, row.ours, row.player)
    peer = Side(peer_python(row.packages, row.pins), row.peer, row.player)
    pairs = [(ours.play(seconds), peer.play(seconds)) for _ in range(blocks)]
    ours.close()
    peer.close()
    ratios = [(a[0] / a[1]) / (b[0] / b[1]) for a, b in pairs]
    return Measured(
        ours_steps_per_s=round(sum(a[0] for a, _ in pairs) / sum(a[1] for a, _ in pairs), 1),
        peer_steps_per_s=round(sum(b[0] for _, b in pairs) / sum(b[1] for _, b in pairs), 1),
        ratio=round(statistics.median(ratios), 3),
        ratio_low=round(min(ratios), 3),
        ratio_high=round(max(ratios), 3),
        floor=row.floor,
    )


def costs(script: str) -> list[dict[str, Any]]:
    """Returns the rows that a script of `COSTS` prints."""
    command = [sys.executable, str(Path(__file__).parent / script)]
    printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return [json.loads(line) for line in printed.splitlines()]


def fallen(record: Mapping[str, Any], committed: Mapping[str, Any]) -> list[str]:
    """Returns what is slower than it may be: below 0.8 of a committed ratio, below a floor, or above a limit."""
    old = {**committed["rows"], **{row["name"]: row for row in committed["costs"]}}
    new = {**record["rows"], **{row["name"]: row for row in record["costs"]}}
    told = [f"{name}: was not measured" for name in old if name not in new]
    for name, row in new.items():
        if "ratio" not in row:
            if row["value"] > row["limit"]:
                told.append(f"{name}: {row['value']} {row['unit']} is above its limit of {row['limit']}")
            continue
        least = max(TOLERATED * old.get(name, row)["ratio"], row.get("floor") or 0.0)
        if row["ratio"] < least:
            told.append(f"{name}: ratio {row['ratio']} is below {least:.3g}")
    return told


def main() -> int:
    """Measures every row, prints the tables, writes or checks them; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path)
    parser.add_argument("--check", type=Path)
    parser.add_argument("--blocks", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--only", default="", help="measure only rows whose name begins so, and no costs")
    arguments = parser.parse_args()
    if arguments.only and (arguments.write or arguments.check):
        parser.error("--only leaves rows out, so its result cannot be written or checked")
    results = {}
    for row in ROWS:
        if not row.name.startswith(arguments.only):
            continue
        results[row.name] = measure(row, blocks=arguments.blocks, seconds=arguments.seconds)
        print(f"{row.name}: {results[row.name].ratio:.2f} of the peer", flush=True)
    Console().print(_table(results))
    if arguments.only:
        return 0
    cost_rows = [row for script in COSTS for row in costs(script)]
    for row in cost_rows:
        measured = f"{row['ratio']} x" if "ratio" in row else f"{row['value']} {row['unit']}, at most {row['limit']}"
        print(f"{row['name']}: {measured}")
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip(),
        "machine": f"{processor()}, {platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "command": f"make bench ({arguments.blocks} pairs of blocks of {arguments.seconds:g} s)",
        "rows": {name: asdict(result) for name, result in results.items()},
        "costs": cost_rows,
    }
    slow = fallen(record, json.loads(arguments.check.read_text()) if arguments.check else record)
    print("\n".join(slow))
    if arguments.write:
        arguments.write.write_text(json.dumps(record, indent=2) + "\n")
    return int(bool(slow))


def _table(results: dict[str, Measured]) -> Table:
    table = Table(title="Steps a second, random actions, resets counted")
    for column in ("environment", "ours", "peer", "ratio", "lowest to highest"):
        table.add_column(column, justify="left" if column == "environment" else "right")
    for name, result in results.items():
        table.add_row(
            name,
            f"{result.ours_steps_per_s:,.0f}",
            f"{result.peer_steps_per_s:,.0f}",
            f"{result.ratio:.2f}",
            f"{result.ratio_low:.2f} to {result.ratio_high:.2f}",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
