"""The pages over HTTP: what they show, how they refuse, and that text stays text."""

import contextlib
import re
from html.parser import HTMLParser

import httpx
import pytest
from board_filling import AGENTS, HOSTILE, Agent, Board, submit_hostile

pytest.importorskip("fastapi")

from envsuite.leaderboard import static_export
from envsuite.leaderboard.service.pages import HEADERS

VOID = static_export.VOID


class Page(HTMLParser):
    """Elements and text of a page; checks that every element is closed in its turn."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self._open = [], [], []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def shown(self):
        return " ".join(" ".join(self.texts).split())

    def all(self, tag):
        return [own for name, own in self.elements if name == tag]


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """A board with scored agents, a hostile one among them, one that runs, one that waits, one that is rejected."""
    home = tmp_path_factory.mktemp("board")
    with contextlib.closing(Board(home)) as board:
        board.open_season("2026-autumn")
        for agent in (AGENTS[0], *AGENTS[2:3], AGENTS[5], AGENTS[6]):
            board.submit(agent)
        submit_hostile(board)
        board.work()
        board.submit(Agent(name="half-way", user="alan", learned=True, runs=5))
        board.work(2, log=HOSTILE)
        board.submit(Agent(name="waiting", user="alan"))
        board.reject(board.submit(Agent(name="rejected", user="ada")), HOSTILE)
        yield board


@pytest.fixture(scope="module")
def fetch(board):
    with static_export.local(board.home) as fetch:
        yield fetch


@pytest.fixture
def get(fetch):
    def get(address, status=200):
        answer = fetch(address)
        assert answer.status == status, answer.content[:300]
        assert answer.content_type == "text/html; charset=utf-8"
        return Page(answer.content.decode())

    return get


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


def test_boards_without_entries_say_so(get):
    assert "Nobody has a score on core-v1 yet." in get("/boards/core-v1").shown
    assert "No entry fits these filters." in get("/boards/quick-v1?budget=1").shown


def test_a_submission_shows_its_numbers_its_proof_and_what_is_only_declared(board, get, fetch):
    identity = board.ids["dream-planner"]
    page = get(f"/submissions/{identity}")
    for expected in (
        "Optimality gap",
        "Performance profile",
        "bubblewrap",
        "no interface but loopback",
        "Training budget, steps declared",
        "10,000,000",
        "is published when the season closes",
        "Ed25519",
        "2026-autumn",
        "Pictures are drawn once the season of these seeds has closed",
    ):
        assert expected in page.shown, expected
    assert page.all("img") == []
    assert fetch(f"/submissions/{identity}/replays/crafter-reward-v1.webp").status == 404
    assert fetch(f"/submissions/{identity}/result.jsonl").status == 404, "its season is open"
    with_bars = [own for own in page.all("svg") if own.get("role") == "img" and "track" in own.get("class", "")]
    assert len(with_bars) == 8 + 4, "a bar for each of eight tasks, and for the mean of each of four families"


def test_a_submission_that_waits_or_was_rejected_says_why(board, get):
    waiting = get(f"/submissions/{board.ids['waiting']}").shown
    assert "It waits for a worker." in waiting
    assert "Place" in waiting
    running = get(f"/submissions/{board.ids['half-way']}")
    assert "of 160 episodes" in running.shown
    assert HOSTILE not in running.shown, "the log is its owner's"
    assert running.all("progress")[0]["max"] == "160"
    assert "cannot be evaluated" in get(f"/submissions/{board.ids['rejected']}").shown


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


def test_the_ledger_shows_its_head_and_the_page_of_an_entry(board, get):
    page = get("/ledger?entry=0")
    assert "season-opened" in page.shown
    assert any(own.get("id") == "entry-0" for own in page.all("tr"))
    key = board.files.signer.public_key.hex()
    assert key in page.shown
    assert f"--key {key}" in page.shown


def test_static_files_have_their_types(fetch):
    for name, kind in (("theme.css", "text/css"), ("board.css", "text/css"), ("icon.svg", "image/svg+xml")):
        answer = fetch(f"/static/{name}")
        assert (answer.status, answer.content_type.partition(";")[0]) == (200, kind)


def test_pages_do_without_htmx_where_it_was_not_fetched(board, fetch, tmp_path, monkeypatch):
    monkeypatch.setenv("ENVSUITE_ASSETS", str(tmp_path))
    for address in ("/boards/quick-v1", f"/submissions/{board.ids['waiting']}"):
        assert Page(fetch(address).content.decode()).all("script") == []
    assert fetch("/static/htmx.js").status == 404
