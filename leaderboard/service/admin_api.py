"""The API of admins: accounts, tokens, seasons."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field

from envsuite.leaderboard.schemas import Record, Role, SeasonView, TokenView, UserView
from envsuite.leaderboard.service.auth import ADMIN, Admin
from envsuite.leaderboard.service.errors import documented
from envsuite.leaderboard.service.site import site_of
from envsuite.leaderboard.service.text import Id, Line, SeasonName
from envsuite.leaderboard.store import seasons, users

router = APIRouter(tags=["admin"], dependencies=[ADMIN])
ERRORS = documented(401, 403, 404, 409)


class NewUser(Record):
    """An account to be made."""

    name: Annotated[Line, Field(min_length=2, max_length=40)]
    role: Role = "submitter"


class UserChange(Record):
    """What changes of an account."""

    disabled: bool


class NewToken(Record):
    """Whose token is to be made."""

    user: Annotated[Line, Field(min_length=1, max_length=80)]
    """Id or name of the account."""


class NewSeason(Record):
    """A season to be opened."""

    name: SeasonName


class Users(Record):
    """A list of accounts."""

    users: list[UserView]


class Tokens(Record):
    """A list of tokens, without their secrets."""

    tokens: list[TokenView]


class TokenWithSecret(Record):
    """A new token."""

    token: TokenView
    secret: str
    """Shown this once; only its hash is kept."""


@router.get("/users", responses=ERRORS)
def list_users(request: Request) -> Users:
    """Returns all accounts, oldest first."""
    return Users(users=site_of(request).db.run(users.list_users, read=True))


@router.post("/users", status_code=201, responses=ERRORS)
def add_user(request: Request, new: NewUser) -> UserView:
    """Makes an account; it has no token yet."""
    site = site_of(request)
    with site.db.session() as session:
        return users.create_user(session, new.name, new.role)


@router.patch("/users/{user}", responses=ERRORS)
def change_user(
    request: Request, user: Annotated[Line, Path(min_length=1, max_length=80)], change: UserChange
) -> UserView:
    """Shuts an account out or lets it in again; its tokens stay as they are."""
    site = site_of(request)
    return site.db.run(lambda session: users.disable_user(session, user, change.disabled))


@router.get("/tokens", responses=ERRORS)
def list_tokens(request: Request, user: Annotated[Line | None, Query(min_length=1, max_length=80)] = None) -> Tokens:
    """Returns the tokens of an account, or of all."""
    site = site_of(request)
    return Tokens(tokens=site.db.run(lambda session: users.list_tokens(session, user), read=True))


@router.post("/tokens", status_code=201, responses=ERRORS)
def new_token(request: Request, admin: Admin, new: NewToken) -> TokenWithSecret:
    """Makes a token of an account."""
    site = site_of(request)
    with site.db.session() as session:
        token, secret = users.create_token(session, new.user)
    site.log.write("token-made", token=token.id, owner=token.user, by=admin.name)
    return TokenWithSecret(token=token, secret=secret)


@router.post("/tokens/{token}/revoke", responses=ERRORS)
def revoke_token(request: Request, admin: Admin, token: Id) -> TokenView:
    """Revokes a token: it is refused from the next request on, in whatever its holder is in the middle of."""
    site = site_of(request)
    view = site.db.run(lambda session: users.revoke_token(session, token))
    site.log.write("token-revoked", token=view.id, owner=view.user, by=admin.name)
    return view


@router.post("/seasons", status_code=201, responses=ERRORS)
def open_season(request: Request, new: NewSeason) -> SeasonView:
    """Opens a season: makes its secret and publishes the secret's hash."""
    site = site_of(request)
    with site.db.session() as session:
        return seasons.open_season(session, site.files, new.name)


@router.post("/seasons/{season}/close", responses=ERRORS)
def close_season(request: Request, season: Annotated[SeasonName, Path()]) -> SeasonView:
    """Closes a season and publishes its secret; while evaluations wait or run (409), lets it take no new ones."""
    site = site_of(request)
    site.db.run(lambda session: seasons.drain_season(session, season))
    return site.db.run(lambda session: seasons.close_season(session, site.files, season))
