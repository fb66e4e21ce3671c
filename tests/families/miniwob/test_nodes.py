"""Nodes as arrays: what the page packs is what the arrays hold."""

import base64

import numpy as np
import pytest
from families.miniwob.playing import make, random_action
from hypothesis import given
from hypothesis import strategies as st

from envsuite.families.miniwob import FAMILY
from envsuite.families.miniwob.nodes import (
    COLUMNS,
    FLAGS,
    TAGS,
    TEXTS,
    Layout,
    Nodes,
    as_bytes,
    as_tokens,
    text_of,
)

PAGES = [task.kwargs["page"] for task in FAMILY.tasks]


def packed(texts, colors=False):
    """Returns both parts of nodes with these texts as a page would pack them."""
    count = len(texts)

    def put(length):
        cut = [bytes(as_bytes(text, length)).rstrip(b"\0") for text in texts]
        return bytes(map(len, cut)) + b"".join(cut)

    text, value, id_, classes = map(put, Layout().lengths)
    live = np.array([count, 3, 10, 20, *range(count)], np.int16).tobytes() + value
    fixed = np.arange(count * 7, dtype=np.int16).tobytes() + text + id_ + classes
    fixed += bytes(range(8)) * count if colors else b""
    return [base64.b64encode(part).decode() for part in (live, fixed)]


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=12))
def test_texts_survive_up_to_their_length(texts):
    nodes = Nodes(Layout(max_nodes=16, colors=False))
    nodes.read(*packed(texts))
    for name, length in zip(TEXTS, Layout().lengths, strict=True):
        for row, text in enumerate(texts):
            assert text_of(nodes.arrays[name][row]) == text_of(as_bytes(text, length))
    assert nodes.arrays["node_mask"].sum() == len(texts)


def test_rows_of_an_earlier_page_are_cleared():
    nodes = Nodes(Layout(max_nodes=8))
    nodes.read(*packed(["one", "two", "three"], colors=True))
    assert (nodes.count, nodes.dropped) == (3, 3)
    nodes.read(*packed(["x"], colors=True))
    for name, array in nodes.arrays.items():
        if name != "pointer":
            assert not array[1:].any(), name
    assert nodes.arrays["nodes"][0].tolist() == list(range(7))


def test_a_part_that_is_left_out_stays():
    nodes, whole = Nodes(Layout(max_nodes=8)), Nodes(Layout(max_nodes=8))
    before, after = packed(["one", "two"], colors=True), packed(["else", "two"], colors=True)
    nodes.read(*before)
    nodes.read(after[0], None)
    assert [text_of(row) for row in nodes.arrays["value"][:3]] == ["else", "two", ""]
    assert [text_of(row) for row in nodes.arrays["text"][:3]] == ["one", "two", ""]
    nodes.read(None, after[1])
    whole.read(*after)
    for name, array in whole.arrays.items():
        assert np.array_equal(array, nodes.arrays[name]), name


@given(st.text(), st.integers(0, 40))
def test_bytes_are_cut_between_characters(text, length):
    array = as_bytes(text, length)
    assert array.shape == (length,)
    bytes(array).decode("utf-8")


@given(st.text(), st.integers(0, 9))
def test_tokens_lie_in_their_range(text, length):
    tokens = as_tokens(text, length)
    assert tokens.shape == (length,)
    assert ((tokens >= 0) & (tokens < 4096)).all()


@pytest.mark.usefixtures("web")
def test_tokens_of_page_and_instruction_are_the_same():
    env = make("click-button", text="tokens")
    observation, info = env.reset(seed=5)
    said = dict(info["fields"])["target"]
    buttons = np.flatnonzero(observation["nodes"][:, COLUMNS.index("tag")] == TAGS.index("button"))
    words = as_tokens(said, 8).tolist()
    assert words in observation["text"][buttons].tolist()
    assert env.observation_space.contains(observation)
    env.close()


@pytest.mark.usefixtures("web")
def test_a_page_lists_what_is_seen():
    env = make("login-user")
    observation, _ = env.reset(seed=1)
    ids = [text_of(row) for row in observation["id"]]
    name, button = ids.index("username"), ids.index("subbtn")
    assert TAGS[observation["nodes"][name, COLUMNS.index("tag")]] == "input_text"
    assert observation["flags"][name, FLAGS.index("typeable")] == 1
    assert text_of(observation["text"][button]) == "Login"
    left, top, width, height = observation["nodes"][button, 3:7].tolist()
    assert 0 <= left < 160
    assert 50 <= top < 210
    assert min(width, height) > 5
    parents = observation["nodes"][:, COLUMNS.index("parent")]
    assert parents[0] == -1
    assert all(parents[row] < row for row in range(1, int(observation["node_mask"].sum())))
    env.close()


@pytest.mark.usefixtures("web")
def test_nodes_beyond_the_limit_are_counted():
    env = make("login-user", max_nodes=5)
    observation, info = env.reset(seed=1)
    assert info["dropped_nodes"] == 6
    assert observation["node_mask"].sum() == 5
    env.close()


def check_that_no_change_is_overlooked(page, episodes, most):
    env = make(page)
    for seed in range(episodes):
        rng = np.random.default_rng(seed)
        observation, _ = env.reset(seed=seed)
        for step in range(most):
            observation, _, terminated, truncated, _ = env.step(random_action(env, observation["action_mask"], rng))
            assert env.page.call("observe") == env.page.call("observeAnew"), f"seed {seed}, step {step}"
            if terminated or truncated:
                break
    env.close()


@pytest.mark.usefixtures("web")
@pytest.mark.parametrize(
    "page", ["forms", "book-flight", "social-media", "choose-list", "click-scroll-list", "text-editor"]
)
def test_what_is_not_read_again_has_not_changed(page):
    check_that_no_change_is_overlooked(page, episodes=2, most=40)


@pytest.mark.long
@pytest.mark.usefixtures("web")
@pytest.mark.parametrize("page", PAGES)
def test_what_is_not_read_again_has_not_changed_on_any_page(page):
    check_that_no_change_is_overlooked(page, episodes=20, most=1000)
