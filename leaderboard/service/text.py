"""Kinds of text that requests hold, checked before anything is done with them."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator, StringConstraints

FORBIDDEN = ("Cc", "Cs", "Co", "Cn", "Zl", "Zp")
"""Categories of Unicode that no line has: controls, halves of pairs, private and unassigned ones, separators."""
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
"""Characters that turn the direction of what follows, and so can make a line read as another."""


def plain_line(text: str) -> str:
    """Returns a line in normal form NFC; raises ValueError for control characters and what turns its direction."""
    wrong = sorted({c for c in text if unicodedata.category(c) in FORBIDDEN or c in _TURNING})
    if wrong:
        codes = ", ".join(f"U+{ord(c):04X}" for c in wrong[:8])
        raise ValueError(f"expected a line without control characters, got {codes}")
    return unicodedata.normalize("NFC", text)


Line = Annotated[str, AfterValidator(plain_line)]
"""One line of text; pages escape it, so markup in it is only text."""
Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""An id that the store has made."""
Sha256 = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
SuiteName = Annotated[str, Path(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=120)]
SeasonName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]{0,78}[a-z0-9])?$")]
Lease = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""Of a job."""
WorkerName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,80}$")]
