"""The fifty tasks, as data: upstream's name and what to achieve."""

from __future__ import annotations

from envsuite.references import references
from envsuite.task import Task, format_id

_GOALS = {
    "assembly": "Pick up the wrench-shaped nut by its handle and put its ring onto the peg.",
    "basketball": "Pick up the ball and dunk it into the basket.",
    "bin-picking": "Take the cube out of one bin and drop it into the other.",
    "box-close": "Grasp the lid by its handle and put it onto the box.",
    "button-press": "Press the button on the front of the box.",
    "button-press-topdown": "Press the button on top of the box from above.",
    "button-press-topdown-wall": "Reach over a wall and press the button on top of the box from above.",
    "button-press-wall": "Reach around a wall and press the button on the front of the box.",
    "coffee-button": "Push the button of the coffee machine.",
    "coffee-pull": "Pull the mug away from the coffee machine to the goal.",
    "coffee-push": "Push the mug under the coffee machine.",
    "dial-turn": "Turn the dial halfway round.",
    "disassemble": "Lift the wrench-shaped nut off the peg.",
    "door-close": "Push the open door until it is shut.",
    "door-lock": "Turn the lock of the door until it is locked.",
    "door-open": "Pull the door open by its handle.",
    "door-unlock": "Turn the lock of the door until it is unlocked.",
    "drawer-close": "Push the drawer until it is shut.",
    "drawer-open": "Pull the drawer open by its handle.",
    "faucet-close": "Turn the faucet's handle to close it.",
    "faucet-open": "Turn the faucet's handle to open it.",
    "hammer": "Pick up the hammer and drive the nail into the box with it.",
    "hand-insert": "Carry the block down into the hole of the table.",
    "handle-press": "Press down the handle in front of the arm.",
    "handle-press-side": "Press down the handle at the side of the arm.",
    "handle-pull": "Pull up the handle in front of the arm.",
    "handle-pull-side": "Pull up the handle at the side of the arm.",
    "lever-pull": "Push the lever up until it stands upright.",
    "peg-insert-side": "Pick up the peg and slide it sideways into the hole of the box.",
    "peg-unplug-side": "Pull the plugged peg sideways out of its socket.",
    "pick-out-of-hole": "Lift the block out of the hole and bring it to the goal.",
    "pick-place": "Pick up the puck and hold it at the goal in the air.",
    "pick-place-wall": "Pick up the puck and carry it over a wall to the goal.",
    "plate-slide": "Slide the plate forward into the goal.",
    "plate-slide-back": "Pull the plate back out of the goal.",
    "plate-slide-back-side": "Pull the plate back sideways out of the goal.",
    "plate-slide-side": "Slide the plate sideways into the goal.",
    "push": "Push the puck across the table to the goal.",
    "push-back": "Pull the block back towards the robot to the goal.",
    "push-wall": "Push the block around a wall to the goal.",
    "reach": "Move the gripper to the goal.",
    "reach-wall": "Move the gripper around a wall to the goal.",
    "shelf-place": "Pick up the block and put it onto the shelf.",
    "soccer": "Push the ball into the soccer goal.",
    "stick-pull": "Take the stick, put it through the handle of the jug and pull the jug to the goal.",
    "stick-push": "Take the stick and push the jug to the goal with it.",
    "sweep": "Sweep the block across the table to the goal.",
    "sweep-into": "Sweep the block into the hole of the table.",
    "window-close": "Slide the window shut.",
    "window-open": "Slide the window open.",
}

_TAGGED = {
    "mt50": frozenset(_GOALS),
    "mt10": frozenset(
        {
            "button-press-topdown",
            "door-open",
            "drawer-close",
            "drawer-open",
            "peg-insert-side",
            "pick-place",
            "push",
            "reach",
            "window-close",
            "window-open",
        }
    ),
    "quick": frozenset({"door-open", "drawer-open"}),
    "core": frozenset({"door-open", "peg-insert-side", "pick-place", "push"}),
}
_FAMILY_TAGS = frozenset({"continuous", "manipulation", "procedural", "success"})


def _task(name: str, goal: str) -> Task:
    task_id = format_id("metaworld", name)
    return Task(
        id=task_id,
        goal=goal,
        entry_point="envsuite.families.metaworld.env:MetaWorldEnv",
        kwargs={"env_name": f"{name}-v3", "reward_function_version": "v2"},
        max_episode_steps=500,
        metric="success_rate",
        reward_range=(0.0, 10.0),
        # MuJoCo's floating-point results are the same only for the same binary on the same kind of processor.
        deterministic="build",
        snapshots=True,
        tags=_FAMILY_TAGS | {tag for tag, names in _TAGGED.items() if name in names},
        **references(__package__, task_id),
    )


TASKS: tuple[Task, ...] = tuple(_task(name, goal) for name, goal in _GOALS.items())
"""Every task: goal visible in the observation, reward functions of version 2."""
