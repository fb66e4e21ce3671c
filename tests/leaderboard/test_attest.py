import contextlib
import hashlib
import json
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envsuite.errors import InvalidArgument, NotVerified
from envsuite.leaderboard.attest import (
    FIRST,
    KEY,
    RESULT,
    Entry,
    Signer,
    canonical,
    chain_lines,
    check_chain,
    next_entry,
    next_key,
    read_chain,
)

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
SIGNER = Signer.generate()


def chain(length=5, signer=SIGNER, previous=None, at=NOW):
    entries = [previous] if previous else []
    for i in range(length):
        entries.append(next_entry(entries[-1] if entries else None, RESULT, f"r{i}", b"%d" % i, at, signer))
    return entries[1:] if previous else entries


def check(entries, *signers):
    return check_chain(entries, [signer.public_key for signer in signers or (SIGNER,)])


def test_an_entry_says_what_it_is_over_and_what_it_follows():
    first, second = chain(2)
    assert (first.index, first.previous, first.at) == (0, FIRST, "2026-01-31T12:00:00Z")
    assert first.payload_sha256 == hashlib.sha256(b"0").hexdigest()
    assert (second.index, second.previous) == (1, hashlib.sha256(canonical(first.to_json())).hexdigest())
    assert second.is_signed_by(SIGNER.public_key)
    assert not second.is_signed_by(Signer.generate().public_key)
    with pytest.raises(FrozenInstanceError):
        first.index = 7


def test_a_hash_may_stand_for_a_payload_too_large_to_hold():
    digest = hashlib.sha256(b"many bytes").hexdigest()
    assert next_entry(None, RESULT, "r", digest, NOW, SIGNER) == next_entry(
        None, RESULT, "r", b"many bytes", NOW, SIGNER
    )


def test_times_are_kept_in_utc():
    paris = NOW.astimezone(timezone(timedelta(hours=1)))
    assert next_entry(None, RESULT, "r", b"", paris, SIGNER).at == "2026-01-31T12:00:00Z"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "Result"}, "kind"),
        ({"kind": ""}, "kind"),
        ({"subject": ""}, "subject"),
        ({"subject": "x" * 501}, "subject"),
        ({"subject": "\ud800"}, "canonical JSON"),
        ({"payload": "ab"}, "payload_sha256"),
        ({"payload": "AB" * 32}, "payload_sha256"),
        ({"at": datetime(2026, 1, 1)}, "time with its zone"),  # that is what is tested
    ],
)
def test_what_an_entry_cannot_hold_is_refused(changes, message):
    arguments = {"kind": RESULT, "subject": "r", "payload": b"", "at": NOW, **changes}
    with pytest.raises(InvalidArgument, match=message):
        next_entry(None, signer=SIGNER, **arguments)


def test_plain_data_and_back():
    for entry in chain(3):
        assert Entry.from_json(json.loads(canonical(entry.to_json()))) == entry


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format", "envsuite-entry-2"),
        ("index", -1),
        ("index", 1.0),
        ("index", True),
        ("index", "0"),
        ("previous", "0" * 63),
        ("kind", "a b"),
        ("subject", None),
        ("payload_sha256", 3),
        ("at", "2026-01-31T12:00:00+00:00"),
        ("at", "2026-01-31T12:00:00.5Z"),
        ("at", "2026-02-31T12:00:00Z"),
        ("at", "yesterday"),
        ("key_id", "xyz"),
        ("signature", "AB" * 64),
        ("signature", "ab" * 64 + "\n"),
        ("more", 1),
    ],
)
def test_plain_data_that_is_no_entry_is_refused(field, value):
    with pytest.raises(NotVerified, match=field):
        Entry.from_json({**chain(1)[0].to_json(), field: value})


def test_a_missing_field_is_refused():
    record = chain(1)[0].to_json()
    for name in record:
        with pytest.raises(NotVerified, match="fields"):
            Entry.from_json({key: value for key, value in record.items() if key != name})
    with pytest.raises(NotVerified, match="list"):
        Entry.from_json([])


def test_a_whole_chain_holds():
    entries = chain(5)
    checked = check(entries)
    assert (checked.ok, checked.length, checked.head, checked.notes) == (True, 5, entries[-1].hash, ())


def test_an_empty_chain_holds():
    assert (check([]).ok, check([]).head) == (True, FIRST)


CHANGES = {
    "index": 9,
    "previous": "1" * 64,
    "kind": "other",
    "subject": "mine",
    "payload_sha256": "2" * 64,
    "at": "2020-01-01T00:00:00Z",
    "key_id": "3" * 16,
    "signature": "4" * 128,
}


@pytest.mark.parametrize("position", range(4))
@pytest.mark.parametrize("field", CHANGES)
def test_a_changed_field_is_found_where_it_is(position, field):
    entries = chain(4)
    entries[position] = replace(entries[position], **{field: CHANGES[field]})
    checked = check(entries)
    assert checked.broken == position
    assert checked.length == position
    assert field == "index" or "index" not in checked.reason


def test_every_field_has_a_change():
    assert set(CHANGES) == set(Entry.__slots__)


@given(st.permutations(range(5)))
@settings(deadline=None, max_examples=50)
def test_entries_out_of_order_are_found(order):
    entries = chain(5)
    first_moved = next((place for place, index in enumerate(order) if place != index), None)
    assert check([entries[i] for i in order]).broken == first_moved


@pytest.mark.parametrize("gone", range(4))
def test_a_missing_entry_is_found(gone):
    entries = chain(5)
    checked = check(entries[:gone] + entries[gone + 1 :])
    assert checked.broken == gone
    assert f"expected index {gone}, got {gone + 1}" in checked.reason


def test_a_repeated_entry_is_found():
    entries = chain(3)
    assert check([*entries[:2], entries[1], entries[2]]).broken == 2


def test_history_written_anew_does_not_lead_to_the_old_future():
    """Whoever has the key can sign another entry 1, and entry 2 still names the hash of the old one."""
    entries = chain(4)
    entries[1] = next_entry(entries[0], RESULT, "better", b"better", NOW, SIGNER)
    checked = check(entries)
    assert checked.broken == 2
    assert "hash of the entry before" in checked.reason


def test_another_boards_chain_is_found():
    checked = check(chain(2, Signer.generate()))
    assert checked.broken == 0
    assert "unknown here" in checked.reason
    assert check_chain(chain(1), []).broken == 0


def test_a_clock_that_jumps_back_is_noted_and_breaks_nothing():
    entries = chain(2)
    entries.append(next_entry(entries[-1], RESULT, "r", b"", NOW - timedelta(days=1), SIGNER))
    entries += chain(1, previous=entries[-1])
    checked = check(entries)
    assert checked.ok
    assert checked.notes == ("entry 2: the clock jumped back, from 2026-01-31T12:00:00Z to 2026-01-30T12:00:00Z",)


def test_a_key_hands_over_to_the_next():
    new, newest = Signer.generate(), Signer.generate()
    entries = chain(2)
    entries.append(next_key(entries[-1], new, NOW, SIGNER))
    entries += chain(2, new, entries[-1])
    entries.append(next_key(entries[-1], newest, NOW, new))
    entries += chain(1, newest, entries[-1])
    checked = check(entries)
    assert checked.ok
    assert set(checked.keys.values()) == {signer.public_key for signer in (SIGNER, new, newest)}
    assert check(entries, new).broken == 0


def test_a_key_that_has_handed_over_signs_nothing_more():
    new = Signer.generate()
    entries = chain(1)
    entries.append(next_key(entries[-1], new, NOW, SIGNER))
    entries += chain(1, SIGNER, entries[-1])
    checked = check(entries)
    assert checked.broken == 2
    assert "no longer in force" in checked.reason


def test_a_key_cannot_introduce_itself():
    new = Signer.generate()
    entries = chain(1)
    entries.append(next_key(entries[-1], new, NOW, new))
    assert check(entries).broken == 1


@pytest.mark.parametrize(
    ("subject", "payload"), [("new", b"new"), ("ab" * 32, b"other"), ("AB" * 32, bytes.fromhex("AB" * 32))]
)
def test_an_entry_of_kind_key_must_hold_one(subject, payload):
    checked = check([next_entry(None, KEY, subject, payload, NOW, SIGNER)])
    assert checked.broken == 0
    assert "not one new public key" in checked.reason


def test_handing_over_to_the_same_key_changes_nothing():
    entries = [next_key(None, SIGNER, NOW, SIGNER)]
    assert check(entries + chain(1, previous=entries[-1])).ok


def test_a_chain_is_written_and_read(tmp_path):
    path = tmp_path / "chain.jsonl"
    path.write_bytes(b"".join(chain_lines(chain(3))))
    assert list(read_chain(path)) == chain(3)
    assert path.read_bytes().count(b"\n") == 3


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data + b"\n",
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data.replace(b'"at":', b'"at": ', 1),
        lambda data: data + b"{}\n",
        lambda data: data + b'"' + b"x" * 20_000 + b'"\n',
    ],
    ids=["cut", "empty line", "CRLF", "BOM", "space", "another record", "long line"],
)
def test_a_file_that_is_no_chain_is_refused_with_the_line(spoil, tmp_path):
    path = tmp_path / "chain.jsonl"
    path.write_bytes(spoil(b"".join(chain_lines(chain(2)))))
    with pytest.raises(NotVerified, match=r"chain\.jsonl, line [123]:"):
        list(read_chain(path))


def test_every_byte_of_a_chain_matters(tmp_path):
    path = tmp_path / "chain.jsonl"
    data = b"".join(chain_lines(chain(2)))
    for position in range(len(data)):
        path.write_bytes(data[:position] + bytes([data[position] ^ 1 << position % 8]) + data[position + 1 :])
        with contextlib.suppress(NotVerified):
            assert not check(read_chain(path)).ok, position
