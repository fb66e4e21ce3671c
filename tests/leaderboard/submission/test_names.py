from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from envsuite.leaderboard.submission.names import EXCLUDED, MAX_PROBLEMS, Limits, clashes, few, name_problem, shown

NAMES = st.text(st.characters(exclude_categories=("Cs",)) | st.sampled_from("ab./\\: ~"), max_size=12)


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(NAMES)
def test_a_name_without_a_problem_is_the_same_file_everywhere(name):
    assume(name_problem(name, Limits()) is None)
    for kind in (PurePosixPath, PureWindowsPath):
        path = kind("root") / name
        assert path.parts == ("root", *name.split("/"))
        assert not kind(name).is_absolute()
    assert name.isprintable()
    assert not EXCLUDED.intersection(name.split("/"))
    assert not clashes([(name, False)])


@given(
    st.lists(
        st.tuples(st.text("aAbB/", min_size=1, max_size=3).map(lambda name: name.strip("/") or "a"), st.booleans())
    )
)
def test_names_without_a_clash_can_all_be_made_where_case_is_ignored(names):
    assume(all(name_problem(name, Limits()) is None for name, _ in names))
    assume(not clashes(names))
    files = [name.lower() for name, is_folder in names if not is_folder]
    folders = {name.lower() for name, is_folder in names if is_folder}
    folders |= {"/".join(file.split("/")[:count]) for file in files for count in range(1, file.count("/") + 1)}
    assert len(files) == len(set(files))
    assert not folders.intersection(files)


@pytest.mark.parametrize(
    "name", ["agent.py", "weights/run-0.bin", "ümlaut/山.txt", ".gitignore", "a b", "a..b", "...x"]
)
def test_ordinary_names_have_no_problem(name):
    assert name_problem(name, Limits()) is None


def test_foreign_values_are_shown_short_and_in_ascii():
    assert shown("\x1b[31m") == r"'\x1b[31m'"
    assert shown("ü" * 100).endswith("...'")
    assert len(shown("ü" * 100)) == 80
    assert shown([1, 2]) == "[1, 2]"


def test_many_problems_are_counted():
    assert few(["a"] * MAX_PROBLEMS) == ["a"] * MAX_PROBLEMS
    assert few(["a"] * (MAX_PROBLEMS + 3))[-1] == "... and 3 more problems like these"
