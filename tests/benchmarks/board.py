"""What a board with many submissions costs: page times on the server and concurrent readers, printed as JSON rows.

    python tests/benchmarks/board.py [--submissions 10000] [--episodes 1000000] [--seconds 30]

The store is filled in bulk, then a real server answers over loopback. A page's time is the server's own, from its
log of requests; readers are 50 threads with a connection each.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.board_data import fill

from envsuite.leaderboard.home import database_url
from envsuite.leaderboard.store.database import Database

SUITE = "quick-v1"
PAGES = (f"/boards/{SUITE}", f"/boards/{SUITE}?page=100", f"/boards/{SUITE}?trust=verified", "/", "/ledger")
REQUESTS = 40
"""Of each page, one after the other, the first five not counted."""
READERS = 50
PAGE_LIMIT_MS = 50.0


class Server:
    """A board on a free port of this machine."""

    def __init__(self, home: Path) -> None:
        command = [sys.executable, "-m", "envsuite.cli", "serve", "--home", str(home), "--port", "0", "--workers", "0"]
        self.log = (home / "serve.log").open("w+", encoding="utf-8")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT)
        self.port = self._port()

    def _port(self) -> int:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            for line in self.lines():
                if line.startswith("Board: http://127.0.0.1:"):
                    return int(line.split()[1].rpartition(":")[2])
            time.sleep(0.1)
        raise RuntimeError(f"the server did not start: {self.lines()[-5:]}")

    def lines(self) -> list[str]:
        """Returns what the server has printed."""
        return Path(self.log.name).read_text(encoding="utf-8").splitlines()

    def close(self) -> None:
        """Ends the server."""
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


def get(connection: http.client.HTTPConnection, path: str) -> int:
    """Returns the status of a page, read whole."""
    connection.request("GET", path)
    response = connection.getresponse()
    response.read()
    return response.status


def page_times(server: Server) -> list[dict[str, Any]]:
    """Returns a row per page: the median of the server's own milliseconds."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    rows = []
    for path in PAGES:
        before = len(server.lines())
        statuses = {get(connection, path) for _ in range(REQUESTS)}
        if statuses != {200}:
            raise RuntimeError(f"{path}: expected status 200, got {statuses}")
        records = [json.loads(line) for line in server.lines()[before:] if line.startswith("{")]
        taken = [record["ms"] for record in records if record.get("event") == "request"][5:]
        row = {"name": f"page {path}", "unit": "milliseconds", "value": round(statistics.median(taken), 2)}
        rows.append({**row, "high": max(taken), "limit": PAGE_LIMIT_MS})
    connection.close()
    return rows


def readers(server: Server, seconds: float) -> dict[str, Any]:
    """Returns requests a second, the median wait and the errors of 50 readers at once."""
    waits: list[float] = []
    errors: list[str] = []
    until = time.monotonic() + seconds

    def read(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        turn = number
        while time.monotonic() < until:
            started = time.perf_counter()
            try:
                status = get(connection, PAGES[turn % len(PAGES)])
            except OSError as error:
                errors.append(repr(error))
                connection.close()
                continue
            waits.append(time.perf_counter() - started)
            if status != 200:
                errors.append(f"status {status}")
            turn += 1
        connection.close()

    threads = [threading.Thread(target=read, args=(number,)) for number in range(READERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "name": f"{READERS} readers for {seconds:g} s",
        "unit": "errors",
        "value": len(errors),
        "limit": 0,
        "requests_per_s": round(len(waits) / seconds, 1),
        "median_ms": round(1000 * statistics.median(waits), 1),
        "first_errors": errors[:3],
    }


def main() -> None:
    """Prints a JSON row per measurement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--submissions", type=int, default=10_000)
    parser.add_argument("--episodes", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=30.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="envsuite-bench-") as folder:
        home = Path(folder)
        database = Database(database_url(home))
        database.upgrade()
        fill(database, arguments.submissions, arguments.episodes)
        database.close()
        server = Server(home)
        try:
            rows = [*page_times(server), readers(server, arguments.seconds)]
        finally:
            server.close()
    for row in rows:
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
