"""Constants that no public source gives, each with what it was chosen by.

Everything else (speeds, ranges, cooldowns, costs, radii) is in `units`, from the game's own data. A number here may be
changed to bring the simulator closer to the game; `docs/explanation/starcraft2.md` says which published scores were
used for that and which were not.
"""

from __future__ import annotations

DAMAGE_POINT_LOOPS = 1.0
"""Loops from the start of an attack until it hits. The game has one per weapon, most under two loops."""
SCAN_RANGE = 5.0
"""Least distance at which a unit takes a target of itself, from edge to edge; a longer weapon's range counts."""
SCAN_MARGIN = 0.5
"""What a weapon's range is lengthened by when targets are looked for."""
SCAN_PERIOD_LOOPS = 2
"""A unit without a target looks for one this often."""
HELP_RADIUS = 6.0
"""Idle units this near to one that is hit turn on the attacker, as the game's "call for help" does."""
CHASE_LOOPS = 32
"""An idle unit follows a target out of its scan range for this long before it gives up."""
LEAST_DAMAGE = 0.5
"""What a hit takes at least, whatever the armour."""
ARRIVED = 1.0 / 16.0
"""A unit this near to where it was sent is there."""
STUCK_LOOPS = 10
"""A unit held up for this long near its goal stops, as a group does round the point that it was sent to."""
CROWD_RADIUS = 2.5
"""How near to its goal a unit held up must be for that."""
FORMATION_RADIUS = 2.0
"""A group no wider than this keeps its shape on the way to a point beyond it; a wider one gathers at the point."""

BEACON_RADIUS = 1.25
"""Of the picture of a beacon: that of the circle the map script tests."""
SHARD_RADIUS = 0.5
"""Of a mineral shard."""
PICKUP_MARGIN = 0.25
"""Distance between the edges of a marine and a shard at which it is picked up."""

ROACH_MISSILE_SPEED = 8.7
"""World units a second. What flies may arrive when its target is dead already, which is why numbers win: chosen by the
score of pysc2's scripted agent on DefeatRoaches (97). A missile is lost with the unit that shot it."""
BANELING_DAMAGE = 16.0
BANELING_BONUS_LIGHT = 19.0
BANELING_SPLASH_RADIUS = 2.2
"""A baneling's explosion is an effect, so that it is in no table of weapons; it differs between patches."""
COLOSSUS_BEAM_HALF_LENGTH = 1.4
COLOSSUS_BEAM_HALF_WIDTH = 0.3
"""What a colossus's beams sweep across the line to the target."""
HEAL_PER_LOOP = 9.0 / 16.0
HEAL_ENERGY_PER_LOOP = 3.0 / 16.0
"""A medivac's heal."""
SHIELD_DELAY_LOOPS = 160
SHIELD_PER_LOOP = 2.0 / 16.0
ZERG_HEALTH_PER_LOOP = 0.2734 / 16.0
ENERGY_PER_LOOP = 0.5625 / 16.0

MINERALS_PER_TRIP = 5
GAS_PER_TRIP = 4
MINE_LOOPS = 44.0
"""Loops that a worker works at a mineral field: about 2.8 s at normal speed, as players recall it (unverified)."""
GAS_LOOPS = 32.0
"""Loops inside a refinery: three workers keep one busy, as in the game."""
WORKER_ACCELERATION = 0.55
"""Share of its speed that a harvesting worker averages: over two or three units, a start with an acceleration of 2.5 (a
recalled number) and a stop leave little more than half."""
TURN_LOOPS = 16.0
"""Loops that a worker stands at a field before it works, and at a command centre before it hands over.

Chosen last, by the scores of people: with 14, 16 and 18 the rules of `economy_expert` reach 7396, 7182 and 6904 on
average in CollectMineralsAndGas (DeepMind's player 6880, a grandmaster 7566), and with 16 a worker brings about 44
minerals a minute (recalled of the game: 39 to 45). BuildMarines (people 133 and 138) was looked at and not chosen by:
the rules, which never tire, reach 151, 148 and 145.
"""
FIELD_CONTENTS = 1500
GEYSER_CONTENTS = 2000
"""What the maps' "reset" trigger sets them to."""
REFUND = 0.75
"""Share of its price that a cancelled building pays back."""
ROOM_LOOPS = 32.0
"""How long a worker waits for friends to leave the place that it is to build on, before they are put beside it."""
TOWNHALL_CLEAR_CELLS = 3.0
"""Cells between a command centre and a field or geyser at least."""
