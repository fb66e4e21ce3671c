"""The static export: a whole board as files, every link leading somewhere, readable from a folder."""

import contextlib
import html
import re
import shlex
import threading
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
from board_filling import AGENTS, HOSTILE, Board, submit_hostile
from boards import JOBS
from servers import TINY, private_suites
from typer.testing import CliRunner

pytest.importorskip("fastapi")

from envsuite import catalogue
from envsuite.cli.main import app as command
from envsuite.errors import InvalidArgument, ServerRefused
from envsuite.leaderboard import static_export
from envsuite.leaderboard.static_export import Answer
from envsuite.leaderboard.verify import verify

__all__ = ["private_suites"]


class Links(HTMLParser):
    """All addresses, ids and tags of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.ids, self.tags, self.names = [], set(), [], set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        own = dict(attributes)
        self.tags.append(tag)
        self.names |= set(own)
        self.ids.add(own.get("id"))
        self.links += [own[name] for name in ("href", "src", "action") if name in own]


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """A board whose first season has closed, so that pictures of its episodes are drawn."""
    with contextlib.closing(Board(tmp_path_factory.mktemp("board"))) as board:
        board.open_season("2026-summer")
        board.submit(AGENTS[2])
        board.work()
        board.close_season("2026-summer")
        board.open_season("2026-autumn")
        submit_hostile(board)
        board.submit(AGENTS[6])
        board.work()
        yield board


@pytest.fixture(scope="module")
def exported(board, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "static"
    with static_export.local(board.home) as fetch:
        written = static_export.export(fetch, folder)
    assert written.pages == len(list(folder.rglob("*.html")))
    return folder


def test_every_link_leads_to_a_file_and_every_fragment_to_an_element(exported):
    pages = {path: Links(path.read_text(encoding="utf-8")) for path in exported.rglob("*.html")}
    assert len(pages) > 90
    checked = 0
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                assert parts.scheme in ("http", "https"), link
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.is_relative_to(exported.resolve()), link
            assert target.is_file(), f"{path}: {link}"
            if parts.fragment:
                assert parts.fragment in pages[exported / target.relative_to(exported.resolve())].ids, link
            checked += 1
    assert checked > 1000


def test_nothing_is_left_that_needs_a_server(exported):
    for path in exported.rglob("*.html"):
        page = Links(path.read_text(encoding="utf-8"))
        assert not {"form", "script", "button"} & set(page.tags), path
        assert not [name for name in page.names if name.startswith(("hx-", "data-live"))], path


def test_boards_results_pictures_and_the_ledger_are_there(board, exported):
    identity = board.ids["scripted-core"]
    for name in (
        "index.html",
        "boards/quick-v1.html",
        "boards/quick-v1--trust-verified.html",
        f"submissions/{identity}.html",
        f"submissions/{identity}/result.jsonl",
        f"submissions/{identity}/replays/crafter-reward-v1.webp",
        "tasks/crafter-reward-v1.html",
        "rules.html",
        "ledger.html",
        "api/v1/ledger.jsonl",
        "static/theme.css",
        "static/board.css",
    ):
        assert (exported / name).stat().st_size > 100, name
    held_out = board.ids["random"]
    assert not (exported / "submissions" / held_out).exists(), "its season is still open"


def test_a_result_and_the_chain_are_those_that_verify_takes(board, exported):
    from envsuite.leaderboard.attest import check_chain, read_chain
    from envsuite.leaderboard.resultfile import read_result

    key = board.files.signer.public_key
    assert check_chain(read_chain(exported / "api/v1/ledger.jsonl"), [key]).ok
    result = read_result(exported / "submissions" / board.ids["scripted-core"] / "result.jsonl")
    assert result.entry.is_signed_by(key)


def test_the_command_on_a_page_verifies_with_the_files_beside_it(board, exported):
    identity = board.ids["scripted-core"]
    page = exported / "submissions" / f"{identity}.html"
    text = page.read_text(encoding="utf-8")
    words = shlex.split(html.unescape(re.search(r"envsuite verify [^<]*", text).group()))
    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert words[2] == f"{identity}.jsonl"
    assert options["--chain"] == "ledger.jsonl"
    result, chain = (
        re.search(rf'href="([^"]*{name})" download', text).group(1) for name in ("result.jsonl", "ledger.jsonl")
    )
    verification = verify(
        (page.parent / result).resolve(),
        public_key=bytes.fromhex(options["--key"]),
        chain=(page.parent / chain).resolve(),
        secret=bytes.fromhex(options["--secret"]),
        replay=False,  # the agent's episodes are made up
    )
    assert verification.failed == ()
    assert verification.skipped == ("replay",)


def test_a_copy_names_no_server(exported):
    text = (exported / "index.html").read_text(encoding="utf-8")
    assert "These pages are a copy" in text
    assert "--server" not in text
    assert not [path for path in exported.rglob("*.html") if "board.example" in path.read_text(encoding="utf-8")]


@pytest.mark.usefixtures("private_suites")
def test_boards_of_private_suites_are_exported_without_their_file(tmp_path):
    with contextlib.closing(Board(tmp_path / "board", TINY.name)) as board:
        board.open_season("2026-autumn")
        board.submit(AGENTS[6])
        board.work()
    catalogue._suites.pop(TINY.name)
    with static_export.local(tmp_path / "board") as fetch:
        assert TINY.name in fetch("/").content.decode()
        assert "random" in fetch(f"/boards/{TINY.name}").content.decode()
    assert catalogue.SUITES[TINY.name] == TINY


def test_entries_of_different_seasons_are_compared_without_pairs(board, exported):
    first, second = board.ids["scripted-core"], board.ids["random"]
    text = (exported / "compare" / f"{first}--{second}.html").read_text(encoding="utf-8")
    assert "were played on different seeds" in text
    assert text.count('class="dot"') == JOBS - 1, "a difference for every task that is normalised"


def test_hostile_text_stays_text_in_files(board, exported):
    text = (exported / "submissions" / f"{board.ids['hostile']}.html").read_text(encoding="utf-8")
    page = Links(text)
    assert "img" not in page.tags
    assert "&lt;script&gt;document.title" in text
    assert HOSTILE not in text
    assert not [link for link in page.links if link.lower().strip().startswith("javascript")]


def test_an_export_replaces_an_earlier_one_and_no_other_folder(board, tmp_path):
    def fetch(address):
        return Answer(200, "text/html; charset=utf-8", b"<!doctype html><p>one</p>")

    folder = tmp_path / "out"
    static_export.export(fetch, folder)
    (folder / "stale.html").write_text("old")
    static_export.export(fetch, folder)
    assert sorted(path.name for path in folder.glob("*.html")) == [
        "index.html",
        "ledger.html",
        "rules.html",
        "tasks.html",
    ]
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("precious")
    with pytest.raises(InvalidArgument, match="empty folder"):
        static_export.export(fetch, mine)
    assert (mine / "thesis.tex").read_text() == "precious"
    with pytest.raises(InvalidArgument, match="expected a folder"):
        static_export.export(fetch, mine / "thesis.tex")


def test_a_server_that_fails_is_said(tmp_path):
    with pytest.raises(ServerRefused, match="status 503"):
        static_export.export(lambda address: Answer(503, "text/html", b""), tmp_path / "out")
    with pytest.raises(InvalidArgument, match="http"), static_export.remote("ftp://x"):
        pass
    with pytest.raises(ServerRefused, match="did not answer"), static_export.remote("http://127.0.0.1:9") as fetch:
        fetch("/")


def test_the_command_exports_from_a_home_and_from_a_server(board, tmp_path, monkeypatch):
    import uvicorn

    from envsuite.leaderboard.service.app import create_app
    from envsuite.leaderboard.service.settings import Settings

    monkeypatch.setenv("ENVSUITE_HOME", str(board.home))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    done = CliRunner().invoke(command, ["board", "export", "--static", str(tmp_path / "local")])
    assert done.exit_code == 0, done.output
    config = uvicorn.Config(create_app(Settings(home=board.home)), host="127.0.0.1", port=0, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            thread.join(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        arguments = ["board", "export", "--static", str(tmp_path / "remote"), "--server", f"http://127.0.0.1:{port}"]
        done = CliRunner().invoke(command, arguments)
        assert done.exit_code == 0, done.output
    finally:
        server.should_exit = True
        thread.join()
    names = [
        sorted(str(path.relative_to(tmp_path / part)) for path in (tmp_path / part).rglob("*"))
        for part in ("local", "remote")
    ]
    assert names[0] == names[1]
    board_pages = [(tmp_path / part / "boards/quick-v1.html").read_bytes() for part in ("local", "remote")]
    assert board_pages[0] == board_pages[1]


def test_a_home_without_a_board_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("ENVSUITE_HOME", str(tmp_path))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    done = CliRunner().invoke(command, ["board", "export", "--static", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert not (tmp_path / "board.sqlite").exists()
