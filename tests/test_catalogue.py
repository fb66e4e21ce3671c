import pytest

from envsuite.catalogue import FAMILIES, SUITES, TASKS, family_of, find_tasks, get_suite, get_task
from envsuite.errors import UnknownName
from envsuite.suites import PUBLIC_SPLITS, episode_seed
from envsuite.task import format_id, parse_id


def test_six_families_are_discovered_by_their_constant():
    assert {"bipedal", "crafter", "metaworld", "miniwob", "nethack", "starcraft2"} <= set(FAMILIES)
    assert all(name == family.name for name, family in FAMILIES.items())


def test_every_id_follows_the_grammar_and_its_family():
    for task_id, task in TASKS.items():
        assert format_id(*parse_id(task_id)) == task_id == task.id
        assert task in FAMILIES[task.family].tasks


def test_families_have_the_ids_that_were_promised():
    counts = {name: len(family.tasks) for name, family in FAMILIES.items()}
    assert counts["crafter"] == 4
    assert counts["nethack"] == 8
    assert counts["metaworld"] == 50
    assert counts["bipedal"] == 3
    assert counts["miniwob"] == 135
    assert counts["starcraft2"] == 52


def test_every_task_has_a_goal_in_one_sentence():
    for task in TASKS.values():
        assert task.goal.endswith("."), task.id
        assert task.goal[0].isupper(), task.id


def test_the_namespace_may_be_left_out():
    assert get_task("crafter-reward-v1") is get_task("envsuite/crafter-reward-v1")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("envsuite/crafter-rewrd-v1", "envsuite/crafter-reward-v1"),
        ("metaworld-pick-plase-v1", "envsuite/metaworld-pick-place-v1"),
        ("crafter", "envsuite/crafter-reward-v1"),
    ],
)
def test_an_unknown_id_gets_the_nearest_names(wrong, right):
    with pytest.raises(UnknownName, match=right):
        get_task(wrong)


def test_an_unknown_suite_gets_the_nearest_names():
    with pytest.raises(UnknownName, match="quick-v1"):
        get_suite("quick")


def test_tasks_are_found_by_family_tag_and_text():
    assert len(find_tasks(family="crafter")) == 4
    assert len(find_tasks(tags=["mt10"])) == 10
    assert [task.id for task in find_tasks(text="pick-place-wall")] == ["envsuite/metaworld-pick-place-wall-v1"]


def test_a_misspelt_filter_is_an_error_and_not_an_empty_list():
    with pytest.raises(UnknownName, match="mt10"):
        find_tasks(tags=["mt01"])
    with pytest.raises(UnknownName, match="crafter"):
        find_tasks(family="craftr")


def test_quick_has_two_tasks_of_every_family():
    families = [family_of(task_id).name for task_id in SUITES["quick-v1"].task_ids]
    assert sorted(families) == sorted([*FAMILIES] * 2)


def test_core_covers_every_family_with_10_to_25_tasks():
    suite = SUITES["core-v1"]
    assert {family_of(task_id).name for task_id in suite.task_ids} == set(FAMILIES)
    assert 10 <= len(suite.tasks) <= 25
    assert all(entry.episodes >= 20 for entry in suite.tasks)


def test_meta_world_suites_hold_ten_and_fifty_tasks():
    assert len(SUITES["metaworld-mt10-v1"].tasks) == 10
    assert len(SUITES["metaworld-mt50-v1"].tasks) == 50


def test_seeds_differ_by_suite_split_task_index_and_root():
    seeds = {
        episode_seed(suite, split, task, i, root)
        for suite in ("quick-v1", "core-v1")
        for split in PUBLIC_SPLITS
        for task in list(TASKS)[:3]
        for i in range(3)
        for root in (0, 1)
    }
    assert len(seeds) == 2 * 2 * 3 * 3 * 2


def test_an_unknown_split_is_refused():
    with pytest.raises(ValueError, match="split"):
        episode_seed("quick-v1", "final", "envsuite/crafter-reward-v1", 0)
