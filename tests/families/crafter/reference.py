"""The reference, with ordered chunks, beside ours: a comparison that tells the first difference, and scenes."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from contextlib import contextmanager

import crafter
import gymnasium
import numpy as np
from crafter import engine, objects

from envsuite.families.crafter.engine import layout as at
from envsuite.families.crafter.engine.things import GRASS, PATH
from envsuite.families.crafter.rules import ITEMS, SEMANTICS, STATUS

REWARD = "envsuite/crafter-reward-v1"
KINDS = {
    objects.Player: at.PLAYER,
    objects.Cow: at.COW,
    objects.Zombie: at.ZOMBIE,
    objects.Skeleton: at.SKELETON,
    objects.Arrow: at.ARROW,
    objects.Plant: at.PLANT,
}
STEPS = [(-1, 0), (1, 0), (0, -1), (0, 1)]


class OrderedSet(dict):
    def add(self, obj):
        self[obj] = None

    def remove(self, obj):
        del self[obj]


class OrderedWorld(engine.World):
    """The one change: the reference keeps the creatures of a chunk in a set, in the order of their addresses."""

    def reset(self, seed=None):
        super().reset(seed)
        self._chunks = collections.defaultdict(OrderedSet)


def ordered_reference(seed, **options):
    env = crafter.Env(seed=seed, **options)
    env._world.__class__ = OrderedWorld
    return env


def make(task_id=REWARD, **options):
    return gymnasium.make(task_id, **options).unwrapped


def living(env):
    """Returns (kind, x, y, health) of the things of our world, in the order in which they act."""
    batch = env._worlds.batch
    slots = batch.state[0, at.SLOTS]
    things, bodies = batch.things[0, :slots].tolist(), batch.bodies[0, :slots].tolist()
    rows = [
        (kind, thing[at.AT_X], thing[at.AT_Y], health)
        for thing, (kind, health) in zip(things, bodies, strict=True)
        if kind
    ]
    return [(kind, x, y, 0 if kind == at.PLAYER else health) for kind, x, y, health in rows]


def reference_living(upstream):
    return [
        (KINDS[type(obj)], int(obj.pos[0]), int(obj.pos[1]), 0 if isinstance(obj, objects.Player) else obj.health)
        for obj in upstream._world.objects
    ]


def stream_position(upstream):
    _, words, used, *_ = upstream._world.random.get_state()
    return used, words


class Pair:
    """Ours and the reference in the same episode; every call compares all that both tell."""

    def __init__(self, seed, **options):
        self.seed = seed
        self.env, self.upstream = make(**options), ordered_reference(seed, **options)
        self.steps = self.episodes = 0
        self.done = True
        self.observation = self.info = None
        self._first = True

    def reset(self):
        """Begins the first episode of the seed, and after it the next ones."""
        self.observation, self.info = self.env.reset(seed=self.seed if self._first else None)
        expected = self.upstream.reset()
        self._first, self.done = False, False
        self.episodes += 1
        self._compare("the observation of a reset", self.observation, expected)
        self._compare_world(self.upstream._sem_view())
        return self.observation

    def step(self, action):
        """Returns our result of a step that equals the reference's."""
        ours = self.env.step(action)
        expected, reward, done, info = self.upstream.step(action)
        self.steps += 1
        observation, our_reward, terminated, truncated, our_info = ours
        self._compare_world(info["semantic"], our_info["semantic"])
        self._compare("inventory", our_info["inventory"], info["inventory"])
        self._compare("achievements", our_info["achievements"], info["achievements"])
        self._compare("player_pos", our_info["player_pos"].tolist(), info["player_pos"].tolist())
        self._compare("daylight", our_info["daylight"], float(self.upstream._world.daylight))
        self._compare("the observation", observation, expected)
        self._compare("the reward", sum(our_info["factors"].values()), info["reward"])
        self._compare("the reward given", our_reward, reward)
        self._compare("the end", (terminated or truncated, 1 - float(terminated)), (done, info["discount"]))
        self.observation, self.info, self.done = observation, our_info, done
        return ours

    def _compare_world(self, semantic, ours=None):
        used, words = stream_position(self.upstream)
        stream = self.env._worlds.batch.stream[0]
        self._compare("the random stream", int(stream[-1]), used)
        self._compare("the words of the random stream", stream[:-1], words)
        self._compare("the map", self.env._worlds.semantic(0) if ours is None else ours, semantic)
        self._compare("the things", living(self.env), reference_living(self.upstream))

    def _compare(self, what, ours, theirs):
        if not np.array_equal(ours, theirs):
            used, _ = stream_position(self.upstream)
            where = ""
            if isinstance(theirs, np.ndarray) and np.shape(ours) == theirs.shape:
                where = f" first at {tuple(np.argwhere(ours != theirs)[0].tolist())}"
            raise AssertionError(
                f"seed {self.seed}, episode {self.episodes}, step {self.env._elapsed_steps}: {what} differs{where}; "
                f"the reference has used {used} words of its stream's block, "
                f"ours {self.env._worlds.batch.stream[0, -1]}\n"
                f"ours: {ours!r}\ntheirs: {theirs!r}"
            )

    # Changes to both worlds alike.

    @contextmanager
    def changed(self) -> Iterator[None]:
        """Counts the ground of our chunks anew after tiles were changed, and what is effective."""
        yield
        batch = self.env._worlds.batch
        tiles, chunks = batch.tiles[0], batch.chunks[0]
        per_column = -(-tiles.shape[1] // at.CHUNK)
        for chunk in range(len(chunks)):
            left, top = chunk // per_column * at.CHUNK, chunk % per_column * at.CHUNK
            region = tiles[left : left + at.CHUNK, top : top + at.CHUNK]
            chunks[chunk, at.GRASS_TILES] = (region == GRASS).sum()
            chunks[chunk, at.PATH_TILES] = (region == PATH).sum()

    def own(self, **items):
        """Sets items of the inventory."""
        for name, amount in items.items():
            self.env._worlds.batch.state[0, at.INVENTORY + ITEMS.index(name)] = amount
            self.upstream._player.inventory[name] = amount
        if "health" in items:
            self.env._worlds.batch.state[0, [at.HURT_FROM, at.REWARDED_HEALTH]] = items["health"]
            self.upstream._last_health = self.upstream._player._last_health = items["health"]

    def keep_alive(self):
        self.own(**dict.fromkeys(STATUS, 9))

    def set_step(self, step):
        """Sets the time of day."""
        self.env._worlds.batch.state[0, at.STEP] = step
        self.env._elapsed_steps = step
        self.upstream._step = step

    def face(self, direction):
        self.env._worlds.batch.state[0, at.FACING] = direction
        self.upstream._player.facing = STEPS[direction]

    def sleep(self, sleeping=True):
        self.env._worlds.batch.state[0, at.SLEEPING] = sleeping
        self.upstream._player.sleeping = sleeping

    def tile(self, dx, dy, material):
        """Puts a material beside the player."""
        x, y = (int(axis) for axis in self.upstream._player.pos + np.array([dx, dy]))
        with self.changed():
            self.env._worlds.batch.tiles[0, x, y] = SEMANTICS.index(material)
        self.upstream._world[x, y] = material

    def clear(self, radius=12, material="grass"):
        """Takes every thing but the player away, and lays one material around the player."""
        world = self.upstream._world
        for obj in world.objects[1:]:
            world.remove(obj)
        batch = self.env._worlds.batch
        slots = batch.state[0, at.SLOTS]
        batch.bodies[0, 1:slots, at.KIND] = at.GONE
        batch.state[0, at.LIVING] = 1
        x, y = batch.state[0, at.X], batch.state[0, at.Y]
        batch.occupant[0] = 0
        batch.occupant[0, x, y] = 1
        batch.chunks[0][:, [at.ZOMBIES, at.SKELETONS, at.COWS]] = 0
        near = slice(max(0, x - radius), x + radius + 1), slice(max(0, y - radius), y + radius + 1)
        with self.changed():
            batch.tiles[0][near] = SEMANTICS.index(material)
        world._mat_map[near] = SEMANTICS.index(material)

    def thing(self, kind, dx, dy, *, health=None, timer=0, direction=0):
        """Puts a thing beside the player; the timer is a cooldown, a reload or an age."""
        world, player = self.upstream._world, self.upstream._player
        pos = player.pos + np.array([dx, dy])
        made = {
            at.COW: lambda: objects.Cow(world, pos),
            at.ZOMBIE: lambda: objects.Zombie(world, pos, player),
            at.SKELETON: lambda: objects.Skeleton(world, pos, player),
            at.ARROW: lambda: objects.Arrow(world, pos, np.array(STEPS[direction])),
            at.PLANT: lambda: objects.Plant(world, pos),
        }[kind]()
        for name in ("cooldown", "reload", "grown"):
            if hasattr(made, name):
                setattr(made, name, timer)
        if health is not None:
            made.health = health
        world.add(made)
        self._add(kind, pos, made.health, direction if kind == at.ARROW else timer)

    def _add(self, kind, pos, health, timer):
        batch = self.env._worlds.batch
        state, chunks = batch.state[0], batch.chunks[0]
        slot, x, y = int(state[at.SLOTS]), int(pos[0]), int(pos[1])
        chunk = x // at.CHUNK * -(-self.env.options.area[1] // at.CHUNK) + y // at.CHUNK
        if not chunks[chunk, at.TOUCHED]:
            chunks[chunk, at.TOUCHED] = 1
            chunks[state[at.TOUCHED_CHUNKS], at.ORDER] = chunk
            state[at.TOUCHED_CHUNKS] += 1
        columns = {at.ZOMBIE: at.ZOMBIES, at.SKELETON: at.SKELETONS, at.COW: at.COWS}
        if kind in columns:
            chunks[chunk, columns[kind]] += 1
        batch.things[0, slot] = [x, y, timer, state[at.CLOCK]]
        batch.bodies[0, slot] = [kind, health]
        batch.occupant[0, x, y] = slot + 1
        state[[at.SLOTS, at.LIVING, at.CLOCK]] += 1


class Rules(collections.Counter):
    """Counts which rules of the game have come into play, by what is seen before and after each step of a `Pair`."""

    NAMES = (
        *("cow walks", "zombie walks", "zombie bites", "zombie bites a sleeper", "zombie cools down"),
        *("skeleton walks", "skeleton shoots", "arrow flies", "arrow hits the player", "arrow ends"),
        *("plant ripens", "plant is eaten by a creature", "zombie comes", "skeleton comes", "cow comes"),
        *("zombie goes", "skeleton goes", "cow goes", "hunger", "thirst", "tiredness", "rest", "healing", "weakness"),
        *("night picture", "sleeping picture", "sleeping picture at night", "picture beyond the edge", "falls asleep"),
        *("wakes up rested", "wakes up hurt", "death", "action without effect", "next episode"),
    )

    def before(self, pair):
        self._things = {id(obj): (obj, obj.pos.copy(), obj.health, self._timer(obj)) for obj in self._objects(pair)}
        self._inventory = dict(pair.upstream._player.inventory)
        self._sleeping = pair.upstream._player.sleeping
        self._no_effect = pair.info["invalid_action"]

    def after(self, pair):
        self.update(name for name, count in pair.info["achievements"].items() if count)
        self._see_things(pair)
        self._see_player(pair)

    @staticmethod
    def _objects(pair):
        return pair.upstream._world.objects[1:]

    @staticmethod
    def _timer(obj):
        return next((getattr(obj, name) for name in ("cooldown", "reload", "grown") if hasattr(obj, name)), 0)

    def _see_things(self, pair):
        player, sleeping = pair.upstream._player, self._sleeping
        now = {id(obj): obj for obj in self._objects(pair)}
        for key, obj in now.items():
            kind = type(obj).__name__.lower()
            if key not in self._things:
                self["skeleton shoots" if kind == "arrow" else f"{kind} comes"] += 1
                continue
            _, pos, health, timer = self._things[key]
            if (obj.pos != pos).any():
                self["arrow flies" if kind == "arrow" else f"{kind} walks"] += 1
            if kind == "zombie" and obj.cooldown == 5 and timer != 5:
                self["zombie bites a sleeper" if sleeping else "zombie bites"] += 1
            if kind == "zombie" and obj.cooldown < timer:
                self["zombie cools down"] += 1
            if kind == "plant" and timer == 300:
                self["plant ripens"] += 1
        for key, (obj, pos, health, _) in self._things.items():
            if key in now:
                continue
            kind = type(obj).__name__.lower()
            if kind == "arrow":
                self["arrow ends"] += 1
                ahead = (pos + np.array(obj.facing)).tolist()
                self["arrow hits the player"] += ahead == player.pos.tolist()
            elif kind == "plant":
                self["plant is eaten by a creature"] += 1
            elif health > 0 and obj.health > 0:
                self[f"{kind} goes"] += 1

    def _see_player(self, pair):
        player, info, before = pair.upstream._player, pair.info, self._inventory
        for need, name in (("food", "hunger"), ("drink", "thirst"), ("energy", "tiredness")):
            self[name] += player.inventory[need] < before[need]
        self["rest"] += player.inventory["energy"] > before["energy"]
        self["healing"] += player.inventory["health"] > before["health"]
        starved = min(player.inventory[need] for need in ("food", "drink")) == 0
        self["weakness"] += starved and player.inventory["health"] == before["health"] - 1
        night = info["daylight"] < 0.5
        self["night picture"] += night
        self["sleeping picture"] += player.sleeping
        self["sleeping picture at night"] += player.sleeping and night
        self["picture beyond the edge"] += bool((player.pos < 4).any() or (player.pos > 59).any())
        self["falls asleep"] += "fell_asleep" in info["events"]
        if "woke_up" in info["events"]:
            self["wakes up hurt" if "damaged" in info["events"] else "wakes up rested"] += 1
        self["death"] += "died" in info["events"]
        self["action without effect"] += info["invalid_action"] > self._no_effect
