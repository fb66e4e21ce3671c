"""Writes golden.json: the hash of a seeded trajectory of every id, as this machine plays it."""

import hashlib
import json
import platform
from pathlib import Path

import envsuite
from envsuite.conformance import trajectory_hash


def build() -> str:
    """Returns what a "build" task's bytes depend on here: system, machine, and the processor's features.

    MuJoCo and the mathematical library choose their code by the processor: two machines of one name, with and
    without some vector instructions, gave other last digits on 45 of Meta-World's 50 tasks.
    """
    flags = ""
    if (cpuinfo := Path("/proc/cpuinfo")).exists():
        flags = next((line for line in cpuinfo.read_text().splitlines() if line.startswith("flags")), "")
    features = hashlib.sha256(" ".join(sorted(flags.split())).encode()).hexdigest()[:12]
    return f"{platform.system()} {platform.machine()} {features}"


if __name__ == "__main__":
    path = Path(__file__).parent / "golden.json"
    before = json.loads(path.read_text()) if path.exists() else {}
    hashes = {task_id: trajectory_hash(task_id) for task_id in sorted(envsuite.TASKS)}
    of_build = {id_: hash_ for id_, hash_ in hashes.items() if envsuite.get_task(id_).deterministic == "build"}
    everywhere = {id_: hash_ for id_, hash_ in hashes.items() if id_ not in of_build}
    builds = {**before.get("builds", {}), build(): of_build}
    path.write_text(json.dumps({"hashes": everywhere, "builds": builds}, indent=2) + "\n")
    print(f"wrote {len(hashes)} hashes to {path.name}")
