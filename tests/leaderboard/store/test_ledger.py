import threading
from datetime import UTC, datetime

import pytest
from boards import count, open_board
from sqlalchemy import text

from envsuite.errors import UnknownName
from envsuite.leaderboard.attest import check_chain
from envsuite.leaderboard.store import ledger


def append(database, files, subject: str) -> int:
    return database.run(lambda session: ledger.append_bytes(session, files, "note", subject, subject.encode()).index)


def test_entries_form_a_chain_that_the_servers_key_has_signed(database, files):
    with database.read() as session:
        assert ledger.head(session) is None
        assert ledger.entries(session) == []
    for number in range(5):
        assert append(database, files, f"note {number}") == number
    with database.read() as session:
        assert ledger.head(session) == 4
        check = check_chain(ledger.chain(session), [files.signer.public_key])
        assert check.ok
        assert check.length == 5
        assert [entry.subject for entry in ledger.entries(session, after=2)] == ["note 3", "note 4"]
        entry = ledger.get_entry(session, 3)
        assert files.blobs.get(entry.blob_sha256) == b"note 3"
        assert entry.entry["payload_sha256"] == entry.blob_sha256
        with pytest.raises(UnknownName, match="no entry 5; its last one is 4"):
            ledger.get_entry(session, 5)


def test_appends_at_once_never_fork(database, files):
    threads = [
        threading.Thread(target=lambda i=i: [append(database, files, f"{i} {j}") for j in range(5)]) for i in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        check = check_chain(ledger.chain(session), [files.signer.public_key])
        assert check.ok, check.reason
        assert check.length == 30


def test_an_append_that_is_rolled_back_leaves_no_gap(database, files):
    append(database, files, "kept")

    def stop_half_way(session):
        ledger.append_bytes(session, files, "note", "lost", b"lost")
        raise KeyError

    with pytest.raises(KeyError):
        database.run(stop_half_way)
    assert append(database, files, "next") == 1


@pytest.mark.parametrize("change", ["UPDATE ledger SET subject = 'x'", "DELETE FROM ledger", "TRUNCATE ledger"])
def test_the_database_refuses_to_change_history(database, files, change):
    open_board(database, files)
    with pytest.raises(Exception, match=r"(?i)append-only|syntax error"), database.session() as session:
        session.execute(text(change))
    assert count(database, "ledger", "subject = 's1'") == 1


def test_a_clock_that_was_set_back_does_not_turn_history_around(database, files, monkeypatch):
    append(database, files, "first")
    with database.read() as session:
        first = ledger.get_entry(session, 0).entry["at"]
    monkeypatch.setattr(ledger, "utc_now", lambda: datetime(2001, 1, 1, tzinfo=UTC))
    append(database, files, "second")
    with database.read() as session:
        assert ledger.get_entry(session, 1).entry["at"] == first
