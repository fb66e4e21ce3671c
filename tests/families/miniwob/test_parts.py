"""Pages whose instruction has parts: some right at the start, some asked for alone, others than the page has drawn."""

import pytest
from families.miniwob.playing import make, play

from envsuite.errors import InvalidTask
from envsuite.families.miniwob.actions import encode
from envsuite.families.miniwob.expert import make_expert
from envsuite.families.miniwob.nodes import FLAGS

pytestmark = pytest.mark.usefixtures("web")

PAGES = ("login-user", "enter-password", "click-checkboxes", "social-media-all")
OTHERS = {
    "login-user": {"username": "<b>ann*", "password": "a \"b' c"},
    "enter-password": {"target": "pass word"},
    "click-checkboxes": {f"target {index}": f"label {index}" for index in range(8)},
    "social-media-all": {"button": "Retweet"},
}
SEEDS = range(6)


@pytest.fixture(scope="module")
def envs():
    found = {page: make(page) for page in PAGES}
    yield found
    for env in found.values():
        env.close()


def solve(env, seed, **options):
    """Returns the last info and the number of steps that the scripted agent takes."""
    info, actions = play(env, make_expert(env.task_info()), seed, **options)
    return info, len(actions)


def parts(info):
    """Returns how many parts the instruction of a page has, as its own fields tell."""
    fields = dict(info["fields"])
    return sum(key not in ("button", "submit", "user") for key in fields)


@pytest.mark.parametrize("page", PAGES)
def test_without_options_the_episode_is_the_pages_own(envs, page):
    env = envs[page]
    plain = [env.reset(seed=seed) for seed in SEEDS]
    for seed, (observation, info) in zip(SEEDS, plain, strict=True):
        env.reset(seed=seed, options={"prefill": 1, "subgoal": 1, "fields": OTHERS[page]})
        again, info_again = env.reset(seed=seed)
        assert info_again["utterance"] == info["utterance"]
        assert info_again["fields"] == info["fields"]
        assert (again["nodes"] == observation["nodes"]).all()
        assert (again["flags"] == observation["flags"]).all()


@pytest.mark.parametrize("page", PAGES)
def test_what_is_prefilled_is_right_and_saves_steps(envs, page):
    env = envs[page]
    for seed in SEEDS:
        whole, steps = solve(env, seed)
        _, info = env.reset(seed=seed, options={"prefill": 1})
        asked = {"login-user": 2, "enter-password": 2, "click-checkboxes": parts(whole)}.get(page)
        if asked:
            assert info["potential"] == 1 / asked
        assert info["utterance"] == whole["utterance"]
        assert info["fields"] == whole["fields"]
        end, fewer = solve(env, seed, prefill=1)
        assert end["success"], (seed, end["reason"])
        assert fewer == steps - (asked != 0)


@pytest.mark.parametrize("page", PAGES)
def test_a_subgoal_asks_for_less_and_is_reached_by_less(envs, page):
    env = envs[page]
    shorter = 0
    for seed in SEEDS:
        whole, steps = solve(env, seed)
        end, fewer = solve(env, seed, subgoal=1)
        assert end["success"], (seed, end["utterance"], end["reason"])
        assert fewer == min(steps, 2)  # one part and the button
        assert (end["utterance"] != whole["utterance"]) == (fewer < steps)
        assert (end["fields"] != whole["fields"]) == (fewer < steps)
        shorter += fewer < steps
    assert shorter >= len(SEEDS) // 2


@pytest.mark.parametrize(
    ("page", "subgoal", "said", "told"),
    [
        ("login-user", ["password"], 'Enter the password "', {"password"}),
        ("login-user", ["username"], 'Enter the username "', {"username"}),
        ("enter-password", ["verify"], "into the second text field and press submit.", {"verify"}),
        (
            "click-checkboxes",
            ["target 2", "target 0"],
            "{target 0}, {target 2} ",
            {"target 0", "target 1", "button"},
        ),
        ("social-media-all", ["2"], "button on post 2 by @", {"button", "user", "posts", "submit"}),
    ],
)
def test_a_subgoal_names_its_parts(envs, page, subgoal, said, told):
    env = envs[page]
    least = {"click-checkboxes": 4, "social-media-all": 5}.get(page, 0)  # three targets; three posts and the button
    seed = next(seed for seed in range(50) if solve(env, seed)[1] >= least)
    whole, _ = solve(env, seed)
    end, steps = solve(env, seed, subgoal=subgoal)
    for key, value in whole["fields"]:
        said = said.replace(f"{{{key}}}", value)
    assert said in end["utterance"]
    assert {key for key, _ in end["fields"]} == told
    assert steps == len(subgoal) + 1
    assert end["success"]


def test_what_a_subgoal_leaves_out_has_to_stay_as_it_is(envs):
    env = make("login-user", actions="text")
    observation, info = env.reset(seed=1, options={"subgoal": ["password"]})
    rows = {bytes(each).rstrip(b"\0").decode(): row for row, each in enumerate(observation["id"]) if each.any()}
    password = dict(info["fields"])["password"]
    *_, info = env.step(encode(f'type {rows["password"]} "{password}"'))
    assert info["potential"] == 1.0
    *_, info = env.step(encode(f'type {rows["username"]} "ann"'))
    assert info["potential"] == 0.0
    *_, terminated, _, info = env.step(encode(f"click {rows['subbtn']}"))
    assert terminated
    assert info["success"] is False
    assert info["reason"] == "not as the instruction says"
    env.close()


@pytest.mark.parametrize("page", PAGES)
def test_fields_are_asked_for(envs, page):
    env = envs[page]
    for seed in SEEDS:
        end, _ = solve(env, seed, fields=OTHERS[page])
        assert OTHERS[page].items() <= dict(end["fields"]).items()
        assert all(value in end["utterance"] for value in OTHERS[page].values())
        assert end["success"], (seed, end["utterance"], end["reason"])


def test_counts_above_what_a_seed_has_mean_all(envs):
    for page in ("click-checkboxes", "social-media-all"):
        for seed in SEEDS:
            whole, _ = solve(envs[page], seed)
            _, info = envs[page].reset(seed=seed, options={"subgoal": 99, "prefill": 99})
            assert info["utterance"] == whole["utterance"]
            assert info["potential"] == 1.0
            end, steps = solve(envs[page], seed, subgoal=99, prefill=99)
            assert end["success"]
            assert steps == 1


def test_options_replay_from_a_snapshot(envs):
    env = envs["click-checkboxes"]
    observation, info = env.reset(seed=3, options={"fields": OTHERS["click-checkboxes"], "prefill": 2})
    snapshot = env.snapshot()
    env.reset(seed=4)
    env.restore(snapshot)
    assert env.action_masks().tolist() == observation["action_mask"].tolist()
    agent = make_expert(env.task_info())
    agent.reset(3)
    over = False
    while not over:
        observation, _, terminated, truncated, info = env.step(agent.act(observation))
        over = terminated or truncated
    assert info["success"]


@pytest.mark.parametrize(
    ("page", "options", "said"),
    [
        ("login-user", {"prefill": 3}, "prefill: expected 0 to 2 of username, password, got 3"),
        ("login-user", {"subgoal": 0}, "subgoal: expected 1 to 2 of username, password, got 0"),
        ("login-user", {"subgoal": ["name"]}, "subgoal: expected 1 to 2 of username, password"),
        ("login-user", {"fields": {"user": "x"}}, 'fields: expected some of username, password, got "user"'),
        ("login-user", {"fields": {}}, "fields: expected some of username, password"),
        ("login-user", {"fields": {"username": "a\nb"}}, "fields: expected a text of one line for username"),
        ("login-user", {"fields": {"username": ""}}, "fields: expected a text of one line for username"),
        ("enter-password", {"fields": {"password": "x"}}, "fields: expected some of target"),
        ("click-checkboxes", {"fields": {"target 0": "a", "target 1": "a"}}, "different labels without a comma"),
        ("click-checkboxes", {"fields": {"target 0": "a, b"}}, "different labels without a comma"),
        ("click-checkboxes", {"fields": {"target 1": "a"}}, "fields: expected some of target 0"),
        ("social-media-all", {"fields": {"button": "Dislike"}}, "fields: button: expected one of Reply, Retweet"),
        ("social-media-all", {"fields": {"user": "@nobody"}}, "fields: user: expected one of @"),
        ("social-media-all", {"prefill": ["0"]}, "prefill"),
        ("login-user", {"style": "natural"}, "expected it only for forms"),
    ],
)
def test_wrong_options_are_told_and_the_next_reset_works(envs, page, options, said):
    with pytest.raises(InvalidTask, match=said):
        envs[page].reset(seed=1, options=options)
    _, info = envs[page].reset(seed=1)
    assert info["potential"] < 1.0


def test_ticks_that_nobody_asked_for_count_against_the_others(envs):
    env = envs["click-checkboxes"]
    seed = next(seed for seed in range(50) if parts(env.reset(seed=seed)[1]) == 2)
    observation, info = env.reset(seed=seed, options={"prefill": 1})
    assert info["potential"] == 0.5
    wanted = {value for key, value in info["fields"] if key.startswith("target")}
    texts = [bytes(each).rstrip(b"\0").decode() for each in observation["text"]]
    other = next(row for row, text in enumerate(texts) if text and text not in wanted and texts[row - 1] == "")
    observation, _, _, _, info = env.step(env.form.action("click", element=other - 1))
    assert observation["flags"][:, FLAGS.index("checked")].sum() == 2
    assert info["potential"] == 0.0
