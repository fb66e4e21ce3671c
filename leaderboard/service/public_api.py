"""The API that anybody may read: boards, ledger, seasons, suites, rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse, PlainTextResponse, StreamingResponse
from pydantic import Field

import envsuite
from envsuite.catalogue import SUITES, get_suite
from envsuite.errors import NotAllowed, UnknownName
from envsuite.leaderboard.attest import chain_lines
from envsuite.leaderboard.schemas import Record, SeasonView, Trust
from envsuite.leaderboard.service.auth import Visitor, visitor
from envsuite.leaderboard.service.errors import documented
from envsuite.leaderboard.service.site import Site, site_of
from envsuite.leaderboard.service.text import SuiteName
from envsuite.leaderboard.store import details, ledger, seasons, standings
from envsuite.leaderboard.store.views import BoardView, Filters, LedgerView, Sort
from envsuite.suites import HELD_OUT
from envsuite.task import Budget, Suite

router = APIRouter(tags=["board"], dependencies=[Depends(visitor)])
BLOB: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}
PEM_TYPE = "application/x-pem-file"
PEM: dict[int | str, dict[str, Any]] = {200: {"content": {PEM_TYPE: {"schema": {"type": "string"}}}}}
LINES: dict[int | str, dict[str, Any]] = {200: {"content": {"application/jsonl": {"schema": {"type": "string"}}}}}


class Suites(Record):
    """The suites that this board scores, each with its whole protocol."""

    suites: list[Suite]


class Seasons(Record):
    """All seasons, oldest first."""

    seasons: list[SeasonView]
    current: str | None
    """Name of the open one."""


class Ledger(Record):
    """A part of the chain."""

    entries: list[LedgerView]
    head: int | None
    """Index of the last entry of all."""


class Key(Record):
    """The server's public key."""

    key_id: str
    public_key: str
    """32 bytes in hexadecimal."""
    pem: str


class Rules(Record):
    """What the board demands, from the code that applies it."""

    version: str
    """Of envsuite: workers need the same."""
    held_out_split: str
    season: SeasonView | None
    default_budget: dict[str, float]
    """Of an agent in the sandbox, where its suite sets none."""
    limits: dict[str, float]
    """Of uploads and requests."""
    trust_levels: Annotated[list[Trust], Field(min_length=1)]
    """From least to most."""


@router.get("/boards/{suite}", responses=documented(401, 404))
def get_board(
    request: Request,
    suite: SuiteName,
    family: Annotated[str | None, Query(pattern=r"^[a-z0-9]{1,40}$")] = None,
    trust: Trust | None = None,
    budget: Annotated[float | None, Query(ge=0, allow_inf_nan=False)] = None,
    learned: bool | None = None,
    sort: Sort = "rank",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> BoardView:
    """Returns a page of a suite's board."""
    site = site_of(request)
    known = get_suite(suite)
    filters = Filters(family=family, trust=trust, budget=budget, learned=learned, sort=sort)
    return site.db.run(lambda session: standings.board(session, known.name, filters, page=page), read=True)


@router.get("/suites", responses=documented(401))
def list_suites() -> Suites:
    """Returns all suites."""
    return Suites(suites=list(SUITES.values()))


@router.get("/seasons", responses=documented(401))
def list_seasons(request: Request) -> Seasons:
    """Returns all seasons; the secrets of those that are closed."""
    site = site_of(request)
    views = site.db.run(seasons.list_seasons, read=True)
    return Seasons(seasons=views, current=next((view.name for view in views if view.closed_at is None), None))


@router.get("/ledger", responses=documented(401))
def get_ledger(
    request: Request,
    after: Annotated[int, Query(ge=-1, le=2**53, description="Index of the last entry known; -1 begins.")] = -1,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
) -> Ledger:
    """Returns entries of the chain, in order."""
    site = site_of(request)
    return site.db.run(
        lambda session: Ledger(entries=ledger.entries(session, after=after, limit=limit), head=ledger.head(session)),
        read=True,
    )


@router.get("/ledger.jsonl", response_class=StreamingResponse, responses={**documented(401), **LINES})
def get_chain(request: Request) -> StreamingResponse:
    """Returns the whole chain as the file that `envsuite verify --chain` takes."""
    return StreamingResponse(
        _chain(site_of(request)),
        media_type="application/jsonl",
        headers={"Content-Disposition": 'attachment; filename="ledger.jsonl"'},
    )


@router.get("/ledger/{index}/payload", response_class=FileResponse, responses={**documented(401, 404, 409), **BLOB})
def get_payload(
    request: Request, visitor: Visitor, index: Annotated[int, PathParameter(ge=0, le=2**53)]
) -> FileResponse:
    """Returns what an entry is over: of a result, its signed file."""
    site = site_of(request)
    view = site.db.run(lambda session: ledger.get_entry(session, index), read=True)
    published = site.db.run(lambda session: details.may_be_published(session, index), read=True)
    if not published and (visitor is None or visitor.role != "admin"):
        raise NotAllowed("payload: this result is published when the season of its seeds closes")
    path = None if view.blob_sha256 is None else site.files.blobs.path(view.blob_sha256)
    if path is None or not path.is_file():
        raise UnknownName(f"ledger entry {index}: the server keeps no payload of it")
    return FileResponse(path, media_type="application/octet-stream", filename=f"entry-{index}")


@router.get("/key", responses=documented(401))
def get_key(request: Request) -> Key:
    """Returns the public key that results are signed with."""
    signer = site_of(request).files.signer
    return Key(key_id=signer.key_id, public_key=signer.public_key.hex(), pem=signer.public_pem())


@router.get("/key.pem", response_class=PlainTextResponse, responses={**documented(401), **PEM})
def get_key_pem(request: Request) -> PlainTextResponse:
    """Returns the same key as the file that `envsuite verify --key` and OpenSSL take."""
    return PlainTextResponse(site_of(request).files.signer.public_pem(), media_type=PEM_TYPE)


@router.get("/rules", responses=documented(401))
def get_rules(request: Request) -> Rules:
    """Returns the rules as data."""
    site = site_of(request)
    return Rules(
        version=envsuite.__version__,
        held_out_split=HELD_OUT,
        season=site.db.run(seasons.current, read=True),
        default_budget=_plain(Budget()),
        limits=_plain(site.settings.limits),
        trust_levels=["self-reported", "validated", "verified", "reproduced"],
    )


def _chain(site: Site) -> Iterator[bytes]:
    with site.db.read() as session:
        yield from chain_lines(ledger.chain(session))


def _plain(record: Any) -> dict[str, float]:
    return {name: float(value) for name, value in asdict(record).items()}
