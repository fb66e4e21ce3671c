"""How much of what an instruction asks for is right: the potential of Gur et al. 2019 (QWeb), seen from outside."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from envsuite.families.miniwob.fields import Field
from envsuite.families.miniwob.nodes import COLUMNS, FLAGS, TAGS, Nodes, text_of

_PARENT, _TAG = COLUMNS.index("parent"), COLUMNS.index("tag")
_TYPEABLE, _CHECKED = FLAGS.index("typeable"), FLAGS.index("checked")
_TEXT = TAGS.index("t")


def share(nodes: Nodes, fields: Sequence[Field]) -> float:
    """Returns the share of the fields, 0 to 1, whose value a control holds or a ticked box is labelled with.

    0 where there are no fields, and for observations in tokens, which hold no texts.
    """
    if not fields or nodes.layout.tokens:
        return 0.0
    found = _held(nodes)
    return sum(value in found for _, value in fields) / len(fields)


def _held(nodes: Nodes) -> set[str]:
    arrays, count = nodes.arrays, nodes.count
    flags, table = arrays["flags"][:count], arrays["nodes"][:count]
    found = {text_of(arrays["value"][row]).strip() for row in np.flatnonzero(flags[:, _TYPEABLE])}
    for row in np.flatnonzero(flags[:, _CHECKED]):
        parent = table[row, _PARENT]
        labels = np.flatnonzero((table[:, _PARENT] == parent) & (table[:, _TAG] == _TEXT))
        found |= {text_of(arrays["text"][label]).strip() for label in (row, parent, *labels)}
    return found - {""}
