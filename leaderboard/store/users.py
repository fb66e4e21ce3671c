"""Accounts and tokens."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from datetime import timedelta
from typing import get_args

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from envsuite.errors import InvalidArgument, NotAllowed, UnknownName
from envsuite.leaderboard.schemas import Role, TokenView, UserView
from envsuite.leaderboard.store.models import TokenRow, UserRow
from envsuite.leaderboard.store.types import utc_now
from envsuite.leaderboard.store.upsert import insert_new

PREFIX = "envsuite_"
"""How every token begins, so that people and scanners of leaked secrets know it."""
SHOWN = len(PREFIX) + 4
"""Characters of a token that lists show."""
USED_GRAIN = timedelta(minutes=1)
"""A token's last use is written at most so often: a write per request would cost more than most requests."""
NAME_LENGTH = 40
_MIXED = {"CJK", "HIRAGANA", "KATAKANA", "HANGUL"}
"""Scripts that are written together, by the first word of their characters' Unicode names."""


def create_user(session: Session, name: str, role: Role = "submitter") -> UserView:
    """Returns the new account.

    Raises `InvalidArgument` for a name that could be mistaken for another or for markup (see `checked_name`), and
    `NotAllowed` for one that is taken, upper and lower case alike.
    """
    if role not in get_args(Role):
        raise InvalidArgument(f"role: expected one of {get_args(Role)}, got {role!r}")
    name = checked_name(name)
    values = {"id": secrets.token_hex(8), "name": name, "name_key": name.casefold(), "role": role}
    if not insert_new(session, UserRow, {**values, "disabled": False, "turn": 0, "created_at": utc_now()}):
        raise NotAllowed(f"name: {name!r} is taken; choose another one")
    return get_user(session, values["id"])


def checked_name(name: str) -> str:
    """Returns the name in normal form NFKC.

    Takes 2 to 40 letters and digits of one script, with single spaces, dots, underscores and hyphens inside; raises
    `InvalidArgument` for anything else: control characters, invisible ones, markup, letters of several scripts.
    """
    normal = unicodedata.normalize("NFKC", name)
    inner = set(" ._-")
    letters = [character for character in normal if character not in inner]
    fits = (
        2 <= len(normal) <= NAME_LENGTH
        and bool(letters)
        and all(unicodedata.category(character) in ("Lu", "Ll", "Lo", "Lm", "Mn", "Mc", "Nd") for character in letters)
        and normal[0] not in inner
        and normal[-1] not in inner
        and "  " not in normal
        and _one_script(letters)
    )
    if not fits:
        raise InvalidArgument(
            f"name: expected 2 to {NAME_LENGTH} letters and digits of one script, with spaces, dots, underscores and "
            f"hyphens inside, got {name[:80]!r}"
        )
    return normal


def _one_script(letters: list[str]) -> bool:
    scripts = {unicodedata.name(c, "NONE").split()[0] for c in letters if unicodedata.category(c)[0] == "L"}
    digits = {unicodedata.name(c, "NONE").split()[0] for c in letters if unicodedata.category(c)[0] == "N"}
    return (len(scripts) <= 1 or scripts <= _MIXED) and (not digits or digits == {"DIGIT"})


def get_user(session: Session, user: str) -> UserView:
    """Returns the account of an id or a name; raises `UnknownName`."""
    return _user_view(row_of_user(session, user))


def list_users(session: Session) -> list[UserView]:
    """Returns all accounts, oldest first."""
    return [_user_view(user) for user in session.scalars(select(UserRow).order_by(UserRow.number))]


def disable_user(session: Session, user: str, disabled: bool = True) -> UserView:
    """Returns the account, whose tokens are refused from now on, or taken again."""
    row = row_of_user(session, user)
    row.disabled = disabled
    session.flush()
    return _user_view(row)


def create_token(session: Session, user: str) -> tuple[TokenView, str]:
    """Returns a new token of an account (id or name) and its secret, which is nowhere kept: only its SHA-256 is."""
    owner = row_of_user(session, user)
    secret = PREFIX + secrets.token_urlsafe(32)
    token = TokenRow(
        id=secrets.token_hex(8), user=owner.number, prefix=secret[:SHOWN], sha256=_digest(secret), created_at=utc_now()
    )
    session.add(token)
    session.flush()
    return _token_view(token, owner.name), secret


def authenticate(session: Session, secret: str) -> UserView | None:
    """Returns the account that a token belongs to; None for one that is unknown, revoked, or of a disabled account.

    Works in sessions of both kinds; one that only reads leaves `last_used_at` as it is (see `touch_token`).
    """
    digest = _digest(secret)
    found = session.execute(
        select(TokenRow, UserRow).join(UserRow, UserRow.number == TokenRow.user).where(TokenRow.sha256 == digest)
    ).one_or_none()
    if found is None:
        return None
    token, user = found
    if not hmac.compare_digest(token.sha256, digest) or token.revoked_at is not None or user.disabled:
        return None
    return _user_view(user)


def touch_token(session: Session, secret: str) -> None:
    """Notes that a token was used now, at most once a minute."""
    now = utc_now()
    session.execute(
        update(TokenRow)
        .where(
            TokenRow.sha256 == _digest(secret),
            TokenRow.last_used_at.is_(None) | (TokenRow.last_used_at < now - USED_GRAIN),
        )
        .values(last_used_at=now)
    )


def list_tokens(session: Session, user: str | None = None) -> list[TokenView]:
    """Returns the tokens of an account (id or name), or of all, oldest first; revoked ones among them."""
    query = select(TokenRow, UserRow.name).join(UserRow, UserRow.number == TokenRow.user).order_by(TokenRow.number)
    if user is not None:
        query = query.where(TokenRow.user == row_of_user(session, user).number)
    return [_token_view(token, name) for token, name in session.execute(query)]


def revoke_token(session: Session, token: str) -> TokenView:
    """Returns the token of an id, which is refused from now on; raises `UnknownName`."""
    found = session.execute(
        select(TokenRow, UserRow.name).join(UserRow, UserRow.number == TokenRow.user).where(TokenRow.id == token)
    ).one_or_none()
    if found is None:
        raise UnknownName(f"unknown token {token!r}; `envsuite token list` shows the ids")
    row, name = found
    row.revoked_at = row.revoked_at or utc_now()
    session.flush()
    return _token_view(row, name)


def row_of_user(session: Session, user: str, *, lock: bool = False) -> UserRow:
    """Returns the row of an id or a name, for the store's own use; raises `UnknownName`."""
    key = unicodedata.normalize("NFKC", user).casefold()
    query = select(UserRow).where((UserRow.id == user) | (UserRow.name_key == key)).order_by(UserRow.id != user)
    if lock:
        query = query.with_for_update()
    row = session.scalars(query).first()
    if row is None:
        raise UnknownName(f"unknown account {user[:80]!r}; `envsuite user list` shows all")
    return row


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _user_view(user: UserRow) -> UserView:
    return UserView.model_validate(
        {"id": user.id, "name": user.name, "role": user.role, "created_at": user.created_at, "disabled": user.disabled}
    )


def _token_view(token: TokenRow, user: str) -> TokenView:
    return TokenView(
        id=token.id,
        user=user,
        prefix=token.prefix,
        created_at=token.created_at,
        last_used_at=token.last_used_at,
        revoked_at=token.revoked_at,
    )
