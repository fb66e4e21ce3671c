"""The page for language agents: pruned HTML and the accessibility tree."""

from __future__ import annotations

import html
from typing import Any

from envsuite.families.miniwob.browser import Page
from envsuite.families.miniwob.nodes import COLUMNS, FLAGS, TAGS, Nodes, text_of

_TAG, _PARENT = COLUMNS.index("tag"), COLUMNS.index("parent")
_SHOWN = tuple((name, FLAGS.index(name)) for name in ("focused", "checked", "disabled"))
_STATES = frozenset({"focused", "checked", "disabled", "selected", "expanded"})
_IGNORED_ROLES = frozenset({"none", "generic", "InlineTextBox", "LineBreak", "RootWebArea", "StaticText"})


def pruned_html(nodes: Nodes) -> str:
    """Returns the visible elements as nested tags; `ref` is the row, which actions take as the element.

    Only what an agent can use is kept: id, class, value, type, and the states focused, checked and disabled. An
    observation in tokens has no texts to show; the tags stay.
    """
    arrays = nodes.arrays
    parents = arrays["nodes"][: nodes.count, _PARENT].tolist()
    children: dict[int, list[int]] = {}
    for row, parent in enumerate(parents):
        children.setdefault(parent, []).append(row)
    return "\n".join(line for row in children.get(-1, ()) for line in _lines(nodes, row, children, 0))


def _lines(nodes: Nodes, row: int, children: dict[int, list[int]], depth: int) -> list[str]:
    arrays, indent = nodes.arrays, " " * depth
    text = "" if nodes.layout.tokens else html.escape(text_of(arrays["text"][row]), quote=False)
    tag = TAGS[int(arrays["nodes"][row, _TAG])]
    if tag == "t":
        return [indent + text]
    name, _, kind = tag.partition("_")
    attributes = [f'type="{kind}"'] if kind else []
    for label, column in (("id", "id"), ("class", "classes"), ("value", "value")):
        value = "" if nodes.layout.tokens else text_of(arrays[column][row])
        if value:
            attributes.append(f'{label}="{html.escape(value)}"')
    attributes += [label for label, column in _SHOWN if arrays["flags"][row, column]]
    head = " ".join([name, f"ref={row}", *attributes])
    inner = children.get(row, ())
    if not inner:
        return [f"{indent}<{head}>{text}</{name}>"]
    body = [line for child in inner for line in _lines(nodes, child, children, depth + 1)]
    return [f"{indent}<{head}>", *body, f"{indent}</{name}>"]


def accessibility(page: Page) -> str:
    """Returns the browser's accessibility tree as indented lines of role, name, value and states."""
    answer = page.browser.session_call(page, "Accessibility.getFullAXTree", {})
    found: dict[str, dict[str, Any]] = {node["nodeId"]: node for node in answer["nodes"]}
    roots = [node for node in found.values() if node.get("parentId") not in found]
    return "\n".join(line for root in roots for line in _tree(root, found, 0))


def _tree(node: dict[str, Any], found: dict[str, dict[str, Any]], depth: int) -> list[str]:
    role = str(node.get("role", {}).get("value", ""))
    name = str(node.get("name", {}).get("value", "")).strip()
    lines = []
    if role == "StaticText" and name:
        lines.append(f"{' ' * depth}{name!r}")
    elif not node.get("ignored") and role not in _IGNORED_ROLES:
        parts = [role, repr(name) if name else ""]
        value = node.get("value", {}).get("value")
        parts.append(f"value={value!r}" if value not in (None, "") else "")
        states = [each["name"] for each in node.get("properties", ()) if each["value"].get("value")]
        parts += [state for state in states if state in _STATES]
        lines.append(" " * depth + " ".join(part for part in parts if part))
        depth += 1
    for child in node.get("childIds", ()):
        if child in found:
            lines += _tree(found[child], found, depth)
    return lines
