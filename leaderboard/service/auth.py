"""Who asks: tokens, roles, and how often."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from envsuite.errors import StoreUnavailable
from envsuite.leaderboard.schemas import Role, UserView
from envsuite.leaderboard.service.errors import Refused
from envsuite.leaderboard.service.limits import address_of, too_many
from envsuite.leaderboard.service.site import Site, site_of
from envsuite.leaderboard.store import users

MAX_TOKEN = 200
"""Characters of a token; more is no token of ours."""
WRONG_TOKEN_COST = 5.0
"""What a wrong token takes from its address's bucket, in requests."""
TOUCH_S = 60.0
"""A token's last use is written once in so many seconds."""
_bearer = HTTPBearer(auto_error=False, description="A token: `envsuite token new NAME` prints one.")


class _Touched:
    """Remembers which tokens' use was written lately, so that reading requests stay reading."""

    def __init__(self, keep: int = 10_000) -> None:
        self._at: OrderedDict[str, float] = OrderedDict()
        self._keep = keep
        self._lock = threading.Lock()

    def due(self, key: str) -> bool:
        now = time.monotonic()
        with self._lock:
            if now - self._at.get(key, float("-inf")) < TOUCH_S:
                return False
            self._at.pop(key, None)
            self._at[key] = now
            if len(self._at) > self._keep:
                self._at.popitem(last=False)
            return True


_touched = _Touched()


def visitor(request: Request) -> UserView | None:
    """Returns the account of the request's token, None where it has none; a wrong token is refused, not ignored.

    Raises `Refused` with 401 for a token that is unknown or revoked, now and not only when the session began, and
    with 429 for a caller who asks too often.
    """
    site = site_of(request)
    token = _token(request)
    if token is None:
        _slow_down(site, request)
        return None
    user = _authenticate(site, token)
    if user is None:
        _slow_down(site, request, WRONG_TOKEN_COST)
        raise Refused(
            401,
            "bad-token",
            "the token is unknown or was revoked",
            "Ask the board's admin for a new one, and pass it with --token or ENVSUITE_TOKEN.",
        )
    request.state.user = user.name
    buckets = site.by_worker if user.role == "worker" else site.by_token
    wait_s = buckets.take(hashlib.sha256(token.encode()).hexdigest()[:32])
    if wait_s:
        raise too_many(wait_s, "token")
    return user


def user(
    visitor: Annotated[UserView | None, Depends(visitor)],
    declared: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> UserView:
    """Returns the account of the request's token; raises `Refused` with 401 where there is none."""
    del declared  # only for the OpenAPI
    if visitor is None:
        raise Refused(
            401,
            "no-token",
            "this needs a token, and the request has none",
            "Send the header `Authorization: Bearer TOKEN`; the commands take --token or ENVSUITE_TOKEN.",
        )
    return visitor


def _role(*roles: Role) -> Any:
    """Returns the dependency of endpoints that only accounts with one of the roles may use."""

    def check(user: Annotated[UserView, Depends(user)]) -> UserView:
        if user.role not in roles:
            raise Refused(
                403,
                "not-your-role",
                f"this is for accounts with the role {' or '.join(roles)}, and {user.name} has {user.role}",
                "Use another account's token.",
            )
        return user

    return Depends(check)


Visitor = Annotated[UserView | None, Depends(visitor)]
"""Anybody; None without a token."""
User = Annotated[UserView, Depends(user)]
"""Anybody with a token."""
SUBMITTER = _role("submitter", "admin")
WORKER = _role("worker")
"""The only role that is ever told held-out seeds."""
ADMIN = _role("admin")
Submitter = Annotated[UserView, SUBMITTER]
Worker = Annotated[UserView, WORKER]
Admin = Annotated[UserView, ADMIN]


def page_reader(request: Request) -> None:
    """Returns when a page may be read; raises `Refused` with 429 for an address that reads too many."""
    site = site_of(request)
    address = address_of(request, trust_proxy=site.settings.trust_proxy)
    wait_s = site.by_page_reader.take(address)
    if wait_s:
        raise too_many(wait_s, "address")


def check_still_valid(request: Request) -> None:
    """Returns while the request's token is valid; raises `Refused` with 401 when it was revoked since it was checked.

    For the end of a long upload: what a revoked token has sent does not count.
    """
    token = _token(request)
    if token is not None and _authenticate(site_of(request), token) is None:
        raise Refused(
            401,
            "bad-token",
            "the token was revoked while the request was under way; nothing of it was kept",
            "Ask the board's admin for a new one.",
        )


def _token(request: Request) -> str | None:
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > MAX_TOKEN or not token.isascii():
        return "malformed"
    return token


def _authenticate(site: Site, token: str) -> UserView | None:
    user = site.db.run(lambda session: users.authenticate(session, token), read=True)
    if user is not None and _touched.due(hashlib.sha256(token.encode()).hexdigest()):
        try:
            with site.db.session() as session:
                users.touch_token(session, token)
        except StoreUnavailable as error:  # the request itself will tell
            site.log.error("touch-failed", error)
    return user


def _slow_down(site: Site, request: Request, cost: float = 1.0) -> None:
    wait_s = site.by_address.take(address_of(request, trust_proxy=site.settings.trust_proxy), cost)
    if wait_s:
        raise too_many(wait_s, "address")
