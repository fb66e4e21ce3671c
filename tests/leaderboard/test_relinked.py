"""Pages without a server: the file of an address, and links from one file to another."""

import pytest

from envsuite.leaderboard.relinked import Relinked, place_of


def test_links_are_relative_to_their_page_and_others_become_text():
    page = Relinked("/submissions/abc")
    text = page.rewritten(
        '<a href="/boards/quick-v1">b</a><a href="/boards/quick-v1?sort=mean">s</a><img src="/static/x.svg" alt="">'
        '<a href="https://example.org/?a=1&amp;b=2">w</a><a href="#main">m</a><form data-live action="/x"><br><b>no</b>'
        "</form><p hx-get=\"/x\" id='p'>&lt;&#39;x</p>"
    ).decode()
    assert text == (
        '<a href="../boards/quick-v1.html">b</a><a>s</a><img src="../static/x.svg" alt="">'
        '<a href="https://example.org/?a=1&amp;b=2">w</a><a href="#main">m</a><p id="p">&lt;&#39;x</p>'
    )


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("/", "index.html"),
        ("/ledger?page=2", "ledger--page-2.html"),
        ("/boards/quick-v1?trust=verified&page=2", "boards/quick-v1--page-2--trust-verified.html"),
        ("/compare?a=1&b=2", "compare/1--2.html"),
        ("/static/theme.css", "static/theme.css"),
        ("/submissions/x/result.jsonl", "submissions/x/result.jsonl"),
    ],
)
def test_addresses_have_their_files(address, place):
    assert str(place_of(address)) == place
