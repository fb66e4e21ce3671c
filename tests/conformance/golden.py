"""Writes golden.json: the hash of a seeded trajectory of every id, as this machine plays it."""

import json
import platform
from pathlib import Path

import envsuite
from envsuite.conformance import trajectory_hash

if __name__ == "__main__":
    path = Path(__file__).parent / "golden.json"
    platform_name = f"{platform.system()} {platform.machine()}"
    hashes = {task_id: trajectory_hash(task_id) for task_id in sorted(envsuite.TASKS)}
    path.write_text(json.dumps({"platform": platform_name, "hashes": hashes}, indent=2) + "\n")
    print(f"wrote {len(hashes)} hashes to {path.name}")
