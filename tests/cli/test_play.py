import io
import json

import numpy as np
import pytest
from gymnasium import spaces
from typer.testing import CliRunner

from envsuite import registration
from envsuite.cli import play as module
from envsuite.cli.main import app
from envsuite.cli.play import InvalidOption, parse_task, play
from envsuite.cli.replay import InvalidRecording, decode, encode, read, replay
from envsuite.episode import Start, run_episode
from envsuite.errors import InvalidTask, UnknownName

pygame = pytest.importorskip("pygame")
runner = CliRunner()

BOX = spaces.Box(-1.0, 1.0, (2,), np.float32)


@pytest.fixture(autouse=True)
def _without_a_screen(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.delenv("PYGAME_HIDE_SUPPORT_PROMPT", raising=False)


class Typist:
    """Posts one batch of key events per frame, as somebody at the keyboard would."""

    def __init__(self, *batches, then_quit=True):
        self.batches, self.then_quit = list(batches), then_quit
        self.frames = 0
        self.surfaces = []

    def __call__(self, screen):
        self.frames += 1
        if screen.surface is not None:
            self.surfaces.append(pygame.surfarray.array3d(screen.surface))
        if self.batches:
            for kind, key in self.batches.pop(0):
                pygame.event.post(pygame.event.Event(kind, key=key, mod=0, unicode=""))
        elif self.then_quit:
            pygame.event.post(pygame.event.Event(pygame.QUIT))


def down(*keys):
    return [(pygame.KEYDOWN, key) for key in keys]


def up(*keys):
    return [(pygame.KEYUP, key) for key in keys]


class Repeat:
    """An agent that takes recorded actions."""

    def __init__(self, actions):
        self.actions = list(actions)

    def reset(self, seed):
        pass

    def act(self, observation):
        return self.actions.pop(0)


# Playing and recording.


@pytest.mark.parametrize(
    ("task_id", "keys"),
    [
        ("envsuite/crafter-reward-v1", [pygame.K_LEFT, pygame.K_SPACE]),
        ("envsuite/bipedal-flat-v1", [pygame.K_q, pygame.K_o]),
        ("envsuite/nethack-staircase-v1", [pygame.K_j, pygame.K_l]),
    ],
)
def test_a_recording_replays_to_the_same_trajectory(tmp_path, task_id, keys):
    path = tmp_path / "folder" / "played.jsonl"
    typist = Typist(down(keys[0]), down(keys[1]), up(keys[0]), down(keys[0]))
    (recording,) = play(task_id, seed=5, fps=1000, steps=4, record=path, on_frame=typist)
    assert len(recording.actions) >= 3
    assert list(read(path)) == [recording]
    (again,) = replay(path)
    assert again.same
    assert again.rewards == recording.rewards
    assert not np.array_equal(typist.surfaces[0], typist.surfaces[-1])


def test_the_trajectory_hash_is_that_of_an_episode_and_the_window_waits_at_its_end():
    task_id = "envsuite/bipedal-flat-v1"
    # Stretching both knees makes the walker fall long before the keyboard is left.
    typist = Typist(down(pygame.K_s, pygame.K_SEMICOLON), *([[]] * 120))
    (recording,) = play(task_id, seed=1, fps=1000, on_frame=typist)
    assert recording.terminated
    assert len(recording.actions) < 120
    with registration.make_env(task_id) as env:
        actions = [decode(env.action_space, action) for action in recording.actions]
        episode = run_episode(env, Repeat(actions), Start(seed_index=0, env_seed=1, agent_seed=0))
    assert episode.outcome == "terminated"
    assert episode.trajectory == recording.trajectory
    assert episode.return_ == sum(recording.rewards)


def test_a_changed_recording_is_told_apart(tmp_path):
    path = tmp_path / "played.jsonl"
    play("bipedal-flat-v1", fps=1000, steps=3, record=path, on_frame=Typist(down(pygame.K_q), [], []))
    record = json.loads(path.read_text())
    record["actions"][1][0] = -1.0
    path.write_text(json.dumps(record) + "\n")
    assert not replay(path)[0].same
    result = runner.invoke(app, ["replay", str(path)])
    assert result.exit_code == 1
    assert result.stdout.startswith("different")


def test_f5_begins_the_next_seed_and_f6_the_same_again(tmp_path):
    path = tmp_path / "played.jsonl"
    key = pygame.K_RIGHT
    typist = Typist(down(key), down(pygame.K_F5), down(key), down(pygame.K_F6), down(key), down(pygame.K_ESCAPE))
    recordings = play("nethack-staircase-v1", seed=7, fps=1000, record=path, on_frame=typist)
    assert [recording.seed for recording in recordings] == [7, 8, 8]
    assert recordings[1].trajectory == recordings[2].trajectory != recordings[0].trajectory
    assert list(read(path)) == recordings
    assert all(item.same for item in replay(path))


def test_an_episode_without_a_step_is_not_recorded(tmp_path):
    path = tmp_path / "played.jsonl"
    assert play("nethack-staircase-v1", fps=1000, record=path, on_frame=Typist(down(pygame.K_F5))) == []
    assert not path.exists()


def test_where_the_environment_waits_nothing_happens_without_a_key():
    typist = Typist([], [], [], down(pygame.K_RIGHT), up(pygame.K_RIGHT), [])
    (recording,) = play("nethack-staircase-v1", fps=1000, on_frame=typist)
    assert len(recording.actions) == 1
    assert typist.frames >= 7


def test_f1_hides_the_keys():
    typist = Typist([], down(pygame.K_F1), [])
    play("nethack-staircase-v1", fps=1000, on_frame=typist)
    assert (typist.surfaces[0] > 100).sum() > (typist.surfaces[-1] > 100).sum()


def test_task_parameters_are_played_and_recorded(tmp_path):
    path = tmp_path / "played.jsonl"
    (recording,) = play(
        "bipedal-stumps-v1", task=[0.5, 3.0], fps=1000, steps=2, record=path, on_frame=Typist(down(pygame.K_q), [])
    )
    assert recording.task == [0.5, 3.0]
    assert replay(path)[0].same


def test_a_gif_has_a_picture_per_step_and_the_first(tmp_path):
    image = pytest.importorskip("PIL.Image")
    path = tmp_path / "played.gif"
    play("bipedal-flat-v1", fps=40, steps=3, gif=path, on_frame=Typist(down(pygame.K_q), [], [], then_quit=False))
    with image.open(path) as picture:
        assert picture.n_frames == 4
        assert picture.info["duration"] in (20, 30)


def test_the_command_plays_records_and_replays(tmp_path, monkeypatch):
    path = tmp_path / "played.jsonl"
    options = ["--seed", "3", "--fps", "1000", "--steps", "2", "--task", "0.5,3", "--record", str(path)]
    result = runner.invoke(app, ["play", "bipedal-stumps-v1", *options])
    assert result.exit_code == 0, result.output
    assert "seed 3: 2 steps, return" in result.stdout
    replayed = runner.invoke(app, ["replay", str(path), "--json"])
    assert replayed.exit_code == 0, replayed.output
    (record,) = json.loads(replayed.stdout)
    assert record["same"] is True
    assert record["length"] == 2


# What cannot be played.


def test_wrong_names_tasks_and_files_are_refused_before_the_window_opens(tmp_path):
    with pytest.raises(UnknownName):
        play("bipedal-flatt-v1")
    with pytest.raises(InvalidTask, match="no task parameters"):
        play("bipedal-flat-v1", task=[1.0])
    with pytest.raises(InvalidTask, match="expected a member"):
        play("bipedal-stumps-v1", task="tall")
    with pytest.raises(InvalidOption, match="--gif"):
        play("bipedal-flat-v1", record=tmp_path / "x.gif")
    with pytest.raises(InvalidOption, match="steps: expected a number >= 1, got 0"):
        play("bipedal-flat-v1", steps=0)
    with pytest.raises(InvalidOption, match="folder"):
        play("bipedal-flat-v1", record=tmp_path)
    notes = tmp_path / "notes.txt"
    notes.write_text("mine\n")
    with pytest.raises(InvalidRecording, match="line 1"):
        play("bipedal-flat-v1", record=notes)
    assert notes.read_text() == "mine\n"
    assert not pygame.display.get_init()


def test_a_machine_without_a_screen_and_a_terminal_is_told_so(monkeypatch):
    monkeypatch.delenv("SDL_VIDEODRIVER")
    monkeypatch.setattr(pygame.display, "init", lambda: None)
    monkeypatch.setattr(pygame.display, "get_driver", lambda: "offscreen")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(InvalidOption, match=r"play needs a screen.* or a terminal .* no terminal as stdin"):
        play("bipedal-flat-v1")


def test_a_terminal_that_is_asked_for_must_be_there(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(InvalidOption, match=r"terminal: expected .* no terminal as stdin.* leave --terminal out"):
        play("bipedal-flatt-v1", terminal=True)


def test_a_family_without_keys_is_told_so(monkeypatch):
    env = registration.make_env("bipedal-flat-v1", render_mode="rgb_array")
    env.keys = {}
    monkeypatch.setattr(module.registration, "make_env", lambda task_id, render_mode: env)
    with pytest.raises(InvalidOption, match="no key bindings"):
        play("bipedal-flat-v1")


@pytest.mark.parametrize(
    "text", ["", "mine\n", "[1]\n", '{"format": "other"}\n', '{"format": "envsuite-recording-1"}\n']
)
def test_what_is_no_recording_is_refused_with_its_line(tmp_path, text):
    path = tmp_path / "file.jsonl"
    path.write_text(text)
    with pytest.raises(InvalidRecording, match="line 1" if text else "empty"):
        replay(path)


def test_a_missing_recording_is_refused(tmp_path):
    result = runner.invoke(app, ["replay", str(tmp_path / "none.jsonl")])
    assert result.exit_code == 2
    assert "no file" in result.stderr


# Parts.


@pytest.mark.parametrize(
    "space",
    [
        BOX,
        spaces.Discrete(5, start=2),
        spaces.MultiDiscrete([3, 4]),
        spaces.Dict({"a": BOX, "b": spaces.Tuple([spaces.Discrete(3), spaces.MultiBinary(2)])}),
    ],
    ids=lambda space: type(space).__name__,
)
def test_actions_survive_json_bit_for_bit(space):
    space.seed(0)
    for _ in range(20):
        action = space.sample()
        again = decode(space, json.loads(json.dumps(encode(action))))
        assert space.contains(again)
        assert encode(again) == encode(action)


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.5,3", [0.5, 3]), ("[0.5, 3]", [0.5, 3]), ("2", 2), ('{"a": 1}', {"a": 1}), ("tall", "tall")],
)
def test_task_parameters_are_read_from_text(text, value):
    assert parse_task(text) == value
