import pytest
from boards import EPISODES, JOBS, count, open_board, play_alike, submit, work
from sqlalchemy import select, text

from envsuite.catalogue import get_suite
from envsuite.errors import InvalidArgument, UnknownName
from envsuite.leaderboard.intervals import Estimate
from envsuite.leaderboard.ranking import rank
from envsuite.leaderboard.store import details, seasons, standings
from envsuite.leaderboard.store.models import SubmissionRow
from envsuite.leaderboard.store.views import Filters


@pytest.fixture
def board(database, files):
    """The database of a board with four scored submissions: two strong ones, a weak one, and a learned one."""
    open_board(database, files, ["ada", "bob"])
    learned = {"learned": True, "training_budget": {"steps": 1_000_000}, "runs": [{"weights": ["w"]}]}
    for name, user, good, more in (
        ("strong-1", "ada", True, {}),
        ("weak", "ada", False, {}),
        ("strong-2", "bob", True, {}),
        ("learned", "bob", True, learned),
    ):
        submit(database, files, user, name=name, **more)
        work(database, files, jobs=JOBS, playing=lambda offer, good=good: play_alike(offer, good))
        with database.session() as session:  # reproductions would come between
            session.execute(text("UPDATE evaluations SET state = 'cancelled' WHERE state = 'queued'"))
    return database


def read(database, suite="quick-v1", page=1, per_page=50, **filters):
    with database.read() as session:
        return standings.board(session, suite, Filters(**filters), page=page, per_page=per_page)


def test_the_board_is_ordered_by_rank_and_tells_why_there_is_none(board):
    view = read(board)
    assert [row.name for row in view.rows] == ["strong-1", "strong-2", "weak", "learned"]
    assert [row.rank for row in view.rows] == [1, 1, 3, None]
    assert [row.rank_high for row in view.rows] == [2, 2, 3, None]
    assert "1 of the 5 training runs" in view.rows[3].unranked
    assert {row.trust for row in view.rows} == {"verified"}
    assert [row.tries for row in view.rows] == [2, 2, 2, 2]
    assert view.families == ["bipedal", "crafter", "metaworld", "miniwob", "nethack", "starcraft2"]
    assert view.head == 4
    assert view.season == "s1"
    assert {row.season for row in view.rows} == {"s1"}


def test_a_row_keeps_its_season_when_another_opens(board, files):
    with board.session() as session:
        seasons.close_season(session, files, "s1")
    closed = read(board)
    assert (closed.season, {row.season for row in closed.rows}) == (None, {"s1"})
    with board.session() as session:
        seasons.open_season(session, files, "s2")
    later = read(board)
    assert (later.season, {row.season for row in later.rows}) == ("s2", {"s1"})


def test_ranks_are_those_of_the_one_rule(board):
    rows = [row for row in read(board).rows if row.rank is not None]
    places = rank([Estimate(*row.iqm) for row in rows])
    assert [(row.rank_low, row.rank_high) for row in rows] == [tuple(place) for place in places]


def test_filters(board):
    assert [row.name for row in read(board, learned=True).rows] == ["learned"]
    assert [row.name for row in read(board, budget=1_000_000).rows] == ["learned"]
    assert read(board, budget=999_999).rows == []
    assert read(board, trust="reproduced").total == 0
    assert read(board, trust="verified").total == 4
    assert read(board, "core-v1").rows == []


def test_a_family_has_its_own_numbers_and_order(board):
    view = read(board, family="metaworld", sort="family")
    values = [row.family[0] for row in view.rows]
    assert values == sorted(values, reverse=True)
    assert view.rows[-1].name == "weak"
    assert read(board).rows[0].family is None
    with pytest.raises(InvalidArgument, match="family: expected one of bipedal, crafter"):
        read(board, family="chess")
    with pytest.raises(InvalidArgument, match="needs a family"):
        read(board, sort="family")


@pytest.mark.parametrize("sort", ["iqm", "mean", "median", "success_rate"])
def test_numbers_are_sorted_from_the_best(board, sort):
    values = [getattr(row, sort)[0] for row in read(board, sort=sort).rows]
    assert values == sorted(values, reverse=True)


def test_gaps_newest_and_names(board):
    gaps = [row.optimality_gap[0] for row in read(board, sort="optimality_gap").rows]
    assert gaps == sorted(gaps)
    assert [row.name for row in read(board, sort="newest").rows] == ["learned", "strong-2", "weak", "strong-1"]
    assert [row.name for row in read(board, sort="name").rows] == ["learned", "strong-1", "strong-2", "weak"]


def test_pages(board):
    first, second = read(board, per_page=3), read(board, page=2, per_page=3)
    assert (first.pages, first.total, len(first.rows), len(second.rows)) == (2, 4, 3, 1)
    assert read(board, page=99, per_page=3) == second
    for page, per_page in ((0, 50), (1, 0), (1, 201)):
        with pytest.raises(InvalidArgument, match="page: expected"):
            read(board, page=page, per_page=per_page)
    with pytest.raises(UnknownName, match="unknown suite"):
        read(board, "nonsense")


def test_an_empty_board(database):
    view = read(database)
    assert (view.rows, view.pages, view.total, view.head, view.season, view.updated_at) == ([], 1, 0, None, None, None)


def test_ranks_are_computed_anew_only_after_a_change(board):
    assert standings.refresh(board) == []
    with board.session() as session:
        standings.changed(session, "quick-v1")
    assert standings.refresh(board) == ["quick-v1"]
    assert standings.refresh(board) == []


def test_a_row_that_is_taken_off_is_gone_everywhere(board):
    with board.session() as session:
        standings.drop_score(session, session.scalars(select(SubmissionRow).order_by(SubmissionRow.number)).first())
    standings.refresh(board)
    view = read(board)
    assert [(row.name, row.rank) for row in view.rows] == [("strong-2", 1), ("weak", 2), ("learned", None)]
    assert count(board, "task_scores") == 3 * JOBS


def test_the_detail_of_a_submission(board):
    row = read(board).rows[0]
    with board.read() as session:
        detail = details.detail(session, row.submission)
        episodes = details.episodes(session, row.submission)
    assert detail.row == row
    assert detail.submission.name == "strong-1"
    assert {task.task_id for task in detail.tasks} == set(detail.outcomes) == set(get_suite("quick-v1").task_ids)
    assert detail.outcomes["envsuite/nethack-score-v1"] == {"terminated": 4}
    assert detail.timings["envsuite/nethack-score-v1"]["wall_s"] == pytest.approx(0.5)
    assert detail.ledger.index == row.ledger_index == 1
    assert detail.ledger.blob_sha256 == detail.evaluations[0].result_sha256
    assert len(episodes) == EPISODES
    assert episodes[0].record["trajectory"]
    assert episodes[0].actions_sha256


def test_a_tasks_best_entries(board):
    with board.read() as session:
        view = details.task(session, "envsuite/nethack-score-v1")
        few = details.task(session, "envsuite/nethack-score-v1", limit=1)
        with pytest.raises(UnknownName):
            details.task(session, "envsuite/nonsense-x-v1")
    assert [entry.name for entry in view.entries][-1] == "weak"
    assert view.entries[0].score == (250.0, 250.0, 250.0)
    assert "quick-v1" in view.suites
    assert (view.total, len(few.entries), few.total) == (4, 1, 4)


def test_two_submissions_side_by_side(board, files):
    ids = [row.submission for row in read(board).rows]
    with board.read() as session:
        view = details.compare(session, ids[0], ids[2])
    assert view.common_seeds
    assert (view.first.name, view.second.name) == ("strong-1", "weak")
    keys = [[(e.task_id, e.run, e.seed_index) for e in side] for side in view.episodes]
    assert keys[0] == keys[1] == sorted(keys[0])
    waiting = submit(board, files, suite="core-v1")
    with pytest.raises(InvalidArgument, match="two of one suite"), board.read() as session:
        details.compare(session, ids[0], waiting.id)
