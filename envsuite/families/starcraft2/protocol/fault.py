"""Faults: what the simulator answers when it does not do what it is asked."""

from __future__ import annotations


class Fault(Exception):
    """Raised for a request that is wrong as a whole; its text goes into the response's `error`."""


class Refusal(Exception):
    """Raised for a request with an error enumeration of its own.

    Attributes:
        code: its number in the response's enumeration.
        details: what was expected, what came, and the next step.
    """

    def __init__(self, code: int, details: str) -> None:
        super().__init__(details)
        self.code, self.details = code, details
