"""Writes golden.json: the hash of a seeded trajectory of every id, as this machine plays it."""

import functools
import hashlib
import json
import platform
import shutil
import subprocess
from pathlib import Path

import gymnasium

import envsuite
from envsuite.conformance import trajectory_hash
from envsuite.families.miniwob import identity


def build(task_id: str) -> str:
    """Returns what a "build" task's bytes depend on here: system, machine, and the processor's features.

    A web page's: the browser and the fonts that it finds, which decide the places of its elements.

    MuJoCo and the mathematical library choose their code by the processor: two machines of one name, with and
    without some vector instructions, gave other last digits on 45 of Meta-World's 50 tasks.
    """
    if "/miniwob-" in task_id:
        return f"{platform.system()} {identity.version()} {font()}"
    flags = ""
    if (cpuinfo := Path("/proc/cpuinfo")).exists():
        flags = next((line for line in cpuinfo.read_text().splitlines() if line.startswith("flags")), "")
    features = hashlib.sha256(" ".join(sorted(flags.split())).encode()).hexdigest()[:12]
    return f"{platform.system()} {platform.machine()} {features}"


@functools.cache
def font() -> str:
    """Returns the font that stands for Arial, "" where nothing tells."""
    if not shutil.which("fc-match"):
        return ""
    return subprocess.run(["fc-match", "Arial"], capture_output=True, text=True, check=False).stdout.strip()


if __name__ == "__main__":
    path = Path(__file__).parent / "golden.json"
    before = json.loads(path.read_text()) if path.exists() else {}
    kept = gymnasium.make("envsuite/miniwob-click-test-v1")  # and with it the browser
    here = [name for name, task in sorted(envsuite.TASKS.items()) if envsuite.registration.simulator_of(task)[1]]
    hashes = {task_id: trajectory_hash(task_id) for task_id in here}
    kept.close()
    of_build = {id_: hash_ for id_, hash_ in hashes.items() if envsuite.get_task(id_).deterministic == "build"}
    everywhere = {id_: hash_ for id_, hash_ in hashes.items() if id_ not in of_build}
    builds = dict(before.get("builds", {}))
    for name in {build(id_) for id_ in of_build}:
        builds[name] = {id_: hash_ for id_, hash_ in of_build.items() if build(id_) == name}
    path.write_text(json.dumps({"hashes": everywhere, "builds": builds}, indent=2) + "\n")
    print(f"wrote {len(hashes)} hashes to {path.name}")
