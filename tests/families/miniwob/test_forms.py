"""Generated forms: drawn by the seed alone, always solvable, right only when all that is asked for is there."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest

from envsuite import assets
from envsuite.families.miniwob import forms
from envsuite.families.miniwob.browser import Page, PageOptions, open_page
from envsuite.families.miniwob.chrome import INSTALL, find_chrome
from envsuite.families.miniwob.document import ASSET, Document
from envsuite.families.miniwob.nodes import Layout, Nodes

LAYOUT = Layout(max_nodes=1024)
OPTIONS = PageOptions(layout=LAYOUT.for_page(), step_ms=250, size=(500, 320))
ORACLE = """(() => {
  const next = __env.oracle();
  return next && [next[0], __env.rows.indexOf(next[1]), ...next.slice(2)];
})()"""
DONE, RAW, POTENTIAL = 0, 2, 4


class Form:
    """A page and what its last reset said."""

    def __init__(self, document: Document) -> None:
        self.page: Page = open_page(document, OPTIONS)
        self.utterance = ""
        self.fields: dict[str, str] = {}
        self.limit_ms = 0

    def reset(self, seed: int, mode: str = "train", **options: object) -> list:
        reply, self.utterance, self.fields, self.limit_ms = self.page.call("reset", seed, mode, options)
        return reply

    def refused(self, **options: object) -> str:
        answer = self.page.call("reset", 0, "train", options)
        assert len(answer) == 1
        return answer[0]

    def do(self, kind: str, *args: object) -> list:
        return self.page.call("step", kind, list(args), 0)

    def value(self, expression: str) -> object:
        params = {"expression": expression, "returnByValue": True}
        return self.page.browser.session_call(self.page, "Runtime.evaluate", params)["result"].get("value")

    def rows(self, selector: str) -> list[int]:
        """Returns the observed elements that a selector names."""
        return self.value(f"__env.rows.flatMap((row, at) => (row.matches && row.matches({selector!r}) ? [at] : []))")

    def oracle(self) -> list | None:
        return self.value(ORACLE)

    def solve(self, most: int = 300) -> list[list]:
        """Returns the replies to the oracle's actions."""
        replies: list[list] = []
        while action := self.oracle():
            assert action[1] >= 0, "the oracle acts on an element that is not observed"
            replies.append(self.do(*action))
            assert len(replies) < most
        return replies


@pytest.fixture(scope="module")
def browser_here(needs):
    needs("chromium", find_chrome(), INSTALL)
    needs("miniwob", assets.find(ASSET), "envsuite assets fetch miniwob")


@pytest.fixture(scope="module")
def form(browser_here) -> Iterator[Form]:
    found = Form(forms.document())
    yield found
    found.page.close()


@pytest.fixture(scope="module")
def booking(browser_here) -> Iterator[Form]:
    found = Form(forms.book_flight_form())
    yield found
    found.page.close()


def submit(form: Form) -> list:
    """Presses the button that hands in a form of one page."""
    return form.do("click", form.rows("[type=submit]")[-1])


def test_a_seed_decides_the_page_and_the_instruction(form):
    first = [(form.reset(seed), form.utterance, form.fields) for seed in range(20)]
    again = [(form.reset(seed), form.utterance, form.fields) for seed in range(20)]
    assert again == first
    assert len({utterance for _, utterance, _ in first}) == 20
    assert len({reply[-1] for reply, _, _ in first}) == 20


def test_an_episode_after_others_is_that_of_a_fresh_page(form):
    options = {"form": {"fields": 6, "elements": 12, "pages": 2}}
    for seed in (3, 4):
        form.reset(seed, **options)
        form.solve()
    reloads = form.page.browser.reloads
    used = [form.reset(8, **options), *form.solve()]
    assert form.page.browser.reloads == reloads
    other = Form(forms.document())
    assert [other.reset(8, **options), *other.solve()] == used
    other.page.close()


@pytest.mark.parametrize("pages", [1, 2, 3])
@pytest.mark.parametrize("fields", [1, 3, 8, 20, 40])
def test_the_oracle_solves_forms_of_every_size(form, fields, pages):
    for seed, split in ((0, "train"), (1, "heldout"), (2, "train")):
        reply = form.reset(seed, form={"fields": fields, "pages": pages, "elements": 3 * seed}, split=split)
        assert reply[POTENTIAL] == 0
        assert form.limit_ms == 10_000 + 5_000 * fields
        assert len(form.fields) == fields
        replies = form.solve()
        assert replies[-1][:5] == [1, pytest.approx(1 - 250 * len(replies) / form.limit_ms), 1, 250 * len(replies), 1]
        assert [each[POTENTIAL] for each in replies] == sorted(each[POTENTIAL] for each in replies)


def test_the_oracle_mends_what_was_spoiled(form):
    form.reset(5, form={"fields": 10, "elements": 20, "pages": 2})
    spoil = """for (const each of document.querySelectorAll('input, textarea, select')) {
      if (each.type === 'checkbox') each.checked = !each.checked;
      else if (each.type === 'radio') each.checked = true;
      else if (each.tagName === 'SELECT') each.selectedIndex = each.options.length - 1;
      else if (each.type === 'date') each.value = '2001-01-01';
      else if (each.type === 'time') each.value = '01:01';
      else if (!['submit', 'button'].includes(each.type)) each.value = '1';
    }"""
    form.value(spoil)
    assert form.solve()[-1][RAW] == 1


def test_a_missing_value_and_a_wrong_one_fail(form):
    for seed in range(6):
        form.reset(seed, form={"fields": 4}, prefill=3)
        assert submit(form)[:3] == [1, -1, -1]
        form.reset(seed, fields={"first name": "Ada", "age": "40"}, prefill=2)
        form.do("type", form.rows("input[type=number]")[0], "41")
        assert submit(form)[:3] == [1, -1, -1]


def test_what_is_not_mentioned_has_to_stay_as_it_was(form):
    options = {"form": {"fields": 6, "elements": 12}, "prefill": 2, "subgoal": 2}
    assert form.reset(3, **options)[POTENTIAL] == 1
    assert submit(form)[RAW] == 1
    form.reset(3, **options)
    spoiled = 0
    for row in form.rows("input[type=text], input[type=checkbox], input[type=radio]:not(:checked), textarea"):
        form.reset(3, **options)
        reply = form.do("append", row, "z")
        if reply[POTENTIAL] == 1:
            assert submit(form)[:3] == [1, -1, -1]
            spoiled += 1
    assert spoiled > 5


def test_filled_fields_raise_the_potential(form):
    for seed in range(3):
        form.reset(seed, form={"fields": 5})
        plain = form.utterance
        for count in range(6):
            reply = form.reset(seed, form={"fields": 5}, prefill=count)
            assert (reply[POTENTIAL], form.utterance) == (count / 5, plain)
            assert len(form.solve()) >= 6 - count
        named = list(form.fields)[:2]
        assert form.reset(seed, form={"fields": 5}, prefill=named)[POTENTIAL] == 2 / 5


def test_a_subgoal_is_a_part_of_the_same_form(form):
    form.reset(7, form={"fields": 6}, style="keyvalue")
    whole = form.fields
    form.reset(7, form={"fields": 6}, style="keyvalue", subgoal=2)
    assert list(form.fields.items()) == list(whole.items())[:2]
    assert form.utterance == "; ".join(f"{key}: {value}" for key, value in form.fields.items())
    replies = form.solve()
    assert replies[-1][RAW] == 1
    wanted = list(whole)[4:2:-1]
    form.reset(7, form={"fields": 6}, subgoal=wanted)
    assert form.fields == {key: whole[key] for key in wanted}
    assert form.solve()[-1][RAW] == 1


def test_given_fields_are_what_is_asked_for(form):
    given = {
        "arrival city": "Timbuktu",
        "departure date": "3/4/2031",
        "extras": "a pony, a parrot",
        "wake-up call": "04:05",
        "volume": "70",
        "message": "Well met: by moonlight; proud Titania!",
    }
    for seed in range(4):
        assert form.reset(seed, fields=given, style="keyvalue", form={"fields": 8})[POTENTIAL] == 0
        assert form.fields == given
        assert form.utterance.startswith("arrival city: Timbuktu; departure date: 3/4/2031; extras: a pony, a parrot; ")
        assert form.solve()[-1][RAW] == 1
    form.reset(0, fields=given, form={"fields": 1})
    assert form.fields == given


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fields": {"flavour": "mint"}}, 'fields: unknown field "flavour"; known are: first name, last name'),
        ({"fields": {"departure date": "02/30/2017"}}, '"departure date" cannot hold "02/30/2017": expected a day'),
        ({"fields": {"meeting time": "25:00"}}, '"meeting time" cannot hold "25:00": expected a time'),
        ({"fields": {"age": "old"}}, '"age" cannot hold "old": expected a number'),
        ({"fields": {"volume": "55"}}, '"volume" cannot hold "55": expected a number from 0 to 100 in steps of 10'),
        ({"fields": {"extras": "bed, bed"}}, '"extras" cannot hold "bed, bed": expected different labels'),
        ({"fields": {"first name": ""}}, '"first name" cannot hold "": expected a text of 1 to 100 characters'),
        ({"fields": {"message": "a\nb"}}, "on one line"),
        ({"subgoal": ["flavour"]}, 'subgoal: unknown field "flavour"'),
        ({"subgoal": ["age", "age"]}, "subgoal: a field is named twice"),
        ({"subgoal": 4}, "subgoal: expected a whole number from 1 to 3, got 4"),
        ({"subgoal": []}, "subgoal: expected at least one field"),
        ({"fields": {"age": "40"}, "subgoal": ["month"]}, "subgoal: month is none of the fields given: age"),
        ({"prefill": 4}, "prefill: expected a whole number from 0 to 3, got 4"),
        ({"prefill": ["flavour"]}, 'prefill: unknown field "flavour"'),
        ({"form": {"fields": 41}}, "form.fields: expected a whole number from 1 to 40, got 41"),
        ({"form": {"elements": 101}}, "form.elements: expected a whole number from 0 to 100, got 101"),
        ({"form": {"pages": 0}}, "form.pages: expected a whole number from 1 to 5, got 0"),
        ({"style": "verse"}, 'style: expected "natural" or "keyvalue", got "verse"'),
        ({"split": "test"}, 'split: expected "train" or "heldout", got "test"'),
    ],
)
def test_an_option_that_the_form_cannot_take_is_named(form, options, message):
    assert message in form.refused(**options)
    form.reset(0)
    assert form.solve()[-1][RAW] == 1


def test_held_out_words_and_sentences_are_for_held_out_instructions(form):
    heldout = forms.vocabulary("heldout") - forms.vocabulary("train")
    words = {"train": set(), "heldout": set()}
    for seed, split in itertools.product(range(60), words):
        form.reset(seed, form={"fields": 12}, split=split)
        words[split] |= set(re.findall(r"[A-Za-z]+", form.utterance))
    assert not words["train"] & heldout
    assert len(words["heldout"] & heldout) > 300
    form.reset(0, "test")
    by_mode = form.utterance
    form.reset(0, split="heldout")
    assert form.utterance == by_mode


def test_suggestions_can_be_chosen_by_a_click(form):
    chosen = 0
    for seed in range(12):
        form.reset(seed, fields={"town": "Bridgewick"})
        for row in form.rows(".offers input"):
            assert form.do("type", row, "brid")[POTENTIAL] == 0
            mine = [
                offer for offer in form.rows("li") if form.value(f"__env.rows[{offer}].textContent") == "Bridgewick"
            ]
            assert form.do("click", mine[0])[POTENTIAL] == 1
            assert not form.rows("li")
            chosen += 1
        assert form.solve()[-1][RAW] == 1
    assert chosen


def test_enter_in_a_field_presses_the_button_of_its_page(form):
    form.reset(1, fields={"first name": "Ada"}, form={"fields": 1, "pages": 2})
    kind, row, text = form.oracle()
    form.do(kind, row, text)
    assert form.do("key", "<Enter>")[DONE] == 0
    assert form.oracle()[0] == "click"
    assert form.do(*form.oracle())[RAW] == 1


def test_every_widget_and_layout_comes_up(form):
    types = "['text', 'password', 'email', 'tel', 'url', 'number', 'date', 'time', 'range', 'checkbox', 'radio']"
    tags = (
        "['select', 'textarea', 'table', 'fieldset', '.half', '.offers', 'input[type=submit]', 'button[type=submit]']"
    )
    wanted = f"[...{types}.map((type) => `input[type=${{type}}]`), ...{tags}]"
    missing = set(form.value(wanted))
    for seed in range(30):
        form.reset(seed, form={"fields": 20})
        missing -= set(form.value(f"{wanted}.filter((each) => document.querySelector(`#area ${{each}}`))"))
    assert not missing


def test_a_hundred_distracting_elements_can_be_acted_on(form):
    nodes = Nodes(LAYOUT)
    for seed in range(5):
        nodes.read(*form.reset(seed, form={"elements": forms.MAX_ELEMENTS})[-2:])
        assert nodes.dropped == 0
        assert len(form.rows("a, button, input, select, textarea")) >= 100
        boxes = nodes.arrays["nodes"][: nodes.count]
        assert (boxes[:, 5:7] > 0).all()
        assert form.solve()[-1][RAW] == 1


def test_the_size_of_the_instruction_space_is_counted_exactly():
    assert forms.instruction_space() > 14_000_000
    counts = forms.value_counts()
    assert forms.instruction_space(1) == sum(counts.values())
    pairs = sum(one * other for one, other in itertools.combinations(counts.values(), 2))
    assert forms.instruction_space(2) == pairs
    assert forms.instruction_space(len(counts) + 1) == 0
    for kind, count in counts.items():
        found = list(forms.values(kind))
        assert len(set(found)) == len(found)
        assert len(found) == count or kind in {"interests", "toppings", "days", "extras", "skills"}
    assert counts["days"] == 5 + 10 + 10


def test_train_and_held_out_values_have_nothing_in_common():
    assert len(forms.kinds()) > forms.MAX_FIELDS_OF_FORM
    assert len(forms.vocabulary()) >= 1_700
    for kind in forms.kinds():
        assert set(forms.values(kind)).isdisjoint(forms.values(kind, "heldout")), kind
    for name, lists in forms.word_lists().items():
        train, heldout = set(lists["train"]), set(lists["heldout"])
        assert train == heldout or not train & heldout, name


def test_booking_by_form_ends_with_the_search(booking):
    for seed in range(6):
        assert booking.reset(seed)[POTENTIAL] == 0
        told = booking.fields
        assert list(told) == ["from", "to", "date"]
        expected = f"Book a one-way flight from: {told['from']} to: {told['to']} on {told['date']}."
        assert booking.utterance == expected
        replies = booking.solve(30)
        assert replies[-1][:3] == [1, pytest.approx(1 - 250 * len(replies) / 30_000), 1]
        assert [each[POTENTIAL] for each in replies][-2:] == [1, 1]


def test_booking_by_form_without_all_three_fails(booking):
    for count in range(3):
        booking.reset(2)
        for _ in range(count):
            booking.do(*booking.oracle())
        reply = booking.do("click", booking.rows("#search")[0])
        assert reply[:3] == [1, -1, -1]
        assert reply[POTENTIAL] == pytest.approx(count / 3)
