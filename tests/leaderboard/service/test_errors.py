"""Every answer that is an error says what to do next."""

import pytest

from envsuite.errors import NotAllowed, UnknownName
from envsuite.leaderboard.service.errors import answer


@pytest.mark.parametrize(
    ("error", "status", "then"),
    [
        (NotAllowed("season: one is open"), 409, "Do what the message names first"),
        (UnknownName("unknown submission 'x'"), 404, "`envsuite submissions` and the board's pages show those"),
    ],
    ids=["not allowed", "unknown name"],
)
def test_the_next_step_is_one_that_can_be_taken(error, status, then):
    refused = answer(error)
    assert (refused.status_code, refused.detail) == (status, str(error))
    assert then in refused.then
