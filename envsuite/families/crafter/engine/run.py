"""A batch: each row steps or begins a new episode, and what came of it is written into the batch's arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

from envsuite.crew import RESET_ROW, STEP_ROW
from envsuite.families.crafter.engine.balance import PERIOD, balance
from envsuite.families.crafter.engine.compiled import entry_point, kernel
from envsuite.families.crafter.engine.creatures import act
from envsuite.families.crafter.engine.frame import Art, Scratch, draw, skip_picture
from envsuite.families.crafter.engine.layout import (
    ACHIEVED,
    ACHIEVEMENT_COUNT,
    AT_X,
    AT_Y,
    EPISODE,
    FACING,
    GONE,
    HURT_FROM,
    INVENTORY,
    ITEM_COUNT,
    KIND,
    NO_EFFECT,
    PLAYER,
    REWARDED_HEALTH,
    SLEEPING,
    SLOTS,
    STEP,
    Batch,
    World,
    X,
    Y,
)
from envsuite.families.crafter.engine.player import take_turn, write_effective
from envsuite.families.crafter.engine.stream import seed_stream, world_seed
from envsuite.families.crafter.engine.symbols import write_semantic, write_symbols
from envsuite.families.crafter.engine.tables import ITEM_INITIAL
from envsuite.families.crafter.engine.terrain import generate, write_meadow
from envsuite.families.crafter.engine.things import add, settle
from envsuite.families.crafter.rules import FACINGS, STATE_EVENTS

DONE, DOUBTED = 0, 1
"""What became of a row: a new world is doubted where numpy's exponential must decide."""
_DOWN = FACINGS.index("down")
_DAMAGED, _DIED, _FELL_ASLEEP, _WOKE_UP = (
    ACHIEVEMENT_COUNT + STATE_EVENTS.index(name) for name in ("damaged", "died", "fell_asleep", "woke_up")
)


class Setting(NamedTuple):
    """What all worlds of a batch share."""

    daylight: Any
    """float64: brightness by step."""
    width: int
    height: int
    reach: int
    """A thing nearer to the player than this acts."""
    pixels: int
    """Pixels of the map in a picture: at night each draws from the world's stream, drawn or not."""
    limit: int
    """Steps after which an episode is truncated."""
    rewarded: bool


class Results(NamedTuple):
    """The arrays of a batch that come back; those of what is not observed are of length 0."""

    picture: Any
    """uint8 (n, height, width, 3)."""
    flat: Any
    """The same memory as uint8 (n, bytes)."""
    handout: Any
    """uint8 (n, bytes): where pictures are written a second time, for the caller to keep, or of length 0."""
    material: Any
    """uint8 (n, rows, columns), as `symbols.write_symbols` writes it."""
    thing: Any
    """uint8 (n, rows, columns), likewise."""
    semantic: Any
    """uint8 (n, width, height)."""
    rewards: Any
    terminated: Any
    truncated: Any
    events: Any
    factors: Any
    effective: Any
    """bool (n, actions): which actions would do something next."""


@kernel
def world_of(batch: Batch, setting: Setting, row: int) -> World:
    """Returns a row of a batch."""
    return World(
        batch.stream[row],
        batch.tiles[row],
        batch.occupant[row],
        batch.things[row],
        batch.bodies[row],
        batch.chunks[row],
        batch.state[row],
        setting.width,
        setting.height,
    )


@entry_point
def run_rows(
    batch: Batch,
    setting: Setting,
    art: Art,
    scratch: Scratch,
    results: Results,
    command: Any,
    actions: Any,
    status: Any,
    meadow: Any,
    doubt: float,
    rows: Any,
) -> None:
    """Does what the rows are commanded, one after the other, and writes what became of them.

    A row whose new world is `DOUBTED` is reset again by the caller with `meadow`, what `meadow_row` has written
    after numpy's logistic function; otherwise that is of length 0.
    """
    for index in range(len(rows)):
        row = rows[index]
        if command[row] == STEP_ROW:
            _step(batch, setting, art, scratch, results, row, actions[row])
        elif command[row] == RESET_ROW:
            status[row] = _reset(batch, setting, art, scratch, results, row, meadow, doubt)


@entry_point
def meadow_row(batch: Batch, setting: Setting, scratch: Scratch, row: int, out: Any) -> None:
    """Writes, float64 (cells,), what the meadow of the row's world is the logistic function of."""
    world = world_of(batch, setting, row)
    seed_stream(world.stream, world_seed(batch.seeds[row], world.state[EPISODE]))
    write_meadow(world, scratch.lattice, setting.width // 2, setting.height // 2, out)


@entry_point
def draw_row(batch: Batch, setting: Setting, art: Art, scratch: Scratch, row: int, stream: Any, out: Any) -> None:
    """Writes the picture of a row, uint8 (height, width, 3), with the night's noise from a stream of the caller's."""
    world = world_of(batch, setting, row)
    world = World(
        stream,
        world.tiles,
        world.occupant,
        world.things,
        world.bodies,
        world.chunks,
        world.state,
        world.width,
        world.height,
    )
    draw(world, art, scratch, setting.daylight[world.state[STEP]], out)


@kernel
def _reset(
    batch: Batch,
    setting: Setting,
    art: Art,
    scratch: Scratch,
    results: Results,
    row: int,
    meadow: Any,
    doubt: float,
) -> int:
    """Begins the next episode of the row's seed."""
    world = world_of(batch, setting, row)
    world.state[EPISODE] += 1
    if not _begin(world, scratch, batch.seeds[row], meadow, doubt):
        return DOUBTED
    _observe(world, setting, art, scratch, results, row)
    results.rewards[row] = 0.0
    results.terminated[row] = results.truncated[row] = False
    results.events[row] = False
    results.factors[row] = 0.0
    return DONE


@kernel
def _begin(world: World, scratch: Scratch, seed: int, meadow: Any, doubt: float) -> bool:
    state = world.state
    episode = state[EPISODE]
    state[:] = 0
    state[EPISODE] = episode
    for item in range(ITEM_COUNT):
        state[INVENTORY + item] = ITEM_INITIAL[item]
    state[HURT_FROM] = state[REWARDED_HEALTH] = state[INVENTORY]
    world.occupant[:] = 0
    world.chunks[:] = 0
    seed_stream(world.stream, world_seed(seed, episode))
    centre_x, centre_y = world.width // 2, world.height // 2
    state[X], state[Y], state[FACING] = centre_x, centre_y, _DOWN
    add(world, PLAYER, centre_x, centre_y, 0, 0)
    return generate(world, scratch.lattice, scratch.strip, centre_x, centre_y, meadow, doubt)


@kernel
def _step(batch: Batch, setting: Setting, art: Art, scratch: Scratch, results: Results, row: int, action: int) -> None:
    world = world_of(batch, setting, row)
    state = world.state
    asleep = state[SLEEPING]
    if not results.effective[row, action]:
        state[NO_EFFECT] += 1
    state[STEP] += 1
    daylight = setting.daylight[state[STEP]]
    results.events[row] = False
    for achievement in range(ACHIEVEMENT_COUNT):
        # Until the step is over: which were locked before it.
        results.events[row, achievement] = state[ACHIEVED + achievement] == 0

    settle(world)
    slots = state[SLOTS]
    take_turn(world, action)
    for slot in range(1, slots):
        if world.bodies[slot, KIND] == GONE:
            continue
        if abs(state[X] - world.things[slot, AT_X]) + abs(state[Y] - world.things[slot, AT_Y]) < setting.reach:
            act(world, slot)
    if state[STEP] % PERIOD == 0:
        balance(world, daylight)

    _observe(world, setting, art, scratch, results, row)
    _judge(world, setting, results, row, asleep)


@kernel
def _judge(world: World, setting: Setting, results: Results, row: int, asleep: int) -> None:
    """Writes reward, end, events and factors of a step."""
    state, events = world.state, results.events[row]
    unlocked = False
    for achievement in range(ACHIEVEMENT_COUNT):
        events[achievement] = events[achievement] and state[ACHIEVED + achievement] > 0
        unlocked |= events[achievement]
    health, before = state[INVENTORY], state[REWARDED_HEALTH]
    state[REWARDED_HEALTH] = health
    results.factors[row, 0] = 1.0 if unlocked else 0.0
    results.factors[row, 1] = (health - before) / 10
    results.rewards[row] = results.factors[row, 1] + results.factors[row, 0] if setting.rewarded else 0.0
    died = health <= 0
    events[_DAMAGED] = health < before
    events[_DIED] = died
    events[_FELL_ASLEEP] = state[SLEEPING] != 0 and asleep == 0
    events[_WOKE_UP] = state[SLEEPING] == 0 and asleep != 0
    over = died or state[STEP] >= setting.limit
    results.terminated[row] = died
    results.truncated[row] = over and not died


@kernel
def _copy(source: Any, target: Any) -> None:
    for index in range(len(source)):
        target[index] = source[index]


@kernel
def _observe(world: World, setting: Setting, art: Art, scratch: Scratch, results: Results, row: int) -> None:
    """Writes what is observed and told of a world."""
    state = world.state
    daylight = setting.daylight[state[STEP]]
    if len(results.picture):
        draw(world, art, scratch, daylight, results.picture[row])
        if len(results.handout):
            _copy(results.flat[row], results.handout[row])
    else:
        skip_picture(world, setting.pixels, daylight)
    if len(results.material):
        write_symbols(world, results.material[row], results.thing[row])
    if len(results.semantic):
        write_semantic(world, results.semantic[row])
    write_effective(world, results.effective[row])
