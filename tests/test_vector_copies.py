"""Copies of a batch share no memory with what anybody holds, and are fresh memory only where they must be."""

import numpy as np
import pytest

from envsuite.vector.copies import Copies


@pytest.fixture
def batch():
    return {"a": np.arange(6.0).reshape(2, 3), "b": (np.zeros(2, np.int8), np.ones((2, 2), np.uint8))}


def arrays(tree):
    return [tree["a"], *tree["b"]]


def test_a_copy_is_the_same_and_lies_elsewhere(batch):
    copy = Copies().of(batch)
    for array, original in zip(arrays(copy), arrays(batch), strict=True):
        np.testing.assert_array_equal(array, original)
        assert array.dtype == original.dtype
        assert not np.shares_memory(array, original)


def test_what_is_held_keeps_what_it_says(batch):
    copies = Copies()
    held = []
    for step in range(6):
        batch["a"][:] = step
        held.append(copies.of(batch))
    assert [copy["a"][0, 0] for copy in held] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "hold", [lambda array: array[0], lambda array: array.T, memoryview, lambda array: array.view(np.int64)]
)
def test_a_view_holds_its_copy(batch, hold):
    copies = Copies()
    batch["a"][:] = 1
    view = hold(copies.of(batch)["a"])
    before = np.array(view)
    for step in range(2, 6):
        batch["a"][:] = step
        copies.of(batch)
    np.testing.assert_array_equal(np.array(view), before)


def test_a_tensor_holds_its_copy(batch):
    torch = pytest.importorskip("torch")
    copies = Copies()
    batch["a"][:] = 1
    tensor = torch.from_numpy(copies.of(batch)["a"])
    for step in range(2, 6):
        batch["a"][:] = step
        copies.of(batch)
    assert tensor.eq(1).all()


def test_what_is_dropped_is_written_again(batch):
    copies = Copies()
    places = set()
    copy = None
    for _ in range(10):
        copy = copies.of(batch)
        places.add(copy["a"].ctypes.data)
    assert copy is not None
    assert len(places) == 2
