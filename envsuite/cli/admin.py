"""`envsuite user`, `token`, `season`, `queue`: what a board's admin does, over its API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import typer

from envsuite.cli.console import columns, error_console, print_plain
from envsuite.cli.submit import Server, Token

Who = Annotated[str, typer.Argument(help="Name or id of the account.")]


def add_user(
    name: Annotated[str, typer.Argument(help="2 to 40 letters and digits, with spaces, dots and hyphens inside.")],
    role: Annotated[str, typer.Option(help="submitter, worker or admin.")] = "submitter",
    server: Server = None,
    token: Token = None,
) -> None:
    """Make an account and its first token."""
    from envsuite.leaderboard.client import connect

    with connect(server, token) as client:
        user = client.add_user(name, role)
        _, secret = client.new_token(user.id)
    error_console.print(f"Account {user.name} ({user.role}); its token, shown this once:", markup=False)
    print_plain(secret)


def list_users(server: Server = None, token: Token = None) -> None:
    """List all accounts."""
    from envsuite.leaderboard.client import connect

    with connect(server, token) as client:
        users = client.users()
    rows = [("id", "name", "role", "since", "state")]
    rows += [(u.id, u.name, u.role, f"{u.created_at:%Y-%m-%d}", "disabled" if u.disabled else "") for u in users]
    _print(rows)


def disable_user(user: Who, server: Server = None, token: Token = None) -> None:
    """Shut an account out; its tokens are refused from now on."""
    _set_disabled(user, True, server, token)


def enable_user(user: Who, server: Server = None, token: Token = None) -> None:
    """Let an account in again."""
    _set_disabled(user, False, server, token)


def new_token(user: Who, server: Server = None, token: Token = None) -> None:
    """Make a token and print it, this once."""
    from envsuite.leaderboard.client import connect

    with connect(server, token) as client:
        view, secret = client.new_token(user)
    error_console.print(f"Token {view.id} of {view.user}, shown this once:", markup=False)
    print_plain(secret)


def revoke_token(
    token_id: Annotated[str, typer.Argument(help="Id of the token, as `envsuite token list` shows it.")],
    server: Server = None,
    token: Token = None,
) -> None:
    """Revoke a token; it is refused from now on, also in the middle of an upload or a job."""
    from envsuite.leaderboard.client import connect

    with connect(server, token) as client:
        view = client.revoke_token(token_id)
    print_plain(f"Token {view.id} of {view.user} is revoked.")


def list_tokens(
    user: Annotated[str | None, typer.Argument(help="Name or id of an account. [all]")] = None,
    server: Server = None,
    token: Token = None,
) -> None:
    """List tokens, without their secrets."""
    from envsuite.leaderboard.client import connect

    with connect(server, token) as client:
        tokens = client.tokens(user)
    rows = [("id", "account", "begins with", "made", "last used", "state")]
    rows += [
        (
            view.id,
            view.user,
            view.prefix,
            f"{view.created_at:%Y-%m-%d}",
            f"{view.last_used_at:%Y-%m-%d %H:%M}" if view.last_used_at else "never",
            "revoked" if view.revoked_at else "",
        )
        for view in tokens
    ]
    _print(rows)


def open_season(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits, dots and hyphens: 2026-1.")],
    server: Server = None,
    token: Token = None,
) -> None:
    """Open a season: a new secret, whose hash is published now."""
    from envsuite.leaderboard.client import connect

    with connect(server, token) as client:
        season = client.open_season(name)
    print_plain(f"Season {season.name} is open; the SHA-256 of its secret: {season.commitment}")


def close_season(
    name: Annotated[str, typer.Argument(help="Name of the season.")], server: Server = None, token: Token = None
) -> None:
    """Close a season and publish its secret, so that everybody can derive its seeds."""
    from envsuite.leaderboard.client import connect

    with connect(server, token) as client:
        season = client.close_season(name)
    print_plain(f"Season {season.name} is closed; its secret: {season.secret}")


def list_seasons(server: Server = None, token: Token = None) -> None:
    """List all seasons with their commitments, and the secrets of those that are closed."""
    from envsuite.leaderboard.client import connect

    with connect(server, token) as client:
        seasons = client.seasons()
    rows = [("name", "opened", "closed", "commitment", "secret")]
    rows += [
        (
            season.name,
            f"{season.opened_at:%Y-%m-%d}",
            f"{season.closed_at:%Y-%m-%d}" if season.closed_at else "",
            season.commitment,
            season.secret or "",
        )
        for season in seasons
    ]
    _print(rows)


def requeue(
    submission: Annotated[str, typer.Argument(help="Id of a submission that has failed by the server's fault.")],
    server: Server = None,
    token: Token = None,
) -> None:
    """Put a failed evaluation into the queue again, once its cause is mended."""
    from envsuite.leaderboard.client import connect

    with connect(server, token) as client:
        view = client.requeue(submission)
    print_plain(f"Submission {view.id} is {view.state}.")


def _set_disabled(user: str, disabled: bool, server: str | None, token: str | None) -> None:
    from envsuite.leaderboard.client import connect

    with connect(server, token) as client:
        view = client.set_disabled(user, disabled)
    print_plain(f"Account {view.name} is {'disabled' if view.disabled else 'enabled'}.")


def _print(rows: Sequence[tuple[str, ...]]) -> None:
    for line in columns(rows):
        print_plain(line)


USER: Mapping[str, Callable[..., None]] = {
    "add": add_user,
    "list": list_users,
    "disable": disable_user,
    "enable": enable_user,
}
TOKEN: Mapping[str, Callable[..., None]] = {"new": new_token, "list": list_tokens, "revoke": revoke_token}
SEASON: Mapping[str, Callable[..., None]] = {"open": open_season, "list": list_seasons, "close": close_season}
