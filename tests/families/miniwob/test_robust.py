"""Pages that reach for the world, walk away or never end, and actions that make no sense."""

import json
import os
import select
import socket
import time
from pathlib import Path

import numpy as np
import pytest
from families.miniwob.playing import make

from envsuite.families.miniwob import browser
from envsuite.families.miniwob.actions import TEXT_ACTION_BYTES, encode
from envsuite.families.miniwob.browser import BrowserCrashed

pytestmark = pytest.mark.usefixtures("web")
OWN_BROWSER = 51
"""A shard that no other environment is in."""
CLICK = encode("click_at 80 100")


def evaluate(env, expression):
    """Returns the value of an expression, or of its promise; the text of what it throws."""
    params = {"expression": expression, "returnByValue": True, "awaitPromise": True, "timeout": 5000}
    result = env.page.browser.session_call(env.page, "Runtime.evaluate", params)
    return result["result"].get("value", result.get("exceptionDetails"))


def opening(env, seed):
    return {name: array.tobytes() for name, array in env.reset(seed=seed)[0].items()}


def reset_within(env, seed, tries=2):
    """Returns the first observation; the first reset may be the one that finds the page broken."""
    for _ in range(tries - 1):
        try:
            return opening(env, seed)
        except BrowserCrashed:
            continue
    return opening(env, seed)


# The world.

# Each is the body of an async function of `scope`, the page's window or that of the page that opened it.
REACHES = {
    "fetch": "return (await scope.fetch(url)).text()",
    "fetch without cors": "return (await scope.fetch(url, {mode: 'no-cors'})).type",
    "request": "const r = new scope.XMLHttpRequest(); r.open('GET', url, false); r.send(); return r.responseText",
    "picture": "const i = new scope.Image(); i.src = url; await i.decode(); return 'decoded'",
    "socket": "return new Promise((ok, no) => { const s = new scope.WebSocket(url.replace(/^\\w+/, 'ws'));"
    " s.onopen = () => ok('open'); s.onerror = () => no('closed') })",
    "stream": "return new Promise((ok, no) => { const s = new scope.EventSource(url); s.onopen = () => ok('open');"
    " s.onerror = () => no('closed') })",
    "beacon": "scope.navigator.sendBeacon(url, 'told'); return 'sent'",
    "script": "const e = scope.document.createElement('script'); e.src = url; scope.document.head.append(e)",
    "style": "const e = scope.document.createElement('link'); e.rel = 'stylesheet'; e.href = url;"
    " scope.document.head.append(e)",
    "hints": "for (const rel of ['prefetch', 'preconnect', 'preload', 'dns-prefetch', 'prerender', 'modulepreload'])"
    " { const e = scope.document.createElement('link'); e.rel = rel; e.as = 'fetch'; e.href = url;"
    " scope.document.head.append(e) }",
    "worker": "new scope.Worker(scope.URL.createObjectURL(new Blob([`fetch('${url}')`])))",
    "module": "return Object.keys(await import(url))",
    "form": "const f = scope.document.createElement('form'); f.action = url; f.target = '_blank';"
    " scope.document.body.append(f); scope.HTMLFormElement.prototype.requestSubmit.call(f)",
    "link": "const a = scope.document.createElement('a'); a.href = url; a.target = '_blank'; a.click()",
    "ping": "const a = scope.document.createElement('a'); a.href = '#'; a.ping = url; scope.document.body.append(a);"
    " a.click()",
    "frame": "const f = scope.document.createElement('iframe'); f.src = url; scope.document.body.append(f);"
    " await new Promise((ok) => { f.onload = ok }); return f.contentDocument && f.contentDocument.body.innerText",
    "object": "const o = scope.document.createElement('object'); o.data = url; scope.document.body.append(o)",
    "window": "const w = scope.open(url); return w && w.document.body.innerText",
    "window of a frame": "const f = scope.document.createElement('iframe'); scope.document.body.append(f);"
    " const w = f.contentWindow.open(url); return w && w.document.body.innerText",
    "peer": "const p = new scope.RTCPeerConnection({iceServers: [{urls: 'stun:' + new URL(url).host}]});"
    " p.createDataChannel('x'); await p.setLocalDescription(); await new Promise((ok) => setTimeout(ok, 300))",
}


@pytest.fixture
def listening():
    """A port and a function that tells whether anything has come to it, by TCP or UDP."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(server.getsockname())
        yield server.getsockname()[1], lambda: select.select([server, datagrams], [], [], 0.5)[0]


@pytest.mark.parametrize("scope", ["window", "opener"])
def test_pages_reach_neither_network_nor_files(scope, listening):
    """`opener` is the page that opens the others; it has no policy of its own, so the browser's flags must do."""
    port, reached = listening
    env = make("login-user", shard=OWN_BROWSER)
    env.reset(seed=1)
    for url in (f"http://127.0.0.1:{port}/", f"http://localhost:{port}/", "file:///etc/passwd"):
        for name, body in REACHES.items():
            # Against the browser's own clock: that of the page stands still between steps.
            late = "opener.setTimeout(() => ok('late'), 300)"
            attempt = f"(async (scope, url) => {{ {body} }})({scope}, {json.dumps(url)}).catch(String)"
            value = evaluate(env, f"Promise.race([{attempt}, new Promise((ok) => {{ {late} }})])")
            assert "root:" not in str(value), (name, url, value)
            assert value not in ("open", "decoded", "basic"), (name, url, value)
    assert not reached()
    opened = env.page.browser.session_call(env.page, "Target.getTargets", {})["targetInfos"]
    assert not [each for each in opened if each["url"].startswith("file:")]
    env.close()


@pytest.mark.parametrize("scope", ["window", "opener"])
def test_pages_download_nothing(scope, tmp_path, monkeypatch):
    make("login-user").close()  # finds its files by HOME
    monkeypatch.setenv("HOME", str(tmp_path))
    name = f"envsuite-{os.getpid()}.txt"
    env = make("login-user", shard=OWN_BROWSER)
    env.reset(seed=1)
    evaluate(
        env,
        f"(() => {{ const a = {scope}.document.createElement('a'); a.download = '{name}';"
        " a.href = 'data:text/plain,downloaded'; a.click() })()",
    )
    env.step(env.action_space.sample())
    time.sleep(1.0)
    env.close()
    assert not [*tmp_path.rglob(name), *Path.cwd().glob(name)]


@pytest.mark.parametrize(
    "script",
    [
        "location = 'http://127.0.0.1:9/'",
        "location = 'http://example.com/'",
        "location = 'file:///etc/passwd'",
        "location.replace('about:blank')",
        "location = 'data:text/html,elsewhere'",
        "location.reload()",
        "location = '#fragment'",
        "opener.location = 'http://127.0.0.1:9/'",
        "opener.close()",
        "window.close()",
        "document.body.remove()",
        "document.documentElement.remove()",
        "history.back()",
        "delete Array.prototype.map; opener.Array.prototype.map = null",
        "window.stop(); __env.reset = null",
    ],
)
def test_a_page_that_walks_away_is_repaired_by_a_reset(script):
    env = make("login-user", shard=OWN_BROWSER)
    before = opening(env, 3)
    evaluate(env, f"opener.setTimeout(() => {{ {script} }}, 0), 0")
    time.sleep(0.3)
    started = time.monotonic()
    try:
        for _ in range(3):
            env.step(env.action_space.sample())
    except BrowserCrashed:
        pass
    assert reset_within(env, 3) == before
    assert time.monotonic() - started < 20
    env.close()


# Scripts without end.


@pytest.mark.parametrize(
    "script",
    [
        "document.addEventListener('click', () => { for (;;); })",
        "document.addEventListener('click', () => { Promise.resolve().then(() => { for (;;); }) })",
        "document.addEventListener('click', () => { const next = () => Promise.resolve().then(next); next() })",
        "setTimeout(() => { for (;;); }, 10)",
        "const again = () => setTimeout(again, 0); again()",
        "const channel = new MessageChannel(); channel.port1.onmessage = () => { for (;;); };"
        " document.addEventListener('click', () => channel.port2.postMessage(1))",
        "document.addEventListener('click', () => { const kept = []; for (;;) kept.push(new Array(1e6).fill(1)); })",
        "const frame = document.body.appendChild(document.createElement('iframe'));"
        " document.addEventListener('click', () => frame.contentWindow.alert('nobody answers'))",
    ],
    ids=["click", "reaction", "reactions", "timer", "timers", "message", "memory", "dialog"],
)
def test_a_script_without_end_is_cut_off_and_a_reset_goes_on(monkeypatch, script):
    monkeypatch.setattr(browser, "SCRIPT_MS", 1500)
    monkeypatch.setattr(browser, "ANSWER_S", 6.0)
    env = make("login-user", shard=OWN_BROWSER, actions="text")
    before = opening(env, 3)
    pids = env.page.browser.pids()
    evaluate(env, f"(() => {{ {script} }})()")
    started = time.monotonic()
    try:
        for _ in range(3):
            env.step(CLICK)
        ended = False
    except BrowserCrashed:
        ended = True
    assert time.monotonic() - started < 25
    # Timers are the page's own clock's, which goes on, and a browser without windows answers dialogs; all else is seen.
    assert ended or "again" in script or "alert" in script
    assert not ended or not any(Path(f"/proc/{pid}").exists() for pid in pids)
    monkeypatch.undo()
    assert opening(env, 3) == before
    env.close()


# Actions.

GARBAGE = [
    *(
        "",
        " ",
        "fly 3",
        "click",
        "click 9999",
        "click -3",
        "click 3 3",
        "click 1.5",
        "click three",
        "CLICK 3",
        "click\t3",
    ),
    *("click 99999999999999999999", "click_at 99999 99999", "click_at -500 -500", "click_at 1e3 0", "scroll 2 100000"),
    *("press_at -1 99999", "release_at 99999 -1", "move_at -100000 100000", "scroll_at 0 0 -100000", "press 9999"),
    *(
        "key",
        "key <NoSuchKey>",
        "key \U0001f600",
        "key C-q",
        "key C-w",
        "key <Numpad7>",
        "key ''",
        'key "<Enter> <Enter>"',
    ),
    *(
        'type 3 "it\'s"',
        "type 3 '\"'",
        'type 3 "',
        "type 3 \\",
        'type 3 "\\u0000"',
        "type 3 '</script><b>'",
        "type 3 ''",
    ),
    *('type 4 "\U0001f600\U0001f468‍\U0001f469‍\U0001f467"', "key <Backspace>", "key <Delete>", "key <ArrowLeft>"),
    *('type 4 "مرحبا שלום"', 'type 4 "a\nb\r\tc\x07\x1b[31m"', 'append 4 "${x} `y` __proto__"', 'append 4 "﻿�"'),
    *("text " + "x" * 500, "type 3 '" + "é" * 240 + "'", "wait", "wait 3", "hover 0", "double_click 0", "\x00\x01\x02"),
]
RAW = [
    b"type 3 \xff\xfe",
    b"\xc3",
    "type 4 \ud83d".encode("utf-8", errors="surrogatepass"),
    "type 4 'a\ude00b'".encode("utf-8", errors="surrogatepass"),
    b"click 3\x00click 4",
    bytes(range(256)) * 2,
    b"\xff" * TEXT_ACTION_BYTES,
    b"x" * TEXT_ACTION_BYTES,
]


@pytest.mark.parametrize("page", ["login-user", "text-editor", "terminal", "flight-alaska", "forms"])
def test_text_that_is_no_sensible_command_harms_nothing(page):
    env = make(page, actions="text", html=True, axtree=True)
    browser, before = env.page.browser, opening(env, 4)
    actions = [encode(text) for text in GARBAGE]
    actions += [np.frombuffer(data.ljust(TEXT_ACTION_BYTES, b"\0"), np.uint8) for data in RAW]
    for action in actions:
        observation, reward, terminated, truncated, _ = env.step(action)
        assert env.observation_space.contains(observation)
        assert np.isfinite(reward)
        if terminated or truncated:
            env.reset(seed=4)
    assert opening(env, 4) == before
    assert env.page.browser is browser
    env.close()


def test_half_of_a_character_pair_in_a_field_is_shown():
    env = make("login-user", actions="text", html=True, axtree=True)
    env.reset(seed=4)
    for half in ("\\ud83d", "\\ude00", "a\\ud83db"):
        evaluate(env, f"document.querySelector('#username').value = '{half}'; document.body.title = '{half}'; 0")
        observation = env.step(encode("wait"))[0]
        assert env.observation_space.contains(observation)
    env.close()


@pytest.mark.parametrize("page", ["login-user", "text-editor", "drag-box", "terminal", "choose-date", "flight-alaska"])
def test_any_action_of_any_type_harms_nothing(page):
    env = make(page, actions="all")
    browser, before = env.page.browser, opening(env, 0)
    env.action_space.seed(0)
    for step in range(300):
        observation, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        assert env.observation_space.contains(observation)
        assert np.isfinite(reward)
        if terminated or truncated:
            env.reset(seed=step)
    assert opening(env, 0) == before
    assert env.page.browser is browser
    env.close()
