"""Scorer: the thread that turns evaluations whose episodes are all there into scores."""

from __future__ import annotations

import threading
from types import TracebackType

from envsuite.errors import EnvsuiteError
from envsuite.leaderboard.service.site import Site
from envsuite.leaderboard.store import results

EVERY_S = 5.0
"""Seconds between two looks without a sign, for evaluations that another process or a kill has left."""
RETRY_S = 30.0


class Scorer:
    """Scores in the background, one evaluation after the other; a context manager."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scorer", daemon=True)

    def __enter__(self) -> Scorer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._site.due.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._site.due.clear()
            wait_s = EVERY_S
            try:
                scored = results.finalise_due(self._site.db, self._site.files)
                for submission in scored:
                    self._site.log.write("scored", submission=submission)
            except (EnvsuiteError, OSError) as error:
                self._site.log.error("scoring-failed", error)
                wait_s = RETRY_S
            except Exception as error:  # noqa: BLE001  # one evaluation that cannot be scored must not stop the others
                self._site.log.error("scoring-failed", error)
                wait_s = RETRY_S
            self._site.due.wait(wait_s)
