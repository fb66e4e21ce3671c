"""A worker process of the tests that kill: makes episodes up, and notes every one that the store has acknowledged.

`python store_worker.py DATABASE HOME NOTES` works until it is ended.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from boards import SAFE, episode

from envsuite.errors import LeaseLost
from envsuite.leaderboard.schemas import Finish, Offer, Report
from envsuite.leaderboard.store import queue, results
from envsuite.leaderboard.store.database import Database
from envsuite.leaderboard.store.files import Files

PATIENCE_S = 120.0


def play(database: Database, files: Files, offer: Offer, notes: int) -> None:
    """Reports a job's episodes one by one, with trajectories that tell every attempt from every other."""
    for start in offer.starts:
        trajectory = os.urandom(16).hex()
        made = episode(offer.task_id, start.seed_index, offer.run, trajectory=trajectory)
        report = Report(lease=offer.lease, episodes=[made], actions={start.seed_index: [0, 1]})
        ack = database.run(lambda session, r=report: queue.report(session, files, offer.id, r))
        if ack.recorded:
            os.write(notes, f"{offer.evaluation} {offer.task_id} {start.seed_index} {trajectory}\n".encode())
        time.sleep(0.002)
    end = Finish(lease=offer.lease, sandbox=SAFE)
    if database.run(lambda session: queue.finish(session, offer.id, end)):
        results.finalise_due(database, files)


def main(url: str, home: str, notes: str) -> None:
    database, files = Database(url, patience_s=PATIENCE_S), Files(Path(home))
    descriptor = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    while True:
        results.finalise_due(database, files)
        offer = database.run(lambda session: queue.lease(session, files, f"process {os.getpid()}"))
        if offer is None:
            time.sleep(0.05)
            continue
        try:
            play(database, files, offer, descriptor)
        except LeaseLost:
            continue


if __name__ == "__main__":
    main(*sys.argv[1:])
