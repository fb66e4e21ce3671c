"""The MiniWoB tasks: a row for every page of the wheel, and ours."""

from __future__ import annotations

from envsuite.families.miniwob.pages import Page, pages
from envsuite.references import references
from envsuite.task import Task, format_id

STEP_MS = 250.0
"""Milliseconds of the page's clock that pass with a step."""
_KEYBOARD = frozenset(
    [
        "copy-paste",
        "copy-paste-2",
        "count-shape",
        "find-word",
        "guess-number",
        "read-table",
        "read-table-2",
        "simple-algebra",
        "simple-arithmetic",
        "terminal",
        "text-editor",
        "text-transform",
        "use-colorwheel",
        "use-colorwheel-2",
        "use-spinner",
        "visual-addition",
        "generate-number",
        "enter-text-2",
        "unicode-test",
        "daily-calendar",
        "stock-market",
        "use-slider",
        "use-slider-2",
        "odd-or-even",
        "grid-coordinate",
        "scroll-text-2",
        "number-checkboxes",
        "tic-tac-toe",
        "ascending-numbers",
        "buy-ticket",
        "form-sequence",
        "form-sequence-2",
        "form-sequence-3",
    ]
)
"""Pages whose answer is typed though the instruction does not name it."""
_CORE = frozenset(
    ["click-checkboxes-soft", "choose-date", "book-flight", "social-media-all", "email-inbox-nl-turk", "forms"]
)
_QUICK = frozenset({"login-user", "click-checkboxes"})
_HIDDEN = frozenset({"guess-number", "hot-cold"})
"""Pages that begin alike under every seed: what it decides shows only when it is found."""
_SIZES: dict[str, dict[str, int]] = {
    "flight": {"max_nodes": 512},
    "forms": {"max_nodes": 512, "max_fields": 40, "utterance_bytes": 4096},
    "find-word": {"text_bytes": 255},
    "scroll-text": {"text_bytes": 255},
}
"""Arguments of pages with more on them than the others."""
_OWN = {
    "book-flight-form": Page(
        name="book-flight-form",
        goal="Fill in from where to where and when to fly, and search.",
        limit_s=30,
        group="form",
        origin="own",
    ),
    "forms": Page(
        name="forms",
        goal="Fill in a form as the instruction says and send it.",
        limit_s=210,
        group="form",
        origin="own",
    ),
}
"""Pages of our own: of the forms, the limit is that of the largest."""


def _actions(page: Page) -> str:
    """Returns the preset that can solve the page."""
    if page.pointer:
        return "pointer"
    if page.group == "waiting":
        return "waiting"
    return "keyboard" if page.name in _KEYBOARD else "elements"


def _tags(page: Page) -> frozenset[str]:
    tags = {"discrete", "procedural", "language", "goal", page.group, page.origin}
    tags |= {"core"} if page.name in _CORE else set()
    tags |= {"quick"} if page.name in _QUICK else set()
    tags |= {"hidden"} if page.name in _HIDDEN else set()
    tags |= {"parameters"} if page.name == "forms" else set()
    return frozenset(tags)


def _task(page: Page) -> Task:
    task_id = format_id("miniwob", page.name)
    return Task(
        id=task_id,
        goal=page.goal,
        entry_point="envsuite.families.miniwob.env:MiniwobEnv",
        kwargs={"page": page.name, "limit_s": float(page.limit_s), "actions": _actions(page)}
        | _SIZES.get("flight" if page.group == "flight" else page.name, {}),
        max_episode_steps=round(page.limit_s * 1000 / STEP_MS),
        metric="success_rate",
        reward_range=(-1.0, 1.0),
        # The same browser and fonts: the places of elements are part of an observation.
        deterministic="build",
        snapshots=True,
        tags=_tags(page),
        **references(__package__, task_id),
    )


TASKS: tuple[Task, ...] = tuple(_task(page) for page in (*pages().values(), *_OWN.values()))
"""Every task of the family."""
