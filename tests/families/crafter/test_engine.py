"""The engine's parts: stream, noise, worlds in doubt, slots, Pillow's arithmetic; compiled and not, cached and not."""

import os
import subprocess
import sys

import numpy as np
import opensimplex
import pytest
from crafter import constants, engine
from families.crafter.reference import Pair, make
from PIL import Image

from envsuite.crew import RESET_ROW
from envsuite.families.crafter.engine import compiled, frame, noise, stream, worlds
from envsuite.families.crafter.engine import layout as at
from envsuite.families.crafter.engine.art import make_art, textures
from envsuite.families.crafter.engine.compiled import kernel
from envsuite.families.crafter.engine.results import allocate_results
from envsuite.families.crafter.engine.tables import DAYLIGHT, daylight_at, package_folder
from envsuite.families.crafter.engine.worlds import Worlds
from envsuite.families.crafter.options import Options

HASH = (
    "import sys, warnings, gymnasium, envsuite\n"
    "from envsuite.episode import new_digest, update_digest\n"
    "warnings.simplefilter('ignore')\n"
    "env = gymnasium.make('envsuite/crafter-reward-v1', area=(24, 20)).unwrapped\n"
    "digest = new_digest()\n"
    "env.reset(seed=2)\n"
    "late = env.snapshot()\n"
    "late.world['state'][0] = 140\n"
    "env.restore(late)\n"
    "for action in [5, 1, 2, 3, 4, 6, 10, 8, 11, 0, 5, 1, 1, 3, 3]:\n"
    "    update_digest(digest, env.step(action)[:4])\n"
    "print(digest.hexdigest())\n"
)


def run(script, **environment):
    return subprocess.run(
        [sys.executable, "-c", script], env=os.environ | environment, capture_output=True, text=True, check=True
    )


# The stream.


@pytest.mark.parametrize("pair", [(0, 1), (1, 1), (42, 2), (2**31 - 1, 10_000), (2**61 + 5, 3)])
def test_the_seed_of_a_world_is_pythons_hash(pair):
    assert stream.world_seed(hash(pair[0]), pair[1]) == hash(pair) % (2**31 - 1)


def test_hashes_that_are_known():
    assert [stream.world_seed(*pair) for pair in ((0, 1), (1, 1), (42, 1), (42, 2))] == [
        1256191933,
        535231920,
        550904604,
        2087411233,
    ]


def test_the_stream_is_numpys_word_for_word():
    rng = np.random.default_rng(0)
    ours, theirs = np.zeros(625, np.uint32), np.random.RandomState(12345)
    stream.seed_stream(ours, 12345)
    words, fractions = np.zeros(1400, np.uint32), np.zeros(700)
    for count in rng.integers(1, 300, 1500).tolist():
        assert stream.uniform(ours) == theirs.uniform()
        assert stream.below(ours, count) == theirs.randint(0, count)
        if count % 7 == 0:
            stream.fill_fractions(ours, words[: 2 * count], fractions[:count])
            np.testing.assert_array_equal(fractions[:count], theirs.uniform(size=count))
        if count % 11 == 0:
            stream.skip(ours, 2 * count)
            theirs.uniform(size=count)
    assert stream.below(ours, 2**31 - 1) == theirs.randint(0, 2**31 - 1)


# Noise and light.


@kernel
def sampled(lattice, seed, x, y, z, out):
    noise.shuffle(lattice, seed)
    for index in range(len(out)):
        out[index] = noise.noise(lattice, x[index], y[index], z[index])


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 2])
def test_noise_is_the_packages_bit_for_bit(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-30, 30, (2, 6000))
    z = rng.integers(0, 9, 6000).astype(float)
    x[:2000], y[:2000] = rng.integers(0, 64, 2000) / 15, rng.integers(0, 64, 2000) / 5
    out, theirs = np.zeros(6000), opensimplex.OpenSimplex(seed)
    sampled(noise.allocate_lattice(), seed, x, y, z, out)
    expected = [theirs.noise3(*point) for point in zip(x.tolist(), y.tolist(), z.tolist(), strict=True)]
    np.testing.assert_array_equal(out, expected)
    assert np.abs(out).max() < 1  # what the terrain's shortcuts rest on


def test_no_gradients_could_bring_noise_beyond_one():
    """The sum over all vertices, each with its worst gradient, at random places of a cell."""
    rng = np.random.default_rng(0)
    skewed = rng.uniform(0, 1, (20_000, 3))
    points = skewed + skewed.sum(axis=1, keepdims=True) * noise.SQUISH
    total = np.zeros(len(points))
    for vertex in np.stack(np.meshgrid(*[np.arange(-3, 5.0)] * 3), axis=-1).reshape(-1, 3):
        delta = points - (vertex + vertex.sum() * noise.SQUISH)
        weight = np.maximum(2 - (delta**2).sum(axis=1), 0)
        total += weight**4 * (delta @ noise.GRADIENTS.T).max(axis=1)
    assert total.max() / noise.SCALE < 0.99


def test_daylight_is_the_references_at_every_step():
    upstream = Pair(0).upstream
    table = DAYLIGHT.upto(10_000)
    for step in range(0, 10_001, 7):
        upstream._step = step
        upstream._update_time()
        assert table[step] == upstream._world.daylight == daylight_at(step)


@kernel
def muted(out):
    for grey in range(256):
        for value in range(256):
            out[grey, value] = frame.mute(grey, value)


def test_colours_are_muted_as_pillow_mutes_them():
    out = np.zeros((256, 256), np.uint8)
    muted(out)
    grey, value = (np.ascontiguousarray(axis, np.uint8) for axis in np.indices((256, 256)))
    expected = Image.blend(Image.fromarray(grey), Image.fromarray(value), 0.4)
    np.testing.assert_array_equal(out, np.array(expected))


def test_greys_are_pillows():
    colours = np.random.default_rng(0).integers(256, size=(64, 64, 3)).astype(np.uint8)
    expected = np.array(Image.fromarray(colours).convert("L"))
    ours = [[frame.luma(*colour) for colour in row] for row in colours[:16]]
    np.testing.assert_array_equal(ours, expected[:16])


def test_textures_are_the_references():
    theirs = engine.Textures(constants.root / "assets")._originals
    assert textures().keys() == theirs.keys()
    for name, picture in textures().items():
        np.testing.assert_array_equal(picture, theirs[name].swapaxes(0, 1))


# Worlds.


def test_a_world_in_doubt_is_made_again_through_numpy_and_is_the_same(monkeypatch):
    env, plain = make(), make()
    remade = []
    monkeypatch.setattr(worlds, "DOUBT", 0.02)
    original = Worlds._remake
    monkeypatch.setattr(Worlds, "_remake", lambda self, row: (remade.append(row), original(self, row)))
    for seed in range(20):
        observation, info = env.reset(seed=seed)
        with monkeypatch.context() as patch:
            patch.setattr(worlds, "DOUBT", 1e-12)
            expected, plain_info = plain.reset(seed=seed)
        np.testing.assert_array_equal(observation, expected)
        np.testing.assert_array_equal(info["semantic"], plain_info["semantic"])
        np.testing.assert_array_equal(env._worlds.batch.stream, plain._worlds.batch.stream)
        following, _ = env.reset()
        np.testing.assert_array_equal(following, plain.reset()[0])
    assert len(remade) > 10


def test_no_world_of_a_thousand_is_in_doubt(monkeypatch):
    batch = Worlds(1000, Options(), rewarded=True, threads=None)
    batch.bind(allocate_results(1000, Options(), pictures=False, symbols=False, semantic=False))
    monkeypatch.setattr(Worlds, "_remake", lambda self, row: pytest.fail("a world was in doubt"))
    for row in range(1000):
        batch.seed(row, row)
    batch.begin(np.full(1000, RESET_ROW, np.uint8), np.zeros(1000, np.int64))
    batch.finish()
    batch.close()
    assert len({tiles.tobytes() for tiles in batch.batch.tiles}) == 1000


def test_the_gone_make_room_and_the_living_keep_their_order():
    pair = Pair(1)
    pair.reset()
    pair.clear(radius=3, material="grass")
    most = 0
    for step in range(500):
        pair.keep_alive()
        pair.own(sapling=9)
        if step % 4 == 0 and not pair.env._worlds.batch.occupant[0][tuple(pair.info["player_pos"] + [0, 2])]:
            pair.thing(at.ARROW, 0, 2, direction=step // 4 % 4)
        pair.step(step % 4 + 1 if step % 2 else 10)
        state = pair.env._worlds.batch.state[0]
        most = max(most, state[at.SLOTS] - state[at.LIVING])
    assert 30 < most <= at.SPARE_SLOTS + 30


def test_a_world_takes_less_than_128_kib():
    batch = at.allocate(4, Options())
    assert sum(array.nbytes for array in batch) / 4 + 64 * 64 * 3 < 128 * 1024


# Compiled.


def test_the_same_bytes_without_a_compiler():
    plain = run(HASH, NUMBA_DISABLE_JIT="1")
    assert plain.stdout == run(HASH).stdout
    assert plain.stderr == ""


def test_the_cache_depends_on_the_games_constants():
    assert package_folder() / "data.yaml" in compiled._COMPILER._files


def test_a_second_process_loads_what_the_first_has_compiled_and_says_nothing():
    script = "import envsuite; envsuite.make_env('envsuite/crafter-reward-v1').reset(seed=0)"
    run(script)
    assert run(script).stderr == ""


def test_art_is_made_once_for_each_size():
    assert make_art((64, 64), (9, 9)) is make_art((64, 64), (9, 9))
