"""The task pages and the fields of their instructions."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envsuite.errors import UnknownName
from envsuite.families.miniwob.fields import MAX_FIELDS, extract
from envsuite.families.miniwob.pages import pages

EXAMPLES = {
    "book-flight": (
        "Book the cheapest one-way flight from: Anvik, AK to: MOT on 12/23/2016.",
        [("criterion", "cheapest"), ("from", "Anvik, AK"), ("to", "MOT"), ("date", "12/23/2016")],
    ),
    "buy-ticket": ("Buy the ticket with the most expensive cost.", [("target", "most expensive cost")]),
    "choose-date": (
        "Select 03/07/2016 as the date and hit submit.",
        [("month", "3"), ("day", "7"), ("year", "2016")],
    ),
    "choose-list": ("Select Guinea-Bissau from the list and click Submit.", [("target", "Guinea-Bissau")]),
    "click-button": ('Click on the "okay" button.', [("target", "okay")]),
    "click-checkboxes": (
        "Select k9, Qa, zz and click Submit.",
        [("target 0", "k9"), ("target 1", "Qa"), ("target 2", "zz"), ("button", "submit")],
    ),
    "click-checkboxes-soft": (
        "Select words similar to mild, TVs and click Submit.",
        [("target 0", "mild"), ("target 1", "TVs"), ("button", "submit")],
    ),
    "click-checkboxes-transfer": ("Select nothing and click Submit.", [("button", "submit")]),
    "click-color": ("Click on the magenta colored box.", [("target", "magenta")]),
    "click-menu": ("Select Ann>Bea>Cleo", [("target", "Ann>Bea>Cleo")]),
    "click-menu-2": (
        'Click the "Menu" button, and then find and click on the item labeled "Zoom In".',
        [("target", 'labeled "Zoom In"')],
    ),
    "click-scroll-list": (
        "Select Oman, Fiji from the scroll list and click Submit.",
        [("target", "Oman, Fiji")],
    ),
    "click-shape": ("Click on a small green e", [("size", "small"), ("color", "green"), ("target", "e")]),
    "click-tab": ("Click on Tab #3.", [("target", "3")]),
    "click-tab-2-hard": (
        'Switch between the tabs to find and click on the link "Amet,.".',
        [("target", "Amet,.")],
    ),
    "count-shape": ("How many large items are there?", [("size", "large"), ("type", "item")]),
    "daily-calendar": (
        'Create a 1.5 hours event named "Food", between 12PM and 4PM.',
        [("length", "1.5 hours"), ("name", "Food"), ("between from", "12PM"), ("between to", "4PM")],
    ),
    "drag-items": ("Drag Theo to the 3rd position.", [("target", "Theo to the 3rd position")]),
    "email-inbox": (
        'Find the email by Ann and reply to them with the text "Nec. Massa.".',
        [("by", "Ann"), ("task", "reply"), ("message", "Nec. Massa.")],
    ),
    "email-inbox-delete": (
        "Find the email by Ann and click the trash icon to delete it.",
        [("by", "Ann"), ("task", "delete")],
    ),
    "email-inbox-forward": (
        "Find the email by Ann and forward that email to Bea.",
        [("by", "Ann"), ("task", "forward"), ("to", "Bea")],
    ),
    "email-inbox-star-reply": (
        "Find the email by Ann and click the star icon to mark it as important.",
        [("by", "Ann"), ("task", "star")],
    ),
    "enter-text-2": (
        'Type "ANN" in all lower case letters in the text input and press Submit.',
        [("text", "ANN"), ("case", "lower")],
    ),
    "enter-time": ("Enter 9:07 PM as the time and press submit.", [("target", "9:07PM")]),
    "find-word": (
        'Find the 11th word in the paragraph, type that into the textbox and press "Submit".',
        [("target", "11")],
    ),
    "form-sequence": (
        "Select -4 with the slider, click the 1st checkbox, then hit Submit.",
        [("slider target", "-4"), ("checkbox target", "1")],
    ),
    "form-sequence-2": (
        'Check the 3rd radio button and enter the number "-9" into the 2nd textbox.',
        [("radio target", "3"), ("textbox text", "-9"), ("textbox target", "2")],
    ),
    "generate-number": (
        "Generate a number greater than 4, then press submit.",
        [("criterion", "greater than"), ("number", "4")],
    ),
    "grid-coordinate": ("Click on the grid coordinate (-2,1).", [("x", "-2"), ("y", "1")]),
    "login-user": (
        'Enter the username "ann" and the password "x9" into the text fields and press login.',
        [("username", "ann"), ("password", "x9")],
    ),
    "multi-layouts": (
        "Search for crime movies directed by Bowen from year 1998.",
        [("genre", "crime"), ("director", "Bowen"), ("year", "1998")],
    ),
    "order-food": (
        "Order one of each item: Garlic bread, Spaghetti and Meatballs",
        [("criterion", "name"), ("target 0", "Garlic bread"), ("target 1", "Spaghetti and Meatballs")],
    ),
    "phone-book": (
        "Find Ann in the contact book and click on their phone number.",
        [("name", "Ann"), ("target", "phone number")],
    ),
    "resize-textarea": (
        "Resize the textarea so that the width is larger than its initial size then press Submit.",
        [("target", "width is larger")],
    ),
    "search-engine": (
        'Use the textbox to enter "Bea" and press "Search", then find and click the 7th search result.',
        [("query", "Bea"), ("rank", "7")],
    ),
    "sign-agreement": (
        'Scroll to the bottom of the textarea, enter the name "Ann" then press "Agree"',
        [("button", "Agree"), ("name", "Ann")],
    ),
    "social-media": (
        'For the user @ann, click on the "Copy link to Tweet" button.',
        [("user", "@ann"), ("button", "Copy link to Tweet")],
    ),
    "social-media-some": (
        'Click the "Share" button on 1 post by @ann and then click Submit.',
        [("button", "Share"), ("amount", "1"), ("user", "@ann"), ("submit", "Submit")],
    ),
    "stock-market": (
        "Buy ACP stock when the price is less than $56.60.",
        [("name", "ACP"), ("target", "56.60")],
    ),
    "use-autocomplete": (
        'Enter an item that starts with "Sur" and ends with "ame".',
        [("start", "Sur"), ("end", "ame")],
    ),
    "use-slider-2": (
        "Set the sliders to the combination [11,0,5] and submit.",
        [("n1", "11"), ("n2", "0"), ("n3", "5")],
    ),
}

OTHER_FORMS = [
    ("click-shape", "Click on a 9", [("target", "9")]),
    ("click-shape", "Click on a aqua circle", [("color", "aqua"), ("target", "circle")]),
    ("count-shape", "How many blue ss are there?", [("color", "blue"), ("target", "s")]),
    ("generate-number", "Generate an odd number, then press submit.", [("criterion", "odd")]),
    ("order-food", "Order 3 items that are vegan", [("criterion", "type"), ("amount", "3"), ("type", "vegan")]),
    ("sign-agreement", "Click the cancel button.", [("button", "Cancel")]),
    ("use-autocomplete", 'Enter an item that starts with "Sur".', [("start", "Sur")]),
]


@pytest.mark.parametrize("task", EXAMPLES)
def test_an_instruction_has_the_fields_that_its_page_put_into_it(task):
    utterance, fields = EXAMPLES[task]
    assert extract(task, utterance) == tuple(fields)


@pytest.mark.parametrize(("task", "utterance", "fields"), OTHER_FORMS)
def test_every_form_of_an_instruction_is_read(task, utterance, fields):
    assert extract(task, utterance) == tuple(fields)


def test_what_does_not_match_has_no_fields():
    assert extract("click-color", "Click on the colored box.") == ()
    assert extract("click-test", "Click the button.") == ()
    assert extract("login-user", "") == ()
    assert extract("click-button", EXAMPLES["click-button"][0] + " Now.") == ()


def test_a_long_list_is_cut_at_the_most_fields():
    words = ", ".join(f"w{index}" for index in range(30))
    fields = extract("click-checkboxes-large", f"Select {words} and click Submit.")
    assert len(fields) == MAX_FIELDS
    assert fields[-1] == ("target 19", "w19")


def test_an_unknown_page_is_named_with_its_nearest():
    with pytest.raises(UnknownName, match="login-user"):
        extract("login-users", "")


@given(task=st.sampled_from(sorted(pages())), utterance=st.text())
def test_any_text_can_be_read(task, utterance):
    assert len(extract(task, utterance)) <= MAX_FIELDS


@given(st.lists(st.sampled_from(["Select", "Click on", "a", "the", '"', "link", "and click Submit.", ", ", "0", "."])))
def test_text_like_an_instruction_can_be_read(words):
    utterance = " ".join(words)
    for task in pages():
        fields = extract(task, utterance)
        assert len(fields) <= MAX_FIELDS
        assert all(key and "=" not in key for key, _ in fields)


def test_there_is_a_page_for_every_task_of_the_wheel():
    assert Counter(page.origin for page in pages().values()) == {
        "original": 77,
        "nodelay": 6,
        "additional": 12,
        "debug": 12,
        "flight": 3,
        "hidden": 18,
        "waiting": 5,
    }


def test_every_page_has_a_goal_of_its_own_and_known_properties():
    for name, page in pages().items():
        assert page.name == name
        assert page.goal.endswith(".")
        assert page.goal[0].isupper()
        assert page.group in {"click", "form", "app", "geometry", "drag", "flight", "waiting"}
        assert page.limit_s in {7, 10, 15, 20, 30, 60}
    assert len({page.goal for page in pages().values()}) == len(pages())


def test_every_group_of_a_pattern_has_a_key():
    for page in pages().values():
        for entry in page.fields:
            assert sum("=" not in key for key in entry.keys) == re.compile(entry.pattern).groups
