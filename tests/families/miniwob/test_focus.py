"""Focus and editing, which the page keeps itself, against a real window in front with a real mouse and keyboard."""

import json

import numpy as np
import pytest
from families.miniwob.playing import make
from families.miniwob.test_robust import evaluate

from envsuite.families.miniwob.nodes import COLUMNS, text_of

pytestmark = pytest.mark.usefixtures("web")
MARKUP = """
<form id="form" onsubmit="return false"><input id="a" maxlength="5"><input id="b" type="password">
<input id="s" type="search">
<textarea id="c"></textarea><div id="d" contenteditable="true">xy</div><input id="num" type="number">
<input id="em" type="email"><select id="list"><option>one</option><option>two</option></select></form>
<label id="l" for="r">label</label><input id="r" type="checkbox">
<label><span id="m">inside</span> <input id="n"></label>
<a id="h" href="#">link</a><button id="z" type="button">go</button><button id="off" disabled>off</button>
<p id="p" tabindex="-1">text</p>
"""
WATCH = """
(() => {
  const root = ROOT;
  root.innerHTML = MARKUP;
  window.$ = (selector) => document.querySelector(selector);
  const name = (element) => element?.id || (element === document.body ? "body" : "");
  const told = [];
  const tell = ({ type, target, relatedTarget, inputType, data }) =>
    told.push([type, name(target), name(relatedTarget), name(document.activeElement), inputType, data].join(" "));
  for (const type of ["focus", "blur", "focusin", "focusout", "input", "change", "submit"])
    root.addEventListener(type, tell, true);
  root.addEventListener("keydown", () => {}, true);
  window.seen = () => {
    const active = document.activeElement;
    const controls = [...root.querySelectorAll("input, textarea, select")];
    const states = controls.map(({ id, value, checked }) => [id, value, checked].join(" "));
    const caret = [active.selectionStart, active.selectionEnd];
    return [name(active), ...caret, $("#d").textContent, document.hasFocus(), ...states, ...told.splice(0)];
  };
})()
"""
SPECIAL = {"<Enter>": 13, "<Tab>": 9, "<Backspace>": 8, "<Delete>": 46, "<End>": 35, "<Home>": 36}
SPECIAL |= {"<ArrowLeft>": 37, "<ArrowUp>": 38, "<ArrowRight>": 39, "<ArrowDown>": 40}
SELECT = "js $('#n').select()"
SCRIPTS = {  # moves, one after another: a click, a script, a key, or letters
    "typing": "click a, abcdefg, <End>, click b, pw, click s, x y, click a, <End>, <Backspace>, click z",
    "handing in": "click a, hi, <Enter>, <Enter>, click b, click a, more, <End>, <Enter>, click p, "
    "js $('#form').append($('#z')), js $('#z').type = 'submit', click s, <Enter>",
    "the caret": "click n, hello, <ArrowLeft>, X, <Home>, <Delete>, Y, <ArrowRight>, Z, <ArrowUp>, u, <ArrowDown>, d, "
    "<ArrowLeft>, <ArrowLeft>, <Backspace>, <End>, <Delete>, <Tab>",
    "a selection": f"click n, hello, {SELECT}, <ArrowLeft>, A, {SELECT}, <ArrowRight>, B, {SELECT}, C, D, "
    "js $('#n').selectionStart = 1, <Delete>, E",
    "labels": "click l, click l, click m, in, click l, click z",
    "what the browser edits": "click c, <End>, one, click num, 12, x, click em, a@b, click d, <End>, new, click z",
    "tabs": "click a, <Tab>, <Tab>, t, <Tab>, <Tab>, <Tab>, 7, <Tab>, <Tab>, <Tab>, <Tab>",
    "scripts": "js $('#a').focus(), q, js $('#a').value = '', click z, js $('#b').focus(), w, js $('#b').value = 'v', "
    "js $('#b').blur(), js $('#off').focus(), k, js $('#m').parentElement.focus(), js $('#p').focus(), "
    "js $('#s').hidden = true, js $('#s').focus()",
    "letters of other scripts": "click a, \u00e9\u00fc, <Backspace>, <ArrowLeft>, \u0416, <Delete>, click z",
    "nothing": "click a, click off, k, click p, k, js document.body.click()",
}
CENTRE = "(({x, y, width, height}) => [x + width / 2, y + height / 2])($('#NAME').getBoundingClientRect())"


class Ours:
    """The page of an environment, acted on as its actions do."""

    def __init__(self, env):
        self.env = env
        env.reset(seed=0)
        self.root = "document.querySelector('#area')"

    def js(self, expression):
        return evaluate(self.env, expression)

    def click(self, name):
        self.js(f"__env.onElement.click($('#{name}')), __env.syncFocus()")

    def key(self, key):
        self.js(f"__env.pressKey({json.dumps(key)}), __env.syncFocus()")


class Real:
    """A page without anything of ours, in a window in front, moved by the browser's own mouse and keyboard."""

    def __init__(self, env):
        self.browser = env.page.browser
        call = self.browser._call
        target = call("Target.createTarget", {"url": "about:blank", "newWindow": True})["targetId"]
        self.session = self.browser._attach(target)
        self.call("Emulation.setFocusEmulationEnabled", {"enabled": True})
        self.root = "document.body"

    def call(self, method, params):
        return self.browser._call(method, params, self.session)

    def js(self, expression):
        return self.call("Runtime.evaluate", {"expression": expression, "returnByValue": True})["result"].get("value")

    def click(self, name):
        x, y = self.js(CENTRE.replace("NAME", name))
        for kind in ("mousePressed", "mouseReleased"):
            params = {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}
            self.call("Input.dispatchMouseEvent", params)

    def key(self, key):
        text = {"<Enter>": "\r"}.get(key, "" if key in SPECIAL else key)
        code = {"windowsVirtualKeyCode": SPECIAL.get(key, ord(key[0].upper())), "key": key.strip("<>")}
        down = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
        self.call("Input.dispatchKeyEvent", {**down, **code})
        self.call("Input.dispatchKeyEvent", {"type": "keyUp", **code})

    def close(self):
        self.js("window.close()")


def play(page, script):
    """Returns what a page tells of itself after each move."""
    page.js(WATCH.replace("ROOT", page.root).replace("MARKUP", json.dumps(MARKUP)))
    seen = []
    for move in script.split(", "):
        word, _, rest = move.partition(" ")
        if word == "click":
            page.click(rest)
        elif word == "js":
            page.js(rest)
        else:
            for key in [move] if move in SPECIAL else move:
                page.key(key)
        seen.append([move, *page.js("seen()")])
    return seen


@pytest.fixture(scope="module", params=[False, True], ids=["unseen", "drawn"])
def env(request, web):
    env = make("login-user", pixels=request.param)
    env.reset(seed=0)
    yield env
    env.close()


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_focus_and_keys_do_what_a_window_in_front_does(env, script):
    real = Real(env)
    try:
        assert play(Ours(env), script) == play(real, script)
    finally:
        real.close()


def test_a_field_that_was_taken_out_does_not_hide_the_change_of_the_next(env):
    script = "click a, x, js $('#a').remove(), click b, y, click z"
    real = Real(env)
    try:
        ours, told = ([changes(seen, "b") for seen in play(page, script)] for page in (Ours(env), real))
    finally:
        real.close()
    assert ours == told == [0, 0, 0, 0, 0, 1]


def changes(seen, name):
    return sum(str(told).startswith(f"change {name} ") for told in seen)


def test_pictures_show_which_field_has_the_focus():
    env = make("login-user", pixels=True)
    before, _ = env.reset(seed=1)
    row = [text_of(each) for each in before["id"]].index("username")
    left, top, width, height = before["nodes"][row, COLUMNS.index("left") :].tolist()
    after, *_ = env.step(env.form.action("click", element=row))
    rows, columns = np.nonzero((before["pixels"] != after["pixels"]).any(axis=2))
    assert len(rows) > width, "a ring"
    assert (
        (rows >= top - 3) & (rows <= top + height + 3) & (columns >= left - 3) & (columns <= left + width + 3)
    ).all()
    env.close()
