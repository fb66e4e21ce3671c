"""Ids of which one stands for others of its kind, where a test would take too long for all."""

import pytest

import envsuite


def once_a_kind(task_ids):
    """Returns ids as parameters; web pages with the spaces of an earlier one go to the long tests."""
    kinds, parameters = set(), []
    for task_id in task_ids:
        spaces = [item for item in envsuite.get_task(task_id).kwargs.items() if item[0] not in ("page", "limit_s")]
        kind = str(spaces) if "/miniwob-" in task_id else task_id
        parameters.append(pytest.param(task_id, marks=pytest.mark.long if kind in kinds else ()))
        kinds.add(kind)
    return parameters
