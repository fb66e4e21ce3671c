"""Uploads: a body streamed to the disk, whether it is the file itself or a form with the file in it."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from envsuite.leaderboard.service.errors import Refused
from envsuite.leaderboard.service.site import Site, site_of

RAW = ("application/zip", "application/octet-stream")
FORM = "multipart/form-data"
_CHUNK = 2**20

BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The archive itself, or a form with it in the field `file`.",
        "content": {
            "application/zip": {"schema": {"type": "string", "format": "binary"}},
            FORM: {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "string", "format": "binary"}},
                    "required": ["file"],
                }
            },
        },
    }
}
"""Of an endpoint that takes an upload, for its OpenAPI."""


@contextlib.asynccontextmanager
async def received(request: Request, largest: int) -> AsyncIterator[Path]:
    """Yields a file with what was uploaded, at most `largest` bytes; it is removed at the end.

    Raises `Refused` for another type of content, for a body that is larger, slower or broken off, and for a disk
    without room for it.
    """
    site = site_of(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (*RAW, FORM):
        raise Refused(
            415,
            "unsupported-media-type",
            f"Content-Type: expected {', '.join(RAW)} or {FORM}, got {kind[:80] or 'none'}",
            "Send the zip file as it is, with `Content-Type: application/zip`.",
        )
    _require_room(site, request)
    folder = site.settings.home / "uploads"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / secrets.token_hex(16)
    try:
        with path.open("xb") as file:
            try:
                if kind == FORM:
                    await _from_form(request, file, largest)
                else:
                    await _from_body(request, file, largest)
            except ClientDisconnect as error:
                raise Refused(400, "broken-off", "the upload broke off in the middle", "Send it again.") from error
        yield path
    finally:
        path.unlink(missing_ok=True)


def clear(site: Site) -> None:
    """Removes what uploads under way have left when the server was killed."""
    for path in (site.settings.home / "uploads").glob("*"):
        path.unlink(missing_ok=True)


def _require_room(site: Site, request: Request) -> None:
    told = request.headers.get("content-length", "0")
    coming = int(told) if told.isascii() and told.isdigit() else 0
    if site.disk_free_bytes - coming < site.settings.disk_reserve_bytes:
        raise Refused(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "disk-full",
            "the server has no room for this upload; nothing of it was kept",
            "Tell the board's admin, and send it again later.",
            retry_after_s=600.0,
        )


async def _from_body(request: Request, file: BinaryIO, largest: int) -> None:
    got = 0
    async for piece in request.stream():
        got += len(piece)
        if got > largest:
            raise _too_large(largest)
        await run_in_threadpool(file.write, piece)


async def _from_form(request: Request, file: BinaryIO, largest: int) -> None:
    parser = MultiPartParser(request.headers, request.stream(), max_files=1, max_fields=4, max_part_size=4096)
    try:
        form = await parser.parse()
    except (MultiPartException, UnicodeError, KeyError, ValueError) as error:
        raise Refused(
            400, "bad-form", "the form cannot be read", "Send one file in the field `file`, or the zip file as it is."
        ) from error
    try:
        upload = form.get("file")
        if not isinstance(upload, UploadFile):
            raise Refused(422, "no-file", "the form has no file in its field `file`", "Put the zip file there.")
        got = 0
        while piece := await upload.read(_CHUNK):
            got += len(piece)
            if got > largest:
                raise _too_large(largest)
            await run_in_threadpool(file.write, piece)
    finally:
        await form.close()


def _too_large(largest: int) -> Refused:
    return Refused(
        413, "too-large", f"file: expected at most {largest} bytes, got more", "Leave out what is not needed."
    )
