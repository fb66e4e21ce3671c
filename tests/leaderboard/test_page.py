import builtins
import re
from dataclasses import replace

import pytest
from html_page import Page

from envsuite.errors import MissingExtra
from envsuite.leaderboard.intervals import Estimate
from envsuite.leaderboard.page import render_page, write_page
from envsuite.leaderboard.records import SuiteScore, TaskScore

pytest.importorskip("jinja2")


def task_score(name, metric="return", score=(50.0, 40.0, 60.0), floor=0.0, ceiling=100.0, **changes):
    fields = dict.fromkeys(("failed", "missing", "env_errors"), 0)
    return TaskScore(
        task_id=f"envsuite/{name}-v1",
        metric=metric,
        score=None if score is None else Estimate(*score),
        normalised=None,
        success=None,
        floor=floor,
        ceiling=ceiling,
        runs=1,
        episodes=20,
        mean_length=10.0,
        truncated=0.0,
        wall_s=None,
        **{**fields, **changes},
    )


TASKS = (
    task_score("toy-walk"),
    task_score("toy-run", score=(-20.0, -30.0, -10.0), floor=-10.0, ceiling=200.0),
    task_score("other-open", score=(3.0, 2.0, 4.0), ceiling=None),
)


def suite_score(agent, iqm=(0.5, 0.4, 0.6), tasks=TASKS, **changes):
    iqm = None if iqm is None else Estimate(*iqm)
    fields = {
        "suite": "toy-v1",
        "mean": iqm,
        "median": iqm,
        "optimality_gap": iqm,
        "success_rate": None,
        "families": {} if iqm is None else {"toy": iqm},
        "ranked": tuple(task.task_id for task in tasks if task.ceiling is not None),
        "unranked": (),
        "unscored": (),
        "runs": 1,
        "seed": 0,
        "reps": 10,
    }
    return SuiteScore(agent=agent, iqm=iqm, tasks=tasks, **{**fields, **changes})


def render(*scores, **options):
    return render_page(scores, **{"title": "A board", "provenance": {"Seeds": "split dev, root 0"}, **options})


def shown(page):
    return " ".join(" ".join(page.texts).split())


def bar(page_text, agent, index):
    """The attributes of the index-th chart's bar of an agent."""
    tracks = re.findall(rf'<svg class="track" [^>]*aria-label="{agent}: .*?</svg>', page_text, re.S)
    found = re.search(r'<rect class="bar [^"]*" x="([\d.]+)%"[^>]* width="([\d.]+)%"', tracks[index])
    low, high = re.search(r'class="whisker"><line x1="([\d.]+)%" x2="([\d.]+)%"', tracks[index]).groups()
    return [float(part) for part in (*found.groups(), low, high)]


def test_the_page_is_well_formed_and_names_what_it_shows():
    page = Page(render(suite_score("alpha"), suite_score("beta", (0.2, 0.1, 0.3))))
    text = shown(page)
    for expected in (
        "A board",
        "alpha",
        "beta",
        "0.50",
        "[0.40, 0.60]",
        "toy-walk-v1",
        "split dev, root 0",
        "floor -10.0",
    ):
        assert expected in text
    # The overall chart, one mean of the family with two tasks, three tasks: each with two agents.
    assert page.count("svg", role="img") == 10
    assert page.count("tr") == 1 + 2 + 1 + 6


def test_the_page_asks_for_nothing_from_a_network():
    text = render(suite_score("alpha"))
    assert "default-src 'none'" in text
    assert not re.search(r"https?:|//[a-z]|@import|url\(|<link|<img|src=", text)


def test_bars_start_at_the_floor_and_whiskers_enclose_their_end():
    text = render(suite_score("alpha"))
    start, width, low, high = bar(text, "alpha", 2)
    # toy-walk: 0 to 100 with a margin of 4 % on either side.
    assert (start, width, low, high) == pytest.approx((400 / 108, 5000 / 108, 4400 / 108, 6400 / 108), abs=0.01)
    start, width, low, high = bar(text, "alpha", 3)
    assert low <= start <= high, "a bar below the floor ends at the floor and begins at the score"
    assert start + width == pytest.approx(100 * (20 + 0.04 * 230) / (230 * 1.08), abs=0.01)


def test_hostile_names_are_text_and_never_markup():
    evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}'
    plain = Page(render(suite_score("alpha")))
    text = render(suite_score(evil, notes=(evil,)), title=evil, provenance={evil: evil})
    page = Page(text)
    assert [tag for tag, _ in page.elements if tag == "script"] == ["script"]
    assert page.count("img") == 0
    assert {name for _, own in page.elements for name in own} == {name for _, own in plain.elements for name in own}
    assert evil in shown(page)
    assert "{{ 7 * 7 }}" in text


def test_incomplete_results_are_marked_and_their_notes_shown():
    missing = (replace(TASKS[0], missing=4), *TASKS[1:])
    text = render(suite_score("alpha"), suite_score("beta", tasks=missing, notes=("Incomplete: 4 episodes.",)))
    page = Page(text)
    assert page.count("div", class_="row faint") == 3
    assert "beta. Incomplete: 4 episodes." in shown(page)
    assert page.count("ul", class_="card notes warn") == 1


def test_what_all_agents_share_is_said_once():
    notes = ("One training run.",)
    text = shown(Page(render(*(suite_score(name, notes=notes) for name in ("alpha", "beta", "gamma")))))
    assert text.count("One training run.") == 1
    assert "All agents. One training run." in text


def test_a_board_without_any_score_still_has_a_page():
    nothing = tuple(replace(task, score=None, episodes=0, mean_length=None, truncated=None) for task in TASKS)
    page = Page(render(suite_score("alpha", None, tasks=nothing)))
    assert page.count("svg", role="img") == 3
    assert page.count("rect", class_="back") == 3
    assert "No agent has an aggregate score" in shown(page)


def test_success_rates_head_the_page_where_there_is_no_iqm():
    text = shown(Page(render(suite_score("alpha", None, success_rate=Estimate(0.25, 0.125, 0.5)))))
    assert "Success rate" in text
    assert "0.25 [0.12, 0.50]" in text


def test_many_agents_share_the_last_colour_and_keep_their_names():
    text = render(*(suite_score(f"agent-{index:02}") for index in range(12)))
    assert set(re.findall(r'"bar hue(\d+)"', text)) == {str(hue) for hue in range(8)}
    assert all(f"agent-{index:02}" in text for index in range(12))


def test_the_same_scores_give_the_same_file(tmp_path):
    scores = [suite_score("alpha"), suite_score("ß 智能体")]
    options = {"title": "A board", "provenance": {}}
    first = write_page(scores, tmp_path / "a.html", **options)
    second = write_page(scores[::-1], tmp_path / "b.html", **options)
    assert first == tmp_path / "a.html"
    assert first.read_bytes() == second.read_bytes()
    assert "智能体" in first.read_text(encoding="utf-8")


def test_a_missing_jinja2_names_the_extra(monkeypatch, tmp_path):
    real = builtins.__import__

    def without_jinja2(name, *args, **kwargs):
        if name.partition(".")[0] == "jinja2":
            raise ImportError("No module named 'jinja2'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_jinja2)
    with pytest.raises(MissingExtra, match=r'pip install "envsuite\[leaderboard\]"'):
        write_page([suite_score("alpha")], tmp_path / "x.html", title="t", provenance={})
    assert not (tmp_path / "x.html").exists()
