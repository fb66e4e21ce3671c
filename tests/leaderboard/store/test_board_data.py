from benchmarks.board_data import SUITE, fill
from boards import JOBS, count, submit, work

from envsuite.leaderboard.store import details, seasons, standings
from envsuite.leaderboard.store.views import Filters


def test_the_board_of_the_benchmark_is_one_that_pages_can_read(database, files):
    ids = fill(database, 120, 1200)
    assert count(database, "submissions") == 120
    assert count(database, "episodes") == 1200
    with database.read() as session:
        view = standings.board(session, SUITE)
        assert (view.total, view.pages, len(view.rows)) == (120, 3, 50)
        assert view.rows[0].rank == 1
        assert sum(row.rank is None for row in standings.board(session, SUITE, page=3).rows) == 12
        assert standings.board(session, SUITE, Filters(family="crafter", sort="family")).rows[0].family is not None
        detail = details.detail(session, ids[3])
        assert len(detail.tasks) == JOBS
        assert detail.submission.score["suite"] == SUITE
        assert len(details.compare(session, ids[0], ids[1]).episodes[0]) == 10
        assert details.task(session, detail.tasks[0].task_id).total == 120


def test_a_board_that_was_filled_goes_on_like_any_other(database, files):
    fill(database, 20, 200)
    with database.session() as session:
        seasons.row_of_season(session, "s1").closed_at = standings.utc_now()
        seasons.open_season(session, files, "s2")
    submit(database, files, "Team 1")
    assert work(database, files, jobs=JOBS) == JOBS
    with database.read() as session:
        assert standings.board(session, SUITE).total == 21
