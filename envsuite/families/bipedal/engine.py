"""The physics of the walker: the only file that imports Box2D, and the only one that knows its quirks."""

from __future__ import annotations

import math
import warnings
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from envsuite.families.bipedal.track import GROUND, SCALE, START_X, VIEW, Point, Polygon, Track

with warnings.catch_warnings():
    # SWIG's types warn while they are made; as an error, in the middle of the import, that crashes the interpreter.
    warnings.filterwarnings("ignore", message="builtin type .* has no __module__", category=DeprecationWarning)
    from Box2D import (
        b2BodyDef,
        b2ContactListener,
        b2EdgeShape,
        b2FixtureDef,
        b2PolygonShape,
        b2RayCastCallback,
        b2RevoluteJointDef,
        b2World,
    )

FPS = 50
Lidar = Literal["nearest", "legacy"]

_HIP_SPEED, _KNEE_SPEED = 4.0, 6.0
_JOINT_SPEEDS = (_HIP_SPEED, _KNEE_SPEED, _HIP_SPEED, _KNEE_SPEED)
_HIP_LIMITS, _KNEE_LIMITS = (-0.8, 1.1), (-1.6, -0.1)
_TORQUE = 80.0
_HULL = tuple((x / SCALE, y / SCALE) for x, y in ((-30, 9), (6, 9), (34, 1), (34, -8), (-30, -8)))
_LEG_WIDTH, _LEG_HEIGHT, _LEG_DOWN = 8 / SCALE, 34 / SCALE, -8 / SCALE
_LEG_TILT = 0.05
_FRICTION = 2.5
_GROUND_BIT, _WALKER_BIT = 0x0001, 0x0020
_VELOCITY_ITERATIONS, _POSITION_ITERATIONS = 180, 60
_RAYS = 10
_RAY_LENGTH = 160 / SCALE
_RAY_OFFSETS = tuple(
    (math.sin(1.5 * i / 10.0) * _RAY_LENGTH, -(math.cos(1.5 * i / 10.0) * _RAY_LENGTH)) for i in range(_RAYS)
)
"""From the hull to the end of each ray."""
_HULL_MARK, _LEFT_FOOT, _RIGHT_FOOT = "hull", "left", "right"
_MAX_TURN, _MAX_SHIFT = math.pi / 2, 2.0
"""Radians and world units that Box2D lets a body move in one solve."""


def observation_bounds() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns the lowest and the highest observation, float32 (24,), wider than Gymnasium's.

    Gymnasium's bounds do not hold: the hull's angle is not wrapped and leaves [-pi, pi] in a
    somersault, and the knee passes its stop under load. Speeds are bounded by what Box2D lets a body
    move in one solve. Contacts and lidar fractions lie in [0, 1].
    """
    spin, speed = _MAX_TURN * FPS, _MAX_SHIFT * FPS
    leg = [2 * math.pi, 2 * spin / _HIP_SPEED, 2 * math.pi, 2 * spin / _KNEE_SPEED, 1.0]
    hull = [10 * math.pi, 2.0 * spin / FPS, 0.3 * speed * VIEW[0] / FPS, 0.3 * speed * VIEW[1] / FPS]
    high = np.array([*hull, *leg, *leg, *[1.0] * _RAYS], np.float32)
    return np.where(high == 1.0, np.float32(0.0), -high), high


class _Contacts(b2ContactListener):  # type: ignore[misc]  # Box2D has no types
    """Remembers whether the hull has touched the ground and which feet do."""

    def __init__(self) -> None:
        super().__init__()
        self.hull_touched = False
        self.feet = {_LEFT_FOOT: False, _RIGHT_FOOT: False}

    def BeginContact(self, contact: Any) -> None:  # noqa: N802  # called by Box2D under this name
        self._mark(contact, True)

    def EndContact(self, contact: Any) -> None:  # noqa: N802
        # A foot that leaves one of two edges it stands on counts as in the air, as in Gymnasium.
        self._mark(contact, False)

    def _mark(self, contact: Any, begins: bool) -> None:
        for fixture in (contact.fixtureA, contact.fixtureB):
            mark = fixture.body.userData
            if mark in self.feet:
                self.feet[mark] = begins
            elif mark == _HULL_MARK:
                self.hull_touched |= begins


class _NearestHit(b2RayCastCallback):  # type: ignore[misc]
    """Keeps the fraction of a ray at which the nearest ground is hit."""

    fraction = 1.0

    def ReportFixture(self, fixture: Any, point: Any, normal: Any, fraction: float) -> float:  # noqa: N802
        if not fixture.filterData.categoryBits & _GROUND_BIT:
            return -1.0
        self.fraction = fraction
        return fraction


class _FirstHit(b2RayCastCallback):  # type: ignore[misc]
    """Keeps the ground that Box2D happens to report first, which need not be the nearest."""

    fraction = 1.0

    def ReportFixture(self, fixture: Any, point: Any, normal: Any, fraction: float) -> float:  # noqa: N802
        if not fixture.filterData.categoryBits & _GROUND_BIT:
            return 1.0
        self.fraction = fraction
        return 0.0


class TrackBuilder:
    """Builds the bodies of tracks; one per environment, used for all its episodes.

    Kept because Box2D's Python package never frees the shape of a fixture definition, and not shared
    between environments because the definitions are changed while a track is built.
    """

    def __init__(self) -> None:
        self._polygon, self._edge = b2PolygonShape(), b2EdgeShape()
        self._block_fixture = b2FixtureDef(shape=self._polygon, friction=_FRICTION)
        self._edge_fixture = b2FixtureDef(shape=self._edge, friction=_FRICTION, categoryBits=_GROUND_BIT)

    def build(self, world: Any, track: Track) -> None:
        """Adds one static body per block, then one per edge of the ground."""
        body = b2BodyDef()
        for block in track.blocks:
            self._polygon.vertices = block
            world.CreateBody(body).CreateFixture(self._block_fixture)
        for pair in zip(track.ground, track.ground[1:], strict=False):
            self._edge.vertices = pair
            world.CreateBody(body).CreateFixture(self._edge_fixture)


def _walker_fixture(shape: Any, **fields: float) -> Any:
    """Returns a fixture definition that collides with the ground only."""
    return b2FixtureDef(shape=shape, restitution=0.0, categoryBits=_WALKER_BIT, maskBits=_GROUND_BIT, **fields)


_HULL_FIXTURE = _walker_fixture(b2PolygonShape(vertices=_HULL), density=5.0, friction=0.1)
_UPPER_FIXTURE = _walker_fixture(b2PolygonShape(box=(_LEG_WIDTH / 2, _LEG_HEIGHT / 2)), density=1.0)
_LOWER_FIXTURE = _walker_fixture(b2PolygonShape(box=(0.8 * _LEG_WIDTH / 2, _LEG_HEIGHT / 2)), density=1.0)


class WalkerWorld:
    """A `b2World` with one track and one walker; made anew for every episode.

    The order in which bodies are made decides the order in which the solver treats contacts, and with
    it every bit: blocks, ground, hull, then for each side upper leg, hip, lower leg, knee.
    """

    def __init__(self, track: Track, push: float, lidar: Lidar, builder: TrackBuilder) -> None:
        """Builds the world.

        Args:
            track: the ground and its blocks.
            push: horizontal force on the hull in the first step.
            lidar: "nearest" ground, or "legacy": the ground that Box2D reports first.
            builder: builds the track.
        """
        self._contacts = _Contacts()
        self._ray = _NearestHit() if lidar == "nearest" else _FirstHit()
        self._world = b2World()
        self._world.contactListener = self._contacts
        builder.build(self._world, track)
        self._hull, self._limbs, self._joints = _build_walker(self._world, push)

    @property
    def position(self) -> Point:
        """Where the hull is, in world units."""
        position = self._hull.position
        return position.x, position.y

    @property
    def tilt(self) -> float:
        """Size of the hull's angle, in radians."""
        return abs(float(self._hull.angle))

    @property
    def hull_touched(self) -> bool:
        """Whether the hull has ever touched the ground."""
        return self._contacts.hull_touched

    @property
    def feet(self) -> tuple[bool, bool]:
        """Whether the left and the right foot touch the ground."""
        return self._contacts.feet[_LEFT_FOOT], self._contacts.feet[_RIGHT_FOOT]

    def step(self, action: NDArray[np.float32]) -> None:
        """Runs the motors for 1/50 second; `action` is float32 (4,) in [-1, 1]."""
        for joint, speed, command in zip(self._joints, _JOINT_SPEEDS, action.tolist(), strict=True):
            joint.motorSpeed = speed if command > 0 else -speed if command < 0 else 0.0
            joint.maxMotorTorque = _TORQUE * abs(command)
        self._world.Step(1.0 / FPS, _VELOCITY_ITERATIONS, _POSITION_ITERATIONS)

    def observe(self) -> NDArray[np.float32]:
        """Returns a fresh observation, float32 (24,)."""
        hull, (hip_left, knee_left, hip_right, knee_right) = self._hull, self._joints
        velocity, feet = hull.linearVelocity, self._contacts.feet
        return np.array(
            [
                hull.angle,
                2.0 * hull.angularVelocity / FPS,
                0.3 * velocity.x * VIEW[0] / FPS,
                0.3 * velocity.y * VIEW[1] / FPS,
                hip_left.angle,
                hip_left.speed / _HIP_SPEED,
                knee_left.angle + 1.0,
                knee_left.speed / _KNEE_SPEED,
                feet[_LEFT_FOOT],
                hip_right.angle,
                hip_right.speed / _HIP_SPEED,
                knee_right.angle + 1.0,
                knee_right.speed / _KNEE_SPEED,
                feet[_RIGHT_FOOT],
                *self._measure(),
            ],
            dtype=np.float32,
        )

    def _measure(self) -> list[float]:
        """Returns how far each ray reaches, 0 to 1 of its length."""
        cast, ray = self._world.RayCast, self._ray
        # Two floats pass into Box2D faster than a b2Vec2, and are the same.
        x, y = start = self.position
        fractions = []
        for right, up in _RAY_OFFSETS:
            ray.fraction = 1.0
            cast(ray, start, (x + right, y + up))
            fractions.append(ray.fraction)
        return fractions

    def ray_ends(self) -> list[Point]:
        """Returns where each lidar ray ends, in world units."""
        x, y = self.position
        return [
            (x + right * fraction, y + up * fraction)
            for (right, up), fraction in zip(_RAY_OFFSETS, self._measure(), strict=True)
        ]

    def outlines(self) -> list[Polygon]:
        """Returns the corners of left upper, left lower, right upper, right lower leg and hull."""
        return [
            tuple(tuple(body.transform * vertex) for vertex in body.fixtures[0].shape.vertices)
            for body in (*self._limbs, self._hull)
        ]


def _build_walker(world: Any, push: float) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    """Returns the hull, the limbs and the joints (left hip, left knee, right hip, right knee)."""
    x, y = START_X, GROUND + 2 * _LEG_HEIGHT
    hull = world.CreateDynamicBody(position=(x, y), fixtures=_HULL_FIXTURE, userData=_HULL_MARK)
    hull.ApplyForceToCenter((push, 0), True)
    limbs: list[Any] = []
    joints: list[Any] = []
    for side, foot in ((-1, _LEFT_FOOT), (1, _RIGHT_FOOT)):
        upper_place = (x, y - _LEG_HEIGHT / 2 - _LEG_DOWN)
        lower_place = (x, y - _LEG_HEIGHT * 3 / 2 - _LEG_DOWN)
        angle = side * _LEG_TILT
        upper = world.CreateDynamicBody(position=upper_place, angle=angle, fixtures=_UPPER_FIXTURE)
        joints.append(_join(world, hull, upper, _LEG_DOWN, _HIP_LIMITS))
        lower = world.CreateDynamicBody(position=lower_place, angle=angle, fixtures=_LOWER_FIXTURE, userData=foot)
        joints.append(_join(world, upper, lower, -_LEG_HEIGHT / 2, _KNEE_LIMITS))
        limbs += [upper, lower]
    return hull, tuple(limbs), tuple(joints)


def _join(world: Any, above: Any, below: Any, anchor: float, limits: tuple[float, float]) -> Any:
    """Returns a motorised joint between `above`, at height `anchor` of its centre line, and the top of `below`."""
    return world.CreateJoint(
        b2RevoluteJointDef(
            bodyA=above,
            bodyB=below,
            localAnchorA=(0, anchor),
            localAnchorB=(0, _LEG_HEIGHT / 2),
            enableMotor=True,
            enableLimit=True,
            lowerAngle=limits[0],
            upperAngle=limits[1],
        )
    )
