"""The pages of the `miniwob` wheel as one text each: styles, scripts and pictures inlined, task scripts apart."""

from __future__ import annotations

import base64
import dataclasses
import functools
import json
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from envsuite import assets
from envsuite.errors import MissingSimulator

ASSET = "miniwob"
RUNTIME = (
    "guard.js",
    "touch.js",
    "clock.js",
    "keyboard.js",
    "focus.js",
    "editing.js",
    "pointer.js",
    "restart.js",
    "nodes.js",
    "episode.js",
    "parts.js",
    "mends.js",
)
"""What is put before a page's own scripts, in order."""
_RELOADED = frozenset(
    {"chase-circle", "moving-items", "click-pie", "click-pie-nodelay", "use-colorwheel", "use-colorwheel-2"}
)
"""Pages with timers of d3, drawings of Raphael or pickers of jscolor, which all keep their state in closures."""
_HOVERED = """\
  hovered = [];
  setTimeout(function () {
    var share = hovered.filter(Boolean).length / hovered.length;
    core.endEpisode(share >= 0.5 ? 1 : 2 * share - 1);
  }, core.EPISODE_MAX_TIME - 1);
"""
MENDS: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        # A wrong card earned 0.1 (miniwob-plusplus, issues 104 and 108).
        "find-greatest": (("core.endEpisode(0.1, true)", "core.endEpisode(-1.0, false)"),),
        # Sent without a number, it was right where an even one was asked for.
        "generate-number": (
            ("if(userNumber === undefined) reward = -1.0;", "if(userNumber === undefined) return -1.0;"),
        ),
        # It never rewarded. Now the limit ends it: 1 for half of the time over the square, else between -1 and 0.
        "hover-shape": (
            ("// core.continuousReward(score);", "hovered.push(d3.select('#highlight').attr('data-hover') !== null);"),
            ("var genProblem = function() {", "var hovered = [];\nvar genProblem = function() {\n" + _HOVERED),
        ),
    }
)
"""Page -> what is replaced in its scripts, under the version number of the task."""
_FETCHED = ("surrogate/airports.json",)
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:; "
    "font-src data:; form-action 'none'; base-uri 'none'"
)
# Movements of the browser's own run by real time; a blinking caret is one. The rings are the browser's own, for the
# focus that focus.js keeps.
_STYLE = (
    "*,*::before,*::after{transition:none!important;animation:none!important;caret-color:transparent!important;"
    "scroll-behavior:auto!important}"
    ":where([data-focus=key],input:is([type=text],[type=password],[type=search],[type=email],[type=url],[type=tel],"
    "[type=number],:not([type]))[data-focus],textarea[data-focus],[contenteditable][data-focus])"
    "{outline:-webkit-focus-ring-color auto 1px}"
)
_LINK = re.compile(r"<link[^>]*href=\"([^\"]+)\"[^>]*>")
_SCRIPT = re.compile(r"<script([^>]*)>(.*?)</script>", re.DOTALL)
_SOURCE = re.compile(r"src=\"([^\"]+)\"")
_URL = re.compile(r"url\(\s*['\"]?([^'\")]+)['\"]?\s*\)")
_PICTURE = re.compile(r"(src=['\"])([^'\":]+\.(?:png|gif|jpg|svg))(['\"])")
_FOCUS, _FOCUSED = re.compile(r":focus(?![-\w])"), "[data-focus]"  # see focus.js
_LEAVING = re.compile(r"(?<![\w$.])(?:(?:window|top)\.)?location(?:(?:\.href)?\s*=\s*(?=[a-z\"])(?!no\b)|\.reload\(\))")
"""What scripts of a frame leave it by, which nothing can override."""
_COMPOSED = re.compile(r"'(\.\./common/[\w/-]+/)' \+ ([\w.\[\]]+) \+\s*'\.png'")
_BODY = re.compile(r"<body[^>]*>(.*)</body>", re.DOTALL)
_STYLES = re.compile(r"<style[^>]*>.*?</style>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Document:
    """A page, cut into what is loaded once and what every episode starts with."""

    name: str
    shell: str
    """The document with styles and libraries and an empty body."""
    body: str
    """Inner HTML of the body."""
    scripts: tuple[str, ...]
    """The task's own scripts."""
    reload: bool = False
    """Whether it is loaded anew for every episode, because its scripts keep state where nothing can reach it."""
    frame: str = ""
    """The document of the frame in it, "" without one."""
    files: Mapping[str, str] = field(default_factory=dict)
    """What the frame fetches, by the address that it fetches it from."""


def runtime() -> str:
    """Returns the scripts of the package that every page gets first."""
    return "\n".join(_own(name) for name in RUNTIME)


def _own(name: str) -> str:
    return (Path(__file__).parent / "page" / name).read_text(encoding="utf-8")


def require_pages() -> Path:
    """Returns the folder of the fetched pages; raises `MissingSimulator` with the command that fetches them."""
    folder = assets.find(ASSET)
    if folder is None:
        raise MissingSimulator("miniwob: the web pages are not here yet; run: envsuite assets fetch miniwob")
    return folder


@functools.cache
def load(task: str) -> Document:
    """Returns the page of an upstream task name; raises `MissingSimulator` without the pages."""
    html = require_pages()
    if task.startswith("flight."):
        folder = html / "flight" / task.removeprefix("flight.")
        page = parse(task, (folder / "wrapper.html").read_text(encoding="utf-8"), folder)
        files = {name: (folder / name).read_text(encoding="utf-8") for name in _FETCHED}
        return dataclasses.replace(page, frame=_frame(folder / "index.html"), files=files, reload=True)
    path = html / "miniwob" / f"{task}.html"
    return parse(task, path.read_text(encoding="utf-8"), path.parent)


def _frame(path: Path) -> str:
    """Returns a document with everything inlined where it stands."""
    folder = path.parent
    text = path.read_text(encoding="utf-8").replace(
        "<head>", f"<head><style>{_STYLE}</style>{script(_own('frame.js'))}", 1
    )
    text = _LINK.sub(lambda match: _linked(folder, match[1]), text)
    text = _SCRIPT.sub(lambda match: _scripted(folder, match[1], match[0]), text)
    text = _LEAVING.sub(lambda match: "window.left=" + ("true" if match[0].endswith(")") else ""), text)
    return inline_pictures(text, folder)


def _linked(folder: Path, name: str) -> str:
    path = folder / name.partition("?")[0]
    return f"<style>{_style_sheet(path)}</style>" if path.suffix == ".css" and path.is_file() else ""


def _scripted(folder: Path, attributes: str, whole: str) -> str:
    source = _SOURCE.search(attributes)
    if not source:
        return whole
    path = folder / source[1].partition("?")[0]
    return script(path.read_text(encoding="utf-8")) if path.is_file() else ""


def parse(name: str, text: str, folder: Path) -> Document:
    """Returns a page whose relative addresses are taken from `folder`."""
    head, _, rest = text.partition("</head>")
    found = _BODY.search(rest)
    body = found[1] if found else rest
    return Document(
        name=name,
        shell=shell(_styles(head, folder) + _libraries(head, folder)),
        body=inline_pictures(_SCRIPT.sub("", body), folder),
        scripts=tuple(
            _mended(name, inline_pictures(_named_pictures(source, folder), folder))
            for attributes, source in _SCRIPT.findall(head + body)
            if "src=" not in attributes and source.strip()
        ),
        reload=name in _RELOADED,
    )


def _named_pictures(source: str, folder: Path) -> str:
    """Returns a script that finds the pictures whose addresses it puts together."""
    found = _COMPOSED.search(source)
    if found is None:
        return source
    pictures = {path.stem: data_url(path, path.name) for path in sorted((folder / found[1]).glob("*.png"))}
    return f"var composedPictures = {json.dumps(pictures)};\n" + _COMPOSED.sub(r"composedPictures[\2]", source)


def _mended(name: str, source: str) -> str:
    for old, new in MENDS.get(name, ()):
        if old in source:
            source = source.replace(old, new)
    return source


def shell(head: str) -> str:
    """Returns a document with the runtime, then `head`, and an empty body."""
    return (
        '<!DOCTYPE html><html><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<style>{_STYLE}</style>{script(runtime())}{head}</head><body></body></html>"
    )


def script(source: str) -> str:
    """Returns an inline script element."""
    return "<script>" + source.replace("</script", "<\\/script") + "</script>"


def _styles(head: str, folder: Path) -> str:
    parts = []
    for match in re.finditer(f"{_LINK.pattern}|{_STYLES.pattern}", _SCRIPT.sub("", head), re.DOTALL):
        if match[1]:
            parts.append(f"<style>{_style_sheet(folder / match[1])}</style>")
        else:
            parts.append(_FOCUS.sub(_FOCUSED, _inline_urls(match[0], folder)))
    return "".join(parts)


def _style_sheet(path: Path) -> str:
    return _FOCUS.sub(_FOCUSED, _inline_urls(path.read_text(encoding="utf-8"), path.parent))


def _inline_urls(text: str, folder: Path) -> str:
    return _URL.sub(lambda match: f"url({data_url(folder / match[1], match[1])})", text)


def _libraries(head: str, folder: Path) -> str:
    parts = []
    for attributes, _ in _SCRIPT.findall(head):
        source = _SOURCE.search(attributes)
        if source:
            parts.append(script((folder / source[1]).read_text(encoding="utf-8")))
    return "".join(parts)


def inline_pictures(text: str, folder: Path) -> str:
    """Returns the text with the pictures that it names as `src="..."` or `url(...)` inside."""
    text = _PICTURE.sub(lambda match: f"{match[1]}{data_url(folder / match[2], match[2])}{match[3]}", text)
    return _inline_urls(text, folder)


def data_url(path: Path, name: str) -> str:
    """Returns a file as a `data:` address, `name` itself where there is no such file."""
    if name.startswith(("data:", "#", "http")) or not path.is_file():
        return name
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
