"""Migrations of the store's tables (Alembic); configured here, without an `alembic.ini`."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from envsuite.errors import StoreUnavailable


def upgrade(connection: Connection) -> None:
    """Brings the tables to the newest revision, in the connection's transaction.

    Raises `StoreUnavailable` for tables of a revision that this version does not know.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    current = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise StoreUnavailable(
            f"the database has tables of revision {current}, made by a newer envsuite; upgrade this one: "
            'pip install --upgrade "envsuite[leaderboard]"'
        )
    command.upgrade(config, "head")
