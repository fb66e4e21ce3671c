"""pysc2's client in the same process: its errors, its log, its end."""

import pytest
from absl.testing import flagsaver

from envsuite.families.starcraft2.protocol.controller import LocalController
from envsuite.families.starcraft2.protocol.pysc2_shim import load_pysc2
from envsuite.families.starcraft2.protocol.session import Session

load_pysc2()

from pysc2.lib import protocol, remote_controller  # noqa: E402
from s2clientprotocol import sc2api_pb2  # noqa: E402


def test_errors_are_raised_as_over_a_socket():
    controller = LocalController()
    with pytest.raises(remote_controller.RequestError, match="MissingMap"):
        controller.create_game(sc2api_pb2.RequestCreateGame())
    with pytest.raises(protocol.ProtocolError, match="got launched"):
        controller.join_game(sc2api_pb2.RequestJoinGame())
    assert controller.status == protocol.Status.launched
    controller.quit()
    with pytest.raises(protocol.ConnectionError, match="closed"):
        controller.ping()
    controller.quit()


def test_the_status_is_the_sessions():
    controller = LocalController()
    create = sc2api_pb2.RequestCreateGame(local_map=sc2api_pb2.LocalMap(map_path="3m"))
    create.player_setup.add(type=1)
    controller.create_game(create)
    assert controller.status == protocol.Status.init_game
    controller.join_game(sc2api_pb2.RequestJoinGame(race=1, options=sc2api_pb2.InterfaceOptions(raw=True)))
    assert controller.status == protocol.Status.in_game
    assert controller.step(4).simulation_loop == 4
    controller.leave()
    assert controller.status == protocol.Status.launched


def test_a_session_can_go_on_with_another_client():
    session = Session()
    first = LocalController(session)
    first.close()
    assert LocalController(session).ping().base_build == 75689


def test_pysc2_can_log_what_is_said(capsys):
    controller = LocalController()
    with flagsaver.flagsaver(sc2_verbose_protocol=5):
        assert controller.ping().base_build == 75689
    said = capsys.readouterr().err
    assert "Writing request: ping" in said
    assert "Read ping" in said
