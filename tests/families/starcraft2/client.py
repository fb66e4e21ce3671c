"""A client of the protocol that talks to a session in the same process."""

from s2clientprotocol import common_pb2, sc2api_pb2

from envsuite.families.starcraft2.protocol.session import Session

LAUNCHED, INIT_GAME, IN_GAME, IN_REPLAY, ENDED, QUIT = 1, 2, 3, 4, 5, 6
TERRAN, ZERG, PROTOSS, RANDOM = 1, 2, 3, 4
PARTICIPANT, COMPUTER = 1, 2


class Client:
    """Sends requests and checks what every response has."""

    def __init__(self, session=None):
        self.session = session or Session()
        self.count = 0

    @property
    def match(self):
        return self.session.match

    def ask(self, name, message=None, **fields):
        """Returns the whole Response."""
        self.count += 1
        request = sc2api_pb2.Request(id=self.count)
        part = getattr(request, name)
        part.SetInParent()
        if message is not None:
            part.CopyFrom(message)
        for field, value in fields.items():
            if isinstance(value, list):
                getattr(part, field).extend(value)
            elif hasattr(value, "DESCRIPTOR"):
                getattr(part, field).CopyFrom(value)
            else:
                setattr(part, field, value)
        response = self.session.handle(request)
        assert response.HasField("status")
        assert response.id == self.count
        return response

    def get(self, name, message=None, **fields):
        """Returns the part of the Response that answers; there must be no error."""
        response = self.ask(name, message, **fields)
        assert not response.error, response.error
        part = getattr(response, name)
        assert "error" not in part.DESCRIPTOR.fields_by_name or not part.HasField("error"), part
        return part

    def fault(self, name, message=None, **fields):
        """Returns the text of the error that a request gets as a whole."""
        response = self.ask(name, message, **fields)
        assert len(response.error) == 1, response
        return response.error[0]

    def refusal(self, name, message=None, **fields):
        """Returns the code and the details of the error that a request has an enumeration for."""
        response = self.ask(name, message, **fields)
        assert not response.error, response.error
        part = getattr(response, name)
        assert part.HasField("error"), part
        return part.error, part.error_details

    def start(self, name="MoveToBeacon", *, seed=1, race=TERRAN, computer=None, create=None, **options):
        """Creates and joins a game; returns the response to the join."""
        request = created(name, seed=seed, computer=computer, **(create or {}))
        self.get("create_game", request)
        return self.get("join_game", race=race, options=interface(**options))

    def act(self, *actions):
        """Returns the results of actions."""
        return list(self.get("action", actions=list(actions)).result)

    def step(self, count=1):
        return self.get("step", count=count).simulation_loop

    def observe(self, **fields):
        return self.get("observation", **fields)


def created(name, *, seed=1, computer=None, **fields):
    """Returns a RequestCreateGame; `computer` is the race of the second player."""
    request = sc2api_pb2.RequestCreateGame(random_seed=seed, **fields)
    request.local_map.map_path = f"any/{name}.SC2Map"
    request.player_setup.add(type=PARTICIPANT)
    if computer is not None:
        request.player_setup.add(type=COMPUTER, race=computer, difficulty=1)
    return request


def interface(*, raw=True, score=True, size=64, minimap=64, width=24.0, layers=True, **changes):
    """Returns InterfaceOptions."""
    options = sc2api_pb2.InterfaceOptions(raw=raw, score=score)
    for name in [name for name in changes if name in sc2api_pb2.InterfaceOptions.DESCRIPTOR.fields_by_name]:
        setattr(options, name, changes.pop(name))
    if layers:
        setup = options.feature_layer
        setup.width = width
        columns, rows = size if isinstance(size, tuple) else (size, size)
        setup.resolution.x, setup.resolution.y = columns, rows
        columns, rows = minimap if isinstance(minimap, tuple) else (minimap, minimap)
        setup.minimap_resolution.x, setup.minimap_resolution.y = columns, rows
        for name, value in changes.items():
            setattr(setup, name, value)
    return options


def click(x, y, how=1):
    """Returns an action that selects what is under a pixel."""
    action = sc2api_pb2.Action()
    point = action.action_feature_layer.unit_selection_point
    point.selection_screen_coord.x, point.selection_screen_coord.y, point.type = x, y, how
    return action


def box(*corners, add=False):
    """Returns an action that selects what is in rectangles, four numbers each."""
    action = sc2api_pb2.Action()
    rectangles = action.action_feature_layer.unit_selection_rect
    rectangles.selection_add = add
    for x0, y0, x1, y1 in corners:
        rectangle = rectangles.selection_screen_coord.add()
        rectangle.p0.x, rectangle.p0.y, rectangle.p1.x, rectangle.p1.y = x0, y0, x1, y1
    return action


def army(add=False):
    """Returns an action that selects the army."""
    action = sc2api_pb2.Action()
    action.action_ui.select_army.selection_add = add
    return action


def order(ability_id, screen=None, minimap=None, queued=False):
    """Returns a command to what is selected."""
    action = sc2api_pb2.Action()
    command = action.action_feature_layer.unit_command
    command.ability_id, command.queue_command = ability_id, queued
    if screen is not None:
        command.target_screen_coord.x, command.target_screen_coord.y = screen
    if minimap is not None:
        command.target_minimap_coord.x, command.target_minimap_coord.y = minimap
    return action


def command(ability_id, tags, point=None, target=None, queued=False):
    """Returns a command to units that are named by tags."""
    action = sc2api_pb2.Action()
    part = action.action_raw.unit_command
    part.ability_id, part.queue_command = ability_id, queued
    part.unit_tags.extend(tags)
    if point is not None:
        part.target_world_space_pos.CopyFrom(common_pb2.Point2D(x=point[0], y=point[1]))
    if target is not None:
        part.target_unit_tag = target
    return action


def fight(client):
    """Lets all of the player's units go for an enemy's place, by a command to the point."""
    told = client.observe()
    enemy = units_of(told, owner=2)[0]
    point = (enemy.pos.x, enemy.pos.y)
    assert client.act(army(), command(23, [unit.tag for unit in units_of(told, owner=1)], point)) == [1, 1]


def units_of(observation, kind=None, owner=None):
    """Returns the units of an observation, of a type and an owner if they are given."""
    return [
        unit
        for unit in observation.observation.raw_data.units
        if (kind is None or unit.unit_type == kind) and (owner is None or unit.owner == owner)
    ]
