"""Film strips: drawn from recorded actions in another process, once; or not, and then with a reason."""

import contextlib
import io
import threading

import numpy as np
import pytest

from envsuite.leaderboard import thumbnails
from envsuite.leaderboard.thumbnails import (
    AROUND,
    FRAMES,
    GAP,
    HEIGHT,
    TERMINAL,
    WIDTH,
    NoPicture,
    Reel,
    Strips,
    _around_hero,
    draw,
    draw_apart,
    key_of,
)
from envsuite.registration import make_env

Image = pytest.importorskip("PIL.Image")
KEY = key_of("envsuite/bipedal-flat-v1", 3, "0" * 64)
TASKS = (
    "envsuite/bipedal-flat-v1",
    "envsuite/crafter-reward-v1",
    "envsuite/metaworld-door-open-v1",
    "envsuite/nethack-score-v1",
)


def reel(task_id, steps=12, seed=3):
    with contextlib.closing(make_env(task_id)) as env:
        env.action_space.seed(seed)
        actions = [env.action_space.sample() for _ in range(steps)]
        return Reel(task_id=task_id, env_seed=seed, actions=env.action_space.to_jsonable(actions))


def frames(strip, count=FRAMES):
    """The frames of a strip, as arrays."""
    picture = np.asarray(Image.open(io.BytesIO(strip)).convert("RGBA"))
    width, rest = divmod(picture.shape[1] + GAP, count)
    assert rest == 0
    return [picture[:, i * width : (i + 1) * width - GAP] for i in range(count)]


def test_a_web_page_is_drawn_by_a_browser_of_its_own(web):
    strip = draw_apart(reel("envsuite/miniwob-click-checkboxes-v1", steps=2))
    assert all(picture.std() > 10 for picture in frames(strip, count=3))


@pytest.mark.parametrize("task_id", TASKS)
def test_every_family_has_strips(task_id, parts_of):
    parts_of(task_id)
    drawn = frames(draw_apart(reel(task_id)))
    assert all(frame.shape[0] <= HEIGHT and frame.shape[1] <= WIDTH for frame in drawn)
    assert all(frame[..., :3].std() > 3 for frame in drawn), "a frame is a picture and not one colour"
    assert not np.array_equal(drawn[0], drawn[-1])


def test_the_first_frame_is_the_world_of_the_seed():
    one, again, other = (draw(reel("envsuite/crafter-reward-v1", 0, seed)) for seed in (3, 3, 4))
    assert one == again
    assert not np.array_equal(frames(one, 1)[0], frames(other, 1)[0])


@pytest.mark.parametrize(("steps", "count"), [(0, 1), (1, 2), (3, 4), (5, 6), (12, 6)])
def test_a_strip_is_as_wide_as_the_frames_that_there_are(steps, count):
    drawn = frames(draw(reel("envsuite/crafter-reward-v1", steps)), count)
    assert {frame.shape for frame in drawn} == {(HEIGHT, HEIGHT, 4)}, "Crafter's frames are square"
    assert all(frame[..., 3].all() for frame in drawn), "none is left empty"


def test_of_a_terminal_the_part_around_the_hero_is_drawn():
    rows, columns = (count * shown // whole for count, shown, whole in zip((384, 640), AROUND, TERMINAL, strict=True))
    picture = np.arange(384 * 640 * 3, dtype=np.uint32).astype(np.uint8).reshape(384, 640, 3)
    for x, y, top, left in ((40, 10, 8, 32), (0, 0, 0, 0), (79, 22, 18, 64)):
        near = _around_hero(picture, {"blstats": np.array([x, y, 0])})
        assert np.array_equal(near, picture[top * 16 :, left * 8 :][:rows, :columns])
    assert _around_hero(picture, {"message": 1}) is picture
    assert _around_hero(picture, np.zeros(3)) is picture
    for frame in frames(draw(reel("envsuite/nethack-score-v1"))):
        assert frame.shape == (HEIGHT, WIDTH, 4)
        assert frame[60:80, 80:90, :3].mean() > 100, "the cursor's cell, with the hero in it, is in the middle"


def test_a_strip_is_drawn_once_and_its_file_is_served_afterwards(tmp_path, monkeypatch):
    wanted = reel("envsuite/bipedal-flat-v1")
    first = Strips(tmp_path).get(KEY, lambda: wanted)
    monkeypatch.setattr(thumbnails, "draw_apart", lambda *_, **__: pytest.fail("drawn again"))
    assert Strips(tmp_path).get(KEY, lambda: pytest.fail("asked again")) == first
    assert [path.suffix for path in tmp_path.rglob("*.*")] == [".webp"]


def test_actions_of_another_task_give_a_reason_that_is_kept(tmp_path):
    wrong = Reel(task_id="envsuite/crafter-reward-v1", env_seed=0, actions=[[0.1, 0.2], [0.3, 0.4]])
    assert Strips(tmp_path).why_none(KEY) == ""
    for _ in range(2):
        with pytest.raises(NoPicture):
            Strips(tmp_path).get(KEY, lambda: wrong)
    assert "not ones of envsuite/crafter-reward-v1" in Strips(tmp_path).why_none(KEY)
    assert [path.suffix for path in tmp_path.rglob("*.*")] == [".txt"]


def test_a_drawing_that_takes_too_long_is_ended():
    with pytest.raises(NoPicture, match=r"longer than 0\.2 s"):
        draw_apart(reel("envsuite/crafter-reward-v1"), timeout_s=0.2)


def test_whoever_waits_for_another_drawing_is_asked_to_come_again(tmp_path):
    strips = Strips(tmp_path)
    wanted = reel("envsuite/crafter-reward-v1")
    drawing = threading.Thread(target=strips.get, args=(KEY, lambda: wanted))
    drawing.start()
    while not strips._one_at_a_time.locked():
        pass
    with pytest.raises(TimeoutError, match="ask again"):
        strips.get(key_of("envsuite/bipedal-flat-v1", 1, "0" * 64), lambda: wanted, wait_s=0.01)
    drawing.join()
    assert strips.get(KEY, lambda: wanted).startswith(b"RIFF")


def test_different_episodes_have_different_keys():
    keys = {key_of(task, seed, actions * 64) for task in TASKS[:2] for seed in (1, 2) for actions in "ab"}
    assert len(keys) == 8
