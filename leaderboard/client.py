"""Client: a board's API as methods, with the server's own words where it refuses."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, TypeAdapter, ValidationError

import envsuite
from envsuite.errors import InvalidArgument, MissingExtra, ServerRefused, ServerUnreachable
from envsuite.leaderboard.schemas import Finish, Kind, Offer, Report, SeasonView, SubmissionView, TokenView, UserView
from envsuite.task import Suite

try:
    import httpx
except ImportError as error:
    raise MissingExtra('talking to a board needs httpx; run: pip install "envsuite[leaderboard]"') from error

SERVER, TOKEN = "ENVSUITE_SERVER", "ENVSUITE_TOKEN"
"""Environment variables that stand in for --server and --token."""
CONNECT_S, READ_S = 10.0, 60.0
UPLOAD_READ_S = 600.0
"""Seconds that a server may take to check an upload of many files."""
CHUNK = 2**18
Model = TypeVar("Model", bound=BaseModel)
OnProgress = Callable[[int, int], None]
"""Is given the bytes sent so far, and all."""

_SUITES = TypeAdapter(list[Suite])


class Client:
    """A connection to one board; a context manager. Safe to use from several threads.

    Methods raise `ServerRefused` with the server's message, and `ServerUnreachable` where no answer came.
    """

    def __init__(self, server: str, token: str = "", *, read_s: float = READ_S) -> None:
        """Takes the board's address, as a browser has it, and a token where one is needed."""
        self.server = checked_address(server)
        if token and not (token.isascii() and token.isprintable() and " " not in token):
            raise InvalidArgument("token: expected one as `envsuite token new` prints it, got other characters")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(
            base_url=f"{self.server}/api/v1/",
            headers={**headers, "Accept": "application/json"},
            timeout=httpx.Timeout(read_s, connect=CONNECT_S),
        )

    def close(self) -> None:
        """Closes the connection."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # What submitters ask.

    def submit(self, archive: Path, *, on_progress: OnProgress | None = None) -> SubmissionView:
        """Returns the submission that an archive of a bundle has become."""
        return self._upload("submissions", archive, on_progress)

    def upload_results(self, archive: Path, *, on_progress: OnProgress | None = None) -> SubmissionView:
        """Returns the self-reported submission that an archive of a results folder has become."""
        return self._upload("results", archive, on_progress)

    def submissions(self, *, mine: bool = True, limit: int = 100) -> list[SubmissionView]:
        """Returns submissions, newest first: one's own in every state, or everybody's that have a score."""
        answer = self._ask("GET", "submissions", params={"mine": mine, "limit": limit})
        return [_model(SubmissionView, one) for one in answer["submissions"]]

    def submission(self, submission: str) -> SubmissionView:
        """Returns one submission."""
        return _model(SubmissionView, self._ask("GET", f"submissions/{_part(submission)}"))

    def cancel(self, submission: str) -> SubmissionView:
        """Returns the submission, which is evaluated no further."""
        return _model(SubmissionView, self._ask("POST", f"submissions/{_part(submission)}/cancel"))

    def requeue(self, submission: str) -> SubmissionView:
        """Returns the submission, whose failed evaluations wait again; for admins."""
        return _model(SubmissionView, self._ask("POST", f"submissions/{_part(submission)}/requeue"))

    def reproduce(self, submission: str) -> SubmissionView:
        """Returns the submission, which is evaluated a second time; for admins."""
        return _model(SubmissionView, self._ask("POST", f"submissions/{_part(submission)}/reproduce"))

    def result(self, submission: str, file: Path) -> None:
        """Writes the signed result file of a submission."""
        self._download(f"submissions/{_part(submission)}/result", file)

    def rules(self) -> dict[str, Any]:
        """Returns what the board demands: limits, budgets, how scores are made."""
        return dict(self._ask("GET", "rules"))

    def suites(self) -> list[Suite]:
        """Returns the suites that the board scores."""
        answer = self._ask("GET", "suites")["suites"]
        try:
            return _SUITES.validate_python(answer)
        except ValidationError as error:
            raise ServerRefused(f"{self.server}: answered with suites that this version cannot read") from error

    # What workers ask.

    def lease(self, worker: str, kinds: tuple[Kind, ...]) -> Offer | None:
        """Returns a job, which is the worker's until its lease ends; None where there is none."""
        asked = {"worker": worker, "kinds": list(kinds), "version": envsuite.__version__}
        answer = self._ask("POST", "worker/lease", json=asked)
        return None if answer is None else _model(Offer, answer)

    def heartbeat(self, job: str, lease: str) -> float:
        """Returns for how many seconds the lease has been prolonged."""
        return float(self._ask("POST", f"worker/jobs/{_part(job)}/heartbeat", json={"lease": lease})["lease_s"])

    def report(self, job: str, report: Report) -> int:
        """Returns how many of the episodes were new to the server."""
        content = json.dumps(report.model_dump(mode="python")).encode()  # NaN is a number in episodes
        headers = {"Content-Type": "application/json"}
        answer = self._ask("POST", f"worker/jobs/{_part(job)}/episodes", content=content, headers=headers)
        return int(answer["recorded"])

    def finish(self, job: str, finish: Finish) -> None:
        """Ends a lease."""
        self._ask("POST", f"worker/jobs/{_part(job)}/finish", json=finish.model_dump(mode="json"))

    def bundle(self, sha256: str, file: Path) -> None:
        """Writes the archive of a submission to a file."""
        self._download(f"bundles/{_part(sha256)}", file)

    # What admins ask.

    def users(self) -> list[UserView]:
        """Returns all accounts."""
        return [_model(UserView, one) for one in self._ask("GET", "users")["users"]]

    def add_user(self, name: str, role: str) -> UserView:
        """Returns the new account."""
        return _model(UserView, self._ask("POST", "users", json={"name": name, "role": role}))

    def set_disabled(self, user: str, disabled: bool) -> UserView:
        """Returns the account, shut out or let in again."""
        return _model(UserView, self._ask("PATCH", f"users/{_part(user)}", json={"disabled": disabled}))

    def tokens(self, user: str | None = None) -> list[TokenView]:
        """Returns the tokens of an account, or of all."""
        answer = self._ask("GET", "tokens", params={} if user is None else {"user": user})
        return [_model(TokenView, one) for one in answer["tokens"]]

    def new_token(self, user: str) -> tuple[TokenView, str]:
        """Returns a new token and its secret, which the server shows this once."""
        answer = self._ask("POST", "tokens", json={"user": user})
        return _model(TokenView, answer["token"]), str(answer["secret"])

    def revoke_token(self, token: str) -> TokenView:
        """Returns the token of an id, refused from now on."""
        return _model(TokenView, self._ask("POST", f"tokens/{_part(token)}/revoke"))

    def seasons(self) -> list[SeasonView]:
        """Returns all seasons, oldest first."""
        return [_model(SeasonView, one) for one in self._ask("GET", "seasons")["seasons"]]

    def open_season(self, name: str) -> SeasonView:
        """Returns the new season."""
        return _model(SeasonView, self._ask("POST", "seasons", json={"name": name}))

    def close_season(self, name: str) -> SeasonView:
        """Returns the closed season with its secret."""
        return _model(SeasonView, self._ask("POST", f"seasons/{_part(name)}/close"))

    def _upload(self, path: str, archive: Path, on_progress: OnProgress | None) -> SubmissionView:
        size = archive.stat().st_size
        largest = int(self.rules()["limits"]["bundle_bytes" if path == "submissions" else "results_bytes"])
        if size > largest:
            raise ServerRefused(f"{self.server} takes at most {largest} bytes, and this has {size}", status=413)
        with archive.open("rb") as file:

            def pieces() -> Iterator[bytes]:
                sent = 0
                while piece := file.read(CHUNK):
                    yield piece
                    sent += len(piece)
                    if on_progress is not None:
                        on_progress(sent, size)

            headers = {"Content-Type": "application/zip", "Content-Length": str(size)}
            timeout = httpx.Timeout(UPLOAD_READ_S, connect=CONNECT_S)
            answer = self._ask("POST", path, content=pieces(), headers=headers, timeout=timeout)
        return _model(SubmissionView, answer)

    def _download(self, path: str, file: Path) -> None:
        partial = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
        try:
            with self._http.stream("GET", path) as response:
                if response.status_code != httpx.codes.OK:
                    response.read()
                    raise self._refusal(response)
                with partial.open("wb") as target:
                    for piece in response.iter_bytes(CHUNK):
                        target.write(piece)
            partial.replace(file)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        finally:
            partial.unlink(missing_ok=True)

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        """Returns the plain data of an answer; None of an empty one."""
        try:
            response = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if not response.is_success:
            raise self._refusal(response)
        if response.status_code == httpx.codes.NO_CONTENT:
            return None
        try:
            return response.json()
        except ValueError as error:
            raise ServerRefused(f"{self.server}: answered with something that is no board's; check --server") from error

    def _unreachable(self, error: httpx.HTTPError) -> ServerUnreachable:
        what = str(error) or type(error).__name__
        return ServerUnreachable(f"{self.server} does not answer ({what}); check the address, or try again later")

    def _refusal(self, response: httpx.Response) -> ServerRefused:
        code, message = "", f"{self.server}: status {response.status_code} without a reason; check --server"
        try:
            detail = response.json()["error"]
            code, message = str(detail["code"]), f"{detail['message']}\nnext: {detail['next']}"
        except (ValueError, KeyError, TypeError):
            pass
        after = response.headers.get("retry-after", "")
        wait_s = float(after) if after.isdigit() else None
        return ServerRefused(message, status=response.status_code, code=code, retry_after_s=wait_s)


def connect(server: str | None, token: str | None) -> Client:
    """Returns a client; what is None comes from the environment. Raises `InvalidArgument` where a server is missing."""
    server = server or os.environ.get(SERVER, "")
    if not server:
        raise InvalidArgument(f"server: expected the address of a board, got none; pass --server or set {SERVER}")
    return Client(server, token or os.environ.get(TOKEN, ""))


def checked_address(server: str) -> str:
    """Returns a board's address without a slash at its end; raises `InvalidArgument` for what is none."""
    try:
        parts = urlsplit(server)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and not parts.fragment
        _ = parts.port
    except ValueError:
        fits = False
    if not fits:
        raise InvalidArgument(f"server: expected an address like https://board.example.org, got {server[:200]!r}")
    if parts.username or parts.password:
        raise InvalidArgument("server: expected an address without a password in it; the token goes to --token")
    return server.rstrip("/")


def _part(name: str) -> str:
    """Returns a name as one part of a path."""
    from urllib.parse import quote

    if name in ("", ".", ".."):
        raise InvalidArgument(f"id: expected one that the board has given, got {name!r}")
    return quote(name, safe="")


def _model(kind: type[Model], record: Any) -> Model:
    try:
        return kind.model_validate(record)
    except ValidationError as error:
        raise ServerRefused(
            f"the server's answer is not what this version of envsuite expects ({kind.__name__}); update both"
        ) from error
