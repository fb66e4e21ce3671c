"""A program in the game's place that does what a test asks of it: a few answers of the protocol, and every way to fail.

What it is to do stands in `plan.json` in the folder of the game:

- `version`: what it says its version is;
- `end`, `result`, `marines`: the loop at which the game ends, with which result, and how many marines are left then;
- `die`, `hang`, `stick`: the loop at which it dies, never answers again, or does not go on;
- `die_at_start`, `refuse_map`: what they say.

Its screen is empty, its score is a twelfth of the loop, its player has marines that can move and attack.
"""

import base64
import hashlib
import json
import os
import socket
import struct
import sys
import time
from pathlib import Path

from s2clientprotocol import sc2api_pb2

LAUNCHED, INIT, IN_GAME, ENDED = 1, 2, 3, 5
MOVE, ATTACK, STOP = 16, 23, 4


def receive(connection, count):
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            sys.exit(0)
        data += part
    return data


def read_frame(connection):
    first, second = receive(connection, 2)
    length = second & 127
    if length == 126:
        (length,) = struct.unpack(">H", receive(connection, 2))
    elif length == 127:
        (length,) = struct.unpack(">Q", receive(connection, 8))
    mask = receive(connection, 4)
    data = receive(connection, length)
    if first & 15 == 8:
        sys.exit(0)
    return bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))


def write_frame(connection, data):
    size = struct.pack(">BH", 126, len(data)) if len(data) > 125 else struct.pack(">B", len(data))
    connection.sendall(b"\x82" + size + data)


def accept(port):
    server = socket.create_server(("127.0.0.1", port))
    connection, _ = server.accept()
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(4096)
    key = request.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
    accepted = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accepted + b"\r\n\r\n"
    )
    return connection


class Game:
    """Answers requests by the plan."""

    def __init__(self, plan):
        self.plan, self.loop, self.status, self.seeds, self.asked = plan, 0, LAUNCHED, [], []
        self.options = None

    def answer(self, request):
        response = sc2api_pb2.Response(id=request.id)
        kind = request.WhichOneof("request")
        if kind == "quit":
            sys.exit(0)
        getattr(self, kind)(getattr(request, kind), getattr(response, kind))
        getattr(response, kind).SetInParent()
        response.status = self.status
        return response

    def ping(self, request, response):
        response.game_version = self.plan.get("version", "4.10.0.75689")

    def create_game(self, request, response):
        self.seeds.append(request.random_seed)
        if "refuse_map" in self.plan:
            response.error = sc2api_pb2.ResponseCreateGame.InvalidMapData
        else:
            self.status = INIT

    def join_game(self, request, response):
        self.options = request.options
        self.loop, self.status, response.player_id = 0, IN_GAME, 1

    def restart_game(self, request, response):
        self.loop, self.status = 0, IN_GAME

    def game_info(self, request, response):
        response.options.CopyFrom(self.options)
        response.start_raw.map_size.x = response.start_raw.map_size.y = 64

    def action(self, request, response):
        self.asked += list(request.actions)

    def step(self, request, response):
        if "stick" not in self.plan or self.loop < self.plan["stick"]:
            self.loop += request.count
        if self.loop >= self.plan.get("die", 1 << 30):
            print("e_fileCorruptRepairable", file=sys.stderr, flush=True)
            os._exit(3)
        if self.loop >= self.plan.get("hang", 1 << 30):
            time.sleep(600)

    def observation(self, request, response):
        observation, plan = response.observation, self.plan
        over = self.loop >= plan.get("end", 1 << 30)
        observation.game_loop = self.loop
        observation.player_common.player_id = 1
        observation.player_common.minerals = self.loop
        observation.player_common.army_count = 3
        observation.score.score = self.loop // 12
        for ability, pointed in ((MOVE, True), (ATTACK, True), (STOP, False)):
            observation.abilities.add(ability_id=ability, requires_point=pointed)
        raw = observation.raw_data
        raw.player.camera.x, raw.player.camera.y = 33, 25
        for index in range(plan.get("marines", 3) if over else 3):
            unit = raw.units.add(tag=index + 1, unit_type=48, alliance=1, owner=1, display_type=1, is_on_screen=True)
            unit.pos.x, unit.pos.y, unit.health, unit.health_max = 36, 22 + index, 30, 45
        # Actions that were sent are errors when they name an ability that a marine has not.
        for action in self.asked:
            ability = action.action_feature_layer.unit_command.ability_id
            if ability and ability not in (1, 3794, 3674, 3665):
                response.action_errors.add(ability_id=ability, result=2)
        self.asked = []
        if over:
            self.status = ENDED
            response.player_result.add(player_id=1, result=plan.get("result", 1))


def main():
    arguments = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=False))
    folder = Path(arguments["-dataDir"])
    plan = json.loads((folder / "plan.json").read_text())
    (Path(arguments["-tempDir"]) / "cache").write_text("x")
    if "die_at_start" in plan:
        print("libEGL is missing", file=sys.stderr, flush=True)
        sys.exit(7)
    connection = accept(int(arguments["-port"]))
    game = Game(plan)
    while True:
        data = read_frame(connection)
        request = sc2api_pb2.Request.FromString(data)
        response = game.answer(request)
        with (folder / "seeds.json").open("w") as file:
            json.dump(game.seeds, file)
        write_frame(connection, response.SerializeToString())


if __name__ == "__main__":
    main()
