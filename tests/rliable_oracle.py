"""rliable as an oracle: loaded with the version of arch it needs, and drawing from a seeded generator."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import ModuleType

import numpy as np
import pytest


@contextlib.contextmanager
def rliable(seed: int) -> Iterator[ModuleType]:
    """Yields `rliable.library`, whose `random_state` it ignores itself: it draws from numpy's global generator."""
    decorators = pytest.importorskip("pandas.util._decorators")
    with pytest.MonkeyPatch.context() as patch:
        # arch 7 expects an older signature of this decorator.
        patch.setattr(decorators, "deprecate_kwarg", lambda *_, **__: lambda function: function)
        library = pytest.importorskip("rliable.library")
        patch.setattr(np.random, "choice", np.random.RandomState(seed).choice)  # rliable calls it
        yield library


def brackets(*reps: int) -> tuple[float, float]:
    """Returns two confidences between whose ends those of a 95 % interval of other draws must lie.

    The share of n replicates below the true 2.5 % quantile has variance 0.025 * 0.975 / n, whatever their
    distribution. Four standard deviations of the difference of two such shares are allowed, which one end in
    16,000 exceeds.
    """
    allowed = 4 * np.sqrt(sum(0.025 * 0.975 / n for n in reps))
    return 0.95 + 2 * allowed, 0.95 - 2 * allowed
