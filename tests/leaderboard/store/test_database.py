import stat
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from boards import count, open_board
from sqlalchemy import inspect, text

from envsuite.errors import InvalidArgument, StoreUnavailable
from envsuite.leaderboard.store import users
from envsuite.leaderboard.store.database import Database
from envsuite.leaderboard.store.models import Base


@pytest.mark.parametrize(
    "url", ["", "board.sqlite", "mysql://u@h/d", "postgresql+psycopg2://u@h/d", "sqlite+aiosqlite:///x"]
)
def test_urls_of_other_databases_are_refused(url):
    with pytest.raises(InvalidArgument, match="expected sqlite:///FILE or postgresql\\+psycopg"):
        Database(url)


def test_the_file_of_sqlite_is_the_servers_alone(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'board.sqlite'}")
    database.upgrade()
    with database.session() as session:
        users.create_user(session, "ada")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    database.close()
    assert set(modes) >= {"board.sqlite", "board.sqlite-wal"}
    assert set(modes.values()) == {0o600}


def test_the_migrations_make_the_tables_of_the_models(database):
    with database.session() as session:
        context = MigrationContext.configure(session.connection())
        assert compare_metadata(context, Base.metadata) == []
        names = set(inspect(session.connection()).get_table_names())
    assert names == {*Base.metadata.tables, "alembic_version"}


def test_an_upgrade_of_what_is_new_already_changes_nothing(database, files):
    open_board(database, files)
    database.upgrade()
    assert count(database, "users") == 1


def test_upgrades_at_once_make_the_tables_once(tmp_path, request, needs):
    postgres = request.getfixturevalue("postgres")
    for url in (f"sqlite:///{tmp_path / 'new' / 'board.sqlite'}", postgres.new_database("upgrades")):
        databases = [Database(url) for _ in range(4)]
        errors = []

        def upgrade(one, errors=errors):
            try:
                one.upgrade()
            except Exception as error:  # noqa: BLE001  # shown by the assertion below
                errors.append(error)

        threads = [threading.Thread(target=upgrade, args=(one,)) for one in databases]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert count(databases[0], "queue_clock") == 1
        for one in databases:
            one.close()


def test_tables_of_a_newer_version_are_left_alone(database):
    with database.session() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreUnavailable, match="9999, made by a newer envsuite"):
        database.upgrade()


def test_a_session_commits_all_or_nothing(database):
    def stop_half_way(session):
        users.create_user(session, "ada")
        raise KeyError

    with pytest.raises(KeyError):
        database.run(stop_half_way)
    assert count(database, "users") == 0
    with database.session() as session:
        users.create_user(session, "ada")
    assert count(database, "users") == 1


def test_a_reading_session_sees_one_moment(database):
    with database.session() as session:
        users.create_user(session, "ada")
    with database.read() as reading:
        assert len(users.list_users(reading)) == 1
        with database.session() as session:
            users.create_user(session, "bob")
        assert len(users.list_users(reading)) == 1
    assert count(database, "users") == 2


def test_writers_wait_for_each_other_and_none_fails(database):
    with database.session() as session:
        session.execute(text("UPDATE queue_clock SET ticks = 0"))
    errors = []

    def add(times):
        try:
            for _ in range(times):
                with database.session() as session:
                    ticks = session.execute(text("SELECT ticks FROM queue_clock")).scalar_one()
                    assert ticks >= 0
                    session.execute(text("UPDATE queue_clock SET ticks = ticks + 1"))
        except Exception as error:  # noqa: BLE001  # shown by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=add, args=(20,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert count(database, "queue_clock", "ticks = 160") == 1


def test_sqlite_is_set_for_power_cuts_and_foreign_keys(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'board.sqlite'}")
    database.upgrade()
    with database.read() as session:
        values = [session.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")]
        assert values == ["wal", 2]
        assert session.execute(text("PRAGMA foreign_keys")).scalar() == 1
    database.close()


def test_a_full_database_is_an_error_that_keeps_what_was_there(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'board.sqlite'}")
    database.upgrade()
    with database.session() as session:
        users.create_user(session, "ada")

    def fill(session):
        pages = session.execute(text("PRAGMA page_count")).scalar()
        session.execute(text(f"PRAGMA max_page_count = {pages}"))
        for number in range(10_000):
            users.create_user(session, f"user {number}")

    with pytest.raises(StoreUnavailable, match="cannot write") as caught:
        database.run(fill)
    assert caught.value.__notes__ == ["database or disk is full"]
    assert count(database, "users") == 1
    database.close()


def test_a_full_disk_under_sqlite_is_an_error_and_the_board_goes_on_when_there_is_room(needs, tmp_path):
    needs("bwrap", Path("/usr/bin/bwrap").exists(), "apt-get install bubblewrap")
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from envsuite.errors import StoreUnavailable
        from envsuite.leaderboard.store import users
        from envsuite.leaderboard.store.database import Database
        folder = Path(sys.argv[1])
        database = Database(f"sqlite:///{folder / 'board.sqlite'}")
        database.upgrade()
        (folder / "ballast").write_bytes(bytes(500_000))
        with database.session() as session:
            users.create_user(session, "first")
        made = 1
        try:
            while True:
                with database.session() as session:
                    for _ in range(20):
                        users.create_user(session, f"user {made}")
                        made += 1
        except StoreUnavailable as error:
            print(error)
        with database.read() as session:
            kept = len(users.list_users(session))
        assert kept % 20 == 1 and kept < made, (kept, made)
        (folder / "ballast").unlink()
        with database.session() as session:
            users.create_user(session, "last")
        with database.read() as session:
            assert len(users.list_users(session)) == kept + 1
        database.close()
    """)
    folder = str(tmp_path)
    command = ["bwrap", "--dev-bind", "/", "/", "--size", "2097152", "--tmpfs", folder, sys.executable, "-c", script]
    done = subprocess.run([*command, folder], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "the database cannot write" in done.stdout


def test_a_database_that_is_not_there_is_told_after_a_while(tmp_path):
    database = Database(f"postgresql+psycopg://nobody@/none?host={tmp_path}", patience_s=0.3)
    with pytest.raises(StoreUnavailable, match="does not answer"):
        database.check()
    with pytest.raises(StoreUnavailable, match="Send it again in a moment"):
        database.run(lambda session: session.execute(text("SELECT 1")))
    database.close()


def test_a_transaction_is_run_again_after_its_connection_was_cut(postgres):
    database = Database(postgres.new_database("cut"))
    database.upgrade()
    calls = []

    def work(session):
        users.create_user(session, "ada")
        calls.append(session.execute(text("SELECT pg_backend_pid()")).scalar())
        if len(calls) == 1:
            with postgres.connect() as connection:
                connection.execute("SELECT pg_terminate_backend(%s)", calls)
        return users.create_user(session, "bob").name

    assert database.run(work) == "bob"
    assert len(set(calls)) == 2
    assert count(database, "users") == 2
    database.close()


def test_a_deadlock_is_resolved_by_running_one_again(postgres):
    database = Database(postgres.new_database("deadlock"))
    database.upgrade()
    with database.session() as session:
        for name in ("ada", "bob"):
            users.create_user(session, name)
    barrier = threading.Barrier(2, timeout=10)
    tries = []

    def swap(names):
        def work(session):
            tries.append(names)
            for name in names:
                users.row_of_user(session, name, lock=True).turn += 1
                session.flush()
                if len(tries) <= 2 and name == names[0]:
                    barrier.wait()

        database.run(work)

    threads = [threading.Thread(target=swap, args=(names,)) for names in (["ada", "bob"], ["bob", "ada"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tries) == 3
    assert count(database, "users", "turn = 2") == 2
    database.close()
