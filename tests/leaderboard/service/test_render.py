"""Rendering: addresses, what may become a link, words for numbers, and colours that can be read."""

import re
from datetime import UTC, datetime

import jinja2
import pytest

from envsuite.leaderboard.service.pages import STATIC
from envsuite.leaderboard.service.render import Urls, count, duration, environment, is_web, minus, render, size

TEXT_PAIRS = [
    *((text, ground) for text in ("text", "soft", "accent", "warn", "good", "bad") for ground in ("page", "card")),
    *((text, "raised") for text in ("text", "soft", "accent")),
    ("card", "accent"),
    ("card", "good"),
]
"""Colours of text on what lies behind it."""
DRAWN = [*(f"h{index}" for index in range(8)), "floor", "ceiling", "good", "bad"]
"""Colours of what is drawn on a card."""


def palette():
    text = (STATIC / "theme.css").read_text()
    pairs = re.findall(r"--([a-z0-9]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", text)
    return {name: (light, dark) for name, light, dark in pairs}


def contrast(one, two):
    """The ratio of WCAG 2.2: 1 to 21."""

    def luminance(colour):
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_and_marks_have_the_contrast_that_wcag_aa_asks_for(scheme):
    colours = palette()
    assert len(colours) >= 20
    for text, ground in TEXT_PAIRS:
        ratio = contrast(colours[text][scheme], colours[ground][scheme])
        assert ratio >= 4.5, f"{text} on {ground}: {ratio:.2f}"
    for drawn in DRAWN:
        ratio = contrast(colours[drawn][scheme], colours["card"][scheme])
        assert ratio >= 3, f"{drawn} on card: {ratio:.2f}"


def test_contrast_is_that_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_addresses_escape_what_they_are_given_and_stay_below_the_root():
    urls = Urls("/behind")
    assert urls.submission("a/../b?c") == "/behind/submissions/a%2F..%2Fb%3Fc"
    assert urls.board("quick-v1", {"trust": None, "family": "", "page": 2}) == "/behind/boards/quick-v1?page=2"
    assert urls.compare("a&b", "c") == "/behind/compare?a=a%26b&b=c"
    assert Urls().home() == "/"


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        " javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "//host",
        "/x",
        "http:",
        "http://[",
        7,
    ],
)
def test_only_web_addresses_become_links(address):
    assert not is_web(address)


def test_web_addresses_are_links():
    assert is_web("https://example.org/a?b=c")
    assert is_web("http://example.org")


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "1 second"), (40, "40 seconds"), (100, "2 minutes"), (7200, "2 hours"), (4e5, "5 days")],
)
def test_durations_are_told_in_one_unit(seconds, told):
    assert duration(seconds) == told


def test_numbers_have_their_nouns():
    assert [count(1, "entry", "entries"), count(1200, "entry", "entries")] == ["1 entry", "1,200 entries"]


def test_sizes_are_told_in_the_largest_whole_unit():
    assert [size(number) for number in (2**32, 3 * 2**20, 5120, 1000)] == ["4 GiB", "3 MiB", "5 KiB", "1,000 bytes"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("-0.5 [-0.7, -.3]", "\N{MINUS SIGN}0.5 [\N{MINUS SIGN}0.7, \N{MINUS SIGN}.3]"),
        ("by -2 (-3 to 1)", "by \N{MINUS SIGN}2 (\N{MINUS SIGN}3 to 1)"),
        ("as in 2-5, quick-v1, 2026-11-24, a - b", "as in 2-5, quick-v1, 2026-11-24, a - b"),
    ],
)
def test_minus_signs_stand_before_numbers_only(text, told):
    assert minus(text) == told


def test_what_is_undefined_is_an_error_and_everything_is_escaped():
    with pytest.raises(jinja2.UndefinedError):
        render("message.html", Urls(), title="x")
    page = render("message.html", Urls(), title="<i>", text="a & b")
    assert "&lt;i&gt;" in page
    assert "a &amp; b" in page


def test_filters_tell_numbers_and_times():
    one = environment().from_string(
        "{{ -0.5|number(2) }} {{ none|number }} {{ at|minute }} {{ 0.25|signed }} {{ iso|minute }}"
    )
    at = datetime(2026, 11, 24, 12, 5, tzinfo=UTC)
    told = one.render(at=at, iso="2026-11-24T16:44:59.5+02:00")
    assert told == "\N{MINUS SIGN}0.50 \N{EN DASH} 2026-11-24 12:05 UTC +0.25 2026-11-24 14:44 UTC"


def test_templates_have_neither_inline_scripts_nor_inline_styles():
    folder = STATIC.with_name("templates")
    for path in folder.iterdir():
        text = path.read_text()
        assert not re.search(r"\sstyle=|\son[a-z]+=|<style|<script(?![^>]*src=)", text), path.name
        assert "|safe" not in text, path.name
