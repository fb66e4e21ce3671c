"""BudgetClock: how long an agent may take, by a clock that nobody can set."""

from __future__ import annotations

from envsuite.task import Budget


class BudgetClock:
    """Counts an episode's time: every answer has `step_s`, and what goes beyond is taken from the bank.

    A call of a batched agent is one answer, for however many episodes. Seconds come from the caller.
    """

    def __init__(self, budget: Budget) -> None:
        self._step_s, self._full_s = budget.step_s, budget.bank_s
        self.bank_s = budget.bank_s
        """Seconds left in the bank."""

    def refill(self) -> None:
        """Begins an episode with a full bank."""
        self.bank_s = self._full_s

    @property
    def allowance_s(self) -> float:
        """Seconds that the next answer may take."""
        return self._step_s + self.bank_s

    def spend(self, seconds: float) -> None:
        """Takes from the bank what an answer took beyond `step_s`."""
        if seconds > self._step_s:
            self.bank_s = max(0.0, self.bank_s - (seconds - self._step_s))

    @property
    def terms(self) -> str:
        """What an agent has, in words."""
        return f"{self._step_s:g} s a step, then a bank of {self._full_s:g} s an episode"
