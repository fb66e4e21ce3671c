"""What `make bench-check` calls too slow."""

import copy

import pytest
from benchmarks.bench import fallen

COMMITTED = {
    "rows": {"crafter": {"ratio": 10.0}, "web": {"ratio": 16.0, "floor": 15.0}},
    "costs": [
        {"name": "intervals", "ratio": 24.0, "floor": 20.0},
        {"name": "small intervals", "ratio": 30.0, "floor": None},
        {"name": "page", "value": 28.0, "unit": "milliseconds", "limit": 50.0},
    ],
}


def changed(name, number):
    record = copy.deepcopy(COMMITTED)
    row = record["rows"].get(name) or next(row for row in record["costs"] if row["name"] == name)
    row["ratio" if "ratio" in row else "value"] = number
    return record


@pytest.mark.parametrize(("name", "number"), [("crafter", 8.1), ("web", 15.0), ("intervals", 20.0), ("page", 50.0)])
def test_what_is_as_fast_as_it_must_be(name, number):
    assert fallen(changed(name, number), COMMITTED) == []


@pytest.mark.parametrize(
    ("name", "number"),
    [("crafter", 7.9), ("web", 14.9), ("intervals", 19.9), ("small intervals", 23.9), ("page", 50.1)],
)
def test_what_has_become_too_slow(name, number):
    (told,) = fallen(changed(name, number), COMMITTED)
    assert told.startswith(f"{name}: ")
    assert str(number) in told


def test_what_was_not_measured_is_told():
    told = fallen({"rows": {"crafter": {"ratio": 10.0}}, "costs": COMMITTED["costs"]}, COMMITTED)
    assert told == ["web: was not measured"]
