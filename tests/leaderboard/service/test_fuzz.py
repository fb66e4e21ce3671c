"""The API fuzzed against its own OpenAPI: no answer is a 5xx, and every one is as the schema says."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from servers import BLOCKS, TINY, Board, archive, private_suites

__all__ = ["private_suites"]

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    unsupported_method,
]
FAST, LONG = pytest.param(20, id="20"), pytest.param(400, id="400", marks=[pytest.mark.long, pytest.mark.timeout(3600)])
NO_LIMIT = dict.fromkeys(("token_rate", "token_burst", "worker_rate", "address_rate", "address_burst"), 1e9)


@dataclass
class Target:
    """A board with something in every table, and its schema."""

    board: Board
    tokens: dict[str, str]
    known: dict[str, list[str | int]]
    """Of parameters in paths: values that exist."""


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    limits = {**NO_LIMIT, "uploads_per_day": 10**6, "idle_s": 5.0}
    with Board(folder / "home", limits) as board:
        tokens = {role: board.token(f"some {role}", role) for role in ("submitter", "worker")}
        tokens |= {"admin": board.admin, "nobody": ""}
        board.submit(tokens["submitter"], archive(folder / "first", suite=TINY.name))
        offer = board.ask("POST", "worker/lease", tokens["worker"], json={"worker": "w"}).json()
        known = {
            "submission": [offer["submission"]],
            "job": [offer["id"]],
            "sha256": [offer["bundle_sha256"]],
            "suite": [TINY.name, BLOCKS.name],
            "index": [0],
            "season": [board.ask("GET", "seasons").json()["current"]],
        }
        yield Target(board, tokens, known)


def schema_of(target: Target):
    return schemathesis.openapi.from_url(f"{target.board.url}/api/openapi.json")


@pytest.mark.parametrize("examples", [FAST, LONG])
@pytest.mark.parametrize("role", ["nobody", "submitter", "worker", "admin"])
def test_the_api_keeps_its_schema(target, role, examples):
    token = target.tokens[role]
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    asked = 0
    for result in schema_of(target).get_all_operations():
        operation = result.ok()

        @given(case=operation.as_strategy(), data=st.data())
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def ask(case, data):
            nonlocal asked
            for name in set(target.known) & set(case.path_parameters or {}):
                case.path_parameters[name] = data.draw(
                    st.sampled_from([case.path_parameters[name], *target.known[name]]), name
                )
            answer = case.call(headers=headers, timeout=30)
            case.validate_response(answer, checks=CHECKS)
            asked += 1

        if operation.label.startswith("PATCH /api/v1/users") and role == "admin":
            continue  # it could shut its own account out
        ask()
    assert asked > 30


def test_the_schema_tells_who_needs_a_token(target):
    schema = target.board.http.get("/api/openapi.json").json()
    secured = {
        f"{method} {path}"
        for path, item in schema["paths"].items()
        for method, operation in item.items()
        if operation.get("security")
    }
    assert "post /api/v1/submissions" in secured
    assert "post /api/v1/worker/lease" in secured
    assert "get /api/v1/rules" not in secured
    for path in secured:
        method, _, address = path.partition(" ")
        answer = target.board.http.request(method, address.replace("{", "").replace("}", ""))
        assert answer.status_code == 401, (path, answer.text)
    assert not [path for path in schema["paths"] if not path.startswith(("/api/v1/", "/healthz"))]
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            assert operation["summary"], (method, path)
            assert {"429", "503"} <= set(operation["responses"]), (method, path)
