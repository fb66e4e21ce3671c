"""The pages over HTTP: what they show, how they refuse, and that text stays text."""

import contextlib
import re

import httpx
import pytest

pytest.importorskip("fastapi")

from board_filling import HOSTILE
from board_reading import board, fetch, get
from html_page import Page

from envsuite.leaderboard.relinked import Relinked
from envsuite.leaderboard.service.pages import HEADERS

__all__ = ["board", "fetch", "get"]


def every_page(board):
    return [
        *("/", "/boards/quick-v1", "/boards/core-v1", "/tasks", "/tasks/crafter-reward-v1", "/rules", "/ledger"),
        *(f"/submissions/{identity}" for identity in board.ids.values()),
        f"/compare?a={board.ids['dream-planner']}&b={board.ids['random']}",
    ]


def test_every_page_is_well_formed_and_can_be_read_by_a_screen_reader(board, get):
    for address in every_page(board):
        page = get(address)
        assert page.all("html") == [{"lang": "en"}]
        for landmark in ("header", "main", "footer", "h1"):
            assert len(page.all(landmark)) == 1, (address, landmark)
        assert page.all("title")[0] == {}
        assert page.all("a")[0]["href"] == "#main", "the first link skips the navigation"
        assert all("scope" in own for own in page.all("th")), address
        assert all("alt" in own for own in page.all("img")), address
        assert len(page.all("table")) == len(page.all("caption")), address
        assert all("aria-label" in own or "aria-labelledby" in own for own in page.all("nav")), address
        graphics = page.all("svg")
        told = ("aria-label", "aria-labelledby", "aria-hidden", "x", "viewbox")  # nested ones are a part of another
        assert all(any(name in own for name in told) for own in graphics), address
        ids = [own["id"] for _, own in page.elements if "id" in own]
        assert len(ids) == len(set(ids)), address


def test_every_page_forbids_what_is_not_a_file_of_the_server(board):
    with _client(board) as client:
        for address in every_page(board):
            headers = client(address).headers
            for name, value in HEADERS.items():
                assert headers[name] == value, address
    assert "unsafe" not in HEADERS["Content-Security-Policy"]


@contextlib.contextmanager
def _client(board):
    """Yields a function that gives whole answers, headers included."""
    import asyncio
    import io

    from envsuite.leaderboard.service.app import create_app
    from envsuite.leaderboard.service.logs import Log
    from envsuite.leaderboard.service.settings import Settings

    with asyncio.Runner() as runner:
        app = create_app(Settings(home=board.home), log=Log(io.StringIO()))
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://board.example")
        yield lambda address: runner.run(client.get(address))
        runner.run(client.aclose())
        app.state.site.close()


def test_hostile_text_is_text_in_every_field(board, get):
    page = get(f"/submissions/{board.ids['hostile']}")
    assert page.shown.count(HOSTILE) >= 8
    others = get(f"/submissions/{board.ids['scripted-core']}")
    assert len(page.all("script")) == len(others.all("script"))
    assert page.all("img") == []
    names = {name for _, own in others.elements for name in own}
    assert {name for _, own in page.elements for name in own} <= names | {"rel"}
    for own in page.all("a"):
        assert re.match(r"(/|#|https://example\.org/)", own["href"]), own
    good = [own for own in page.all("a") if own["href"].startswith("https:")]
    assert good == [{"href": 'https://example.org/?a=<b>&c="d"', "rel": "nofollow noopener ugc"}]


def test_hostile_text_is_text_on_boards_tasks_comparisons_and_in_reasons(board, get):
    for address in (
        "/",
        "/boards/quick-v1",
        "/tasks/bipedal-flat-v1",
        f"/compare?a={board.ids['hostile']}&b={board.ids['random']}",
        f"/submissions/{board.ids['rejected']}",
        f"/submissions/{board.ids['dream-planner']}",
    ):
        page = get(address)
        assert HOSTILE in page.shown or address == "/", address
        assert all(own.get("src", "").startswith("/static/") for own in page.all("script")), address
        assert page.all("img") == [], address


def test_hostile_addresses_are_answered_with_a_page_that_shows_them_as_text(get):
    for address, status in (
        ("/boards/%3Cscript%3Ealert(1)%3C%2Fscript%3E", 404),
        ("/submissions/%3Cscript%3E", 404),
        ("/tasks/..%2F..%2Fetc%2Fpasswd", 404),
        ("/boards/quick-v1?trust=%3Cscript%3E", 400),
        ("/boards/quick-v1?sort=x&nonsense=1", 400),
        ("/boards/quick-v1?utm_source=%3Cscript%3E", 200),
        ("/boards/quick-v1?utm_source=x&learned=perhaps", 400),
        ("/boards/quick-v1?page=0", 400),
        ("/boards/quick-v1?page=99999999999999999999", 400),
        ("/boards/quick-v1?budget=nan", 400),
        ("/boards/quick-v1?family=nowhere", 400),
        ("/ledger?page=-1", 400),
        ("/ledger?entry=x", 400),
        ("/compare", 400),
        ("/compare?a=x&b=y", 404),
        ("/nothing/here", 404),
        ("/static/..%2Fpages.py", 404),
        ("/static/theme.css%00", 404),
    ):
        page = get(address, status)
        assert "<script>" not in "".join(str(own) for own in page.elements)


def test_the_board_ranks_and_says_why_others_are_not_ranked(board, get):
    page = get("/boards/quick-v1")
    for expected in ("dream-planner", "scripted-core", "verified", "Not ranked", "1 of the 5 training runs", "IQM"):
        assert expected in page.shown
    body = page.shown
    assert body.index("dream-planner") < body.index("random") < body.index("Not ranked") < body.index("one-lucky-run")
    sorted_column = [own for own in page.all("th") if "aria-sort" in own]
    assert [own["aria-sort"] for own in sorted_column] == ["ascending"]


def test_an_interval_is_drawn_where_its_numbers_are(board, fetch):
    text = fetch("/boards/quick-v1").content.decode()
    row = re.search(r"<tr[^>]*>(?:(?!</tr>).)*dream-planner.*?</tr>", text, re.S).group()
    value, low, high = map(
        float, re.search(r'num">([\d.]+)</span><span class="ci">\[([\d.]+), ([\d.]+)\]', row).groups()
    )
    low_at, high_at = map(float, re.search(r'class="reach" x1="([\d.]+)%" x2="([\d.]+)%"', row).groups())
    at = float(re.search(r'cx="([\d.]+)%"', row).group(1))
    zero = float(re.search(r'class="grid floor" x1="([\d.]+)%"', row).group(1))
    one = float(re.search(r'class="grid ceiling" x1="([\d.]+)%"', row).group(1))
    for number, place in ((value, at), (low, low_at), (high, high_at)):
        assert place == pytest.approx(zero + number * (one - zero), abs=0.6)


def test_filters_are_links_and_a_plain_form(board, get):
    page = get("/boards/quick-v1?trust=reproduced&learned=false")
    assert "one-lucky-run" not in page.shown.partition("Compare")[0]
    chosen = [own for own in page.all("option") if "selected" in own]
    assert {own["value"] for own in chosen} >= {"reproduced", "false"}
    form = next(own for own in page.all("form") if own.get("aria-label") == "Filters")
    assert (form["method"], form["action"]) == ("get", "/boards/quick-v1")
    chips = [own["href"] for own in page.all("a") if own["href"].startswith("/boards/quick-v1?")]
    assert "/boards/quick-v1?learned=false" in chips, "the level of trust can be taken back alone"


def test_a_family_puts_its_mean_in_the_place_of_the_iqm(board, get):
    page = get("/boards/quick-v1?family=crafter&sort=family")
    assert "Crafter mean" in page.shown
    assert "dream-planner" in page.shown


def test_the_order_by_a_family_survives_the_form_and_ends_with_the_family(get):
    def order(address):
        page = get(address)
        chosen = [own["value"] for own in page.all("option") if "selected" in own]
        return chosen, [own["aria-sort"] for own in page.all("th") if "aria-sort" in own]

    chosen, sorted_by = order("/boards/quick-v1?family=crafter&sort=family")
    assert {"crafter", "family"} <= set(chosen)
    assert sorted_by == ["descending"]
    every = order("/boards/quick-v1?family=&trust=&sort=family")
    assert every == order("/boards/quick-v1"), "the form sends it on when all families are chosen again"


def test_what_changes_with_the_filters_has_the_names_that_htmx_swaps(get):
    page = get("/boards/quick-v1")
    form = next(own for own in page.all("form") if own.get("aria-label") == "Filters")
    swapped = [form["hx-select"], *form["hx-select-oob"].split(",")]
    assert swapped == ["#standings", "#facts", "#levels", "#compare"]
    ids = {own.get("id") for _, own in page.elements}
    assert {name.removeprefix("#") for name in swapped} <= ids


def test_boards_without_entries_say_so(get):
    assert "Nobody has a score on core-v1 yet." in get("/boards/core-v1").shown
    assert "No entry fits these filters." in get("/boards/quick-v1?budget=1").shown


def test_a_comparison_has_a_verdict_and_a_row_for_each_task(board, get):
    page = get(f"/compare?a={board.ids['dream-planner']}&b={board.ids['random']}")
    assert "Probability that a run of dream-planner beats one of random" in page.shown
    assert len(page.all("th")) >= 4 + 8
    assert "verdict" in page.shown.lower() or "better" in page.shown


def test_a_task_has_references_published_numbers_and_entries(get):
    page = get("/tasks/crafter-reward-v1")
    for expected in ("Discrete(17)", "Floor (0)", "50.5", "DreamerV3", "dream-planner", "to the bit, on every machine"):
        assert expected in page.shown, expected


def test_the_rules_have_the_numbers_of_the_code(get):
    shown = get("/rules").shown
    for expected in ("60 s", "4 GiB", "256 MiB", "agent_killed", "2,000 bootstrap", "5 training runs", "20 a day"):
        assert expected in shown, expected
    reproduced = shown.partition("✓✓ reproduced")[2]
    assert "does not differ from the first beyond luck: the 95 % interval of the difference" in reproduced
    withheld = shown.partition("While a season is open")[2].partition("The order of the episodes")[0]
    for expected in (
        *("the result file", "actions", "hashes of the trajectories", "scores of single runs", "pictures"),
        *("from the owners of the agents too", "printed after its first observation", "with 3 digits", "is published"),
    ):
        assert expected in withheld, expected


def test_the_ledger_shows_its_head_and_the_page_of_an_entry(board, get):
    page = get("/ledger?entry=0")
    assert "season-opened" in page.shown
    assert any(own.get("id") == "entry-0" for own in page.all("tr"))
    key = board.files.signer.public_key.hex()
    assert key in page.shown
    assert f"envsuite verify RESULT.jsonl --key {key} --chain ledger.jsonl --secret SECRET" in page.shown
    assert "from the submission's page once its season has closed" in page.shown
    assert "published below" in page.shown
    assert "/api/v1/key.pem" in [own["href"] for own in page.all("a")]


def test_an_export_of_the_ledger_has_no_link_to_the_key_as_a_file(fetch):
    text = Relinked("/ledger").rewritten(fetch("/ledger").content.decode()).decode()
    assert "ledger.jsonl" in text
    assert "PEM" not in text
    assert ".pem" not in text


def test_static_files_have_their_types(fetch):
    for name, kind in (("theme.css", "text/css"), ("board.css", "text/css"), ("icon.svg", "image/svg+xml")):
        answer = fetch(f"/static/{name}")
        assert (answer.status, answer.content_type.partition(";")[0]) == (200, kind)


def test_pages_do_without_htmx_where_it_was_not_fetched(board, fetch, tmp_path, monkeypatch):
    monkeypatch.setenv("ENVSUITE_ASSETS", str(tmp_path))
    for address in ("/boards/quick-v1", f"/submissions/{board.ids['waiting']}"):
        assert Page(fetch(address).content.decode()).all("script") == []
    assert fetch("/static/htmx.js").status == 404
