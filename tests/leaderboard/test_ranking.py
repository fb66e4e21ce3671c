import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from score_records import incomplete, suite_score

from envsuite.leaderboard import ranking
from envsuite.leaderboard.intervals import Estimate, difference
from envsuite.leaderboard.ranking import Rank, rank, why_unranked


def around(value, below, above):
    return Estimate(value, value - below, value + above)


def entries(count, seed=1):
    rng = np.random.default_rng(seed)
    return [around(*map(float, row)) for row in np.column_stack([rng.random(count), rng.random((count, 2)) * 0.2])]


ESTIMATES = st.lists(
    st.builds(around, st.integers(0, 12), st.sampled_from((0, 1, 2, 5)), st.sampled_from((0, 1, 3))), max_size=12
)


def surely(x, y):
    return difference(x, y).low > 0


def by_definition(estimates):
    n = len(estimates)
    return tuple(
        Rank(1 + sum(surely(other, own) for other in estimates), n - sum(surely(own, other) for other in estimates))
        for own in estimates
    )


@given(ESTIMATES)
def test_ranks_are_those_of_the_definition_and_order_what_can_be_told_apart(estimates):
    ranks = rank(estimates)
    assert ranks == by_definition(estimates)
    for (x, of_x), (y, of_y) in itertools.permutations(zip(estimates, ranks, strict=True), 2):
        assert 1 <= of_x.rank <= of_x.last <= len(estimates)
        if surely(x, y):
            assert of_x.rank < of_y.rank
            assert of_x.last < of_y.last
        elif not surely(y, x):
            assert of_x.rank < of_y.last
            assert of_y.rank < of_x.last


def test_rounding_tells_nobody_apart():
    third = Estimate(0.1 + 0.2, 0.1 + 0.2, 0.1 + 0.2)
    assert rank([third, Estimate(0.3, 0.3, 0.3), Estimate(0.2, 0.2, 0.2)]) == (Rank(1, 2), Rank(1, 2), Rank(3, 3))


def test_blocks_change_nothing(monkeypatch):
    estimates = entries(300)
    whole = rank(estimates)
    assert whole == by_definition(estimates)
    monkeypatch.setattr(ranking, "BLOCK", 7)
    assert rank(estimates) == whole


def test_the_order_of_the_entries_does_not_matter():
    estimates = entries(40)
    assert rank(estimates[::-1]) == rank(estimates)[::-1]


def test_ten_thousand_entries_are_ranked_without_a_matrix_of_all_pairs():
    estimates = entries(10_000)
    ranks = rank(estimates)
    for index in (0, 17, 5000, 9999):
        own = estimates[index]
        assert ranks[index].rank == 1 + sum(surely(other, own) for other in estimates)
        assert ranks[index].last == 10_000 - sum(surely(own, other) for other in estimates)


def test_told_apart_is_not_transitive_the_other_way_round():
    best, middle, last = (around(value, 0.1, 0.1) for value in (1.0, 0.9, 0.8))
    assert rank([best, middle, last]) == (Rank(1, 2), Rank(1, 3), Rank(2, 3))


def test_ranks_are_shown_with_their_interval_where_it_has_a_width():
    assert [str(place) for place in rank([around(2, 0, 0), around(1, 1, 0), around(1, 0, 1)])] == ["1-2", "2-3", "1-3"]
    assert [str(place) for place in rank([around(1, 0, 0)])] == ["1"]
    assert rank([]) == ()


@pytest.mark.parametrize("wrong", [(0.5, 0.6, 0.7), (0.5, 0.4, 0.45), (float("nan"), 0.0, 1.0)])
def test_what_is_no_estimate_is_an_error(wrong):
    with pytest.raises(ValueError, match="low <= value <= high"):
        rank([Estimate(*wrong)])


@pytest.mark.parametrize(
    ("score", "reason"),
    [
        (suite_score("a"), None),
        (suite_score("a", learned=True, runs=5), None),
        (suite_score("a", learned=True, runs=4), "4 of the 5 training runs"),
        (suite_score("a", None), "no normalised aggregate"),
        (incomplete("a"), "3 of the suite's episodes"),
    ],
)
def test_who_takes_no_rank_is_told_why(score, reason):
    told = why_unranked(score)
    assert (told is None) if reason is None else reason in told
