"""English for what an observation of a page says; names of events, reward factors, metrics and signals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envsuite.families.miniwob.nodes import COLUMNS, FLAGS, TAGS, text_of

EVENTS = ("changed", "progress", "setback", "succeeded", "failed", "timed_out")
"""What a step may have brought:

changed: the page is not as it was; progress, setback: more, fewer of the things asked for are right; succeeded: the
raw reward is 1; failed: the page ended the episode with less; timed_out: the page's limit ended it.
"""
FACTORS = ("raw", "time")
"""The parts of the reward: the page's raw reward, and what is taken from it for the time that passed."""
METRICS = ("raw_reward", "potential", "elapsed_s", "page_changes")
"""At the end: raw reward, share of the things asked for that are right, seconds of the page's clock, changes."""
SIGNALS = ("potential", "raw_reward", "elapsed_s")
"""Numbers in every info that vector envs carry: what is right so far, the raw reward, seconds of the page's clock."""
_STATES = ("focused", "checked", "disabled")


def describe(observation: Mapping[str, Any], info: Mapping[str, Any]) -> str:
    """Returns the instruction and a line for every element that can be used or read, with its number."""
    del info
    lines = [f"Instruction: {text_of(observation['utterance'])}"]
    flags, nodes = observation["flags"], observation["nodes"]
    for row in range(int(observation["node_mask"].sum())):
        text, value = text_of(observation["text"][row]), text_of(observation["value"][row])
        used = flags[row, FLAGS.index("actionable")] or flags[row, FLAGS.index("typeable")]
        if not (used or text):
            continue
        name = TAGS[int(nodes[row, COLUMNS.index("tag")])].replace("_", " ")
        parts = [f"[{row}]", "text" if name == "t" else name, repr(text) if text else ""]
        parts += [f"holding {value!r}" if value else ""]
        parts += [state for state in _STATES if flags[row, FLAGS.index(state)]]
        lines.append(" ".join(part for part in parts if part))
    return "\n".join(lines)
