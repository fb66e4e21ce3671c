"""SubmissionManifest: what a bundle's `submission.toml` declares; and the reading of it, with every problem at once."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from envsuite.errors import InvalidSubmission
from envsuite.leaderboard.submission import rules
from envsuite.leaderboard.submission.problems import field_problems, syntax_problem
from envsuite.leaderboard.submission.rules import Count, Hours, Text

MANIFEST = "submission.toml"
MAX_BYTES = 64 * 2**10
"""Of the manifest file."""


class _Record(BaseModel):
    """Base of all records of the manifest; a field's `description` says what is expected in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RunEntry(_Record):
    """One training run."""

    weights: tuple[Annotated[str, AfterValidator(rules.weight_file)], ...] = Field(
        min_length=1, max_length=64, description="a list of 1 to 64 files in the bundle"
    )
    seed: Annotated[int, Field(strict=True)] | None = Field(
        default=None, ge=0, lt=2**63, description="a whole number from 0 to 2**63 - 1"
    )
    note: Text = Field(default="", max_length=200, description="a line of at most 200 characters")


class TrainingBudget(_Record):
    """What one training run has cost."""

    steps: Count | None = Field(default=None, description="a number of environment steps, from 0")
    wall_hours: Hours | None = Field(default=None, description="a number of hours, from 0")
    cpus: Count | None = Field(default=None, description="a number of processor cores, from 0")
    gpus: Count | None = Field(default=None, description="a number of accelerators, from 0")
    data: Text = Field(default="", max_length=500, description="a line of at most 500 characters")


class TuningBudget(_Record):
    """What the search for settings has cost, before the training runs."""

    trials: Count | None = Field(default=None, description="a number of settings tried, from 0")
    steps: Count | None = Field(default=None, description="a number of environment steps of all trials, from 0")
    wall_hours: Hours | None = Field(default=None, description="a number of hours of all trials, from 0")


class SubmissionManifest(_Record):
    """What a submission declares of itself."""

    name: Annotated[str, AfterValidator(rules.name)] = Field(description=rules.NAME)
    version: Annotated[str, AfterValidator(rules.version)] = Field(description=rules.VERSION)
    authors: tuple[Annotated[Text, Field(min_length=1, max_length=100)], ...] = Field(
        min_length=1, max_length=50, description="a list of 1 to 50 names of at most 100 characters"
    )
    licence: Annotated[str, AfterValidator(rules.licence)] = Field(description=rules.LICENCE)
    suite: Annotated[str, AfterValidator(rules.suite)] = Field(description="the name of a suite")
    entry_point: Annotated[str, AfterValidator(rules.entry_point)] = Field(
        default="agent:make_agent", validate_default=True, description='"module:function" in the bundle'
    )
    runs: tuple[RunEntry, ...] = Field(default=(), max_length=100, description="at most 100 training runs, as [[runs]]")
    requirements: Annotated[str, AfterValidator(rules.lock_file)] | None = Field(
        default=None, description="the name of a lock file in the bundle"
    )
    training_budget: TrainingBudget | None = Field(default=None, description="a table")
    tuning_budget: TuningBudget | None = Field(default=None, description="a table")
    hardware: Text = Field(default="", max_length=500, description="a line of at most 500 characters")
    links: Mapping[Annotated[str, AfterValidator(rules.label)], Annotated[str, AfterValidator(rules.url)]] = Field(
        default_factory=dict, max_length=10, description="a table of at most 10 addresses"
    )
    description: Annotated[str, AfterValidator(rules.paragraphs)] = Field(
        default="", max_length=2000, description="a text of at most 2000 characters"
    )
    # The last, since it is held against the others.
    learned: StrictBool = Field(description="true or false")

    @field_validator("runs")
    @classmethod
    def _runs_differ(cls, runs: tuple[RunEntry, ...], info: ValidationInfo) -> tuple[RunEntry, ...]:
        rules.runs_differ(runs, info)
        return runs

    @field_validator("learned")
    @classmethod
    def _consistent(cls, learned: bool, info: ValidationInfo) -> bool:
        # What was given, not what was found right: else a wrong run would hide the contradiction.
        given = info.context["data"] if isinstance(info.context, dict) else info.data
        return rules.consistent(learned, frozenset(name for name, value in given.items() if value))

    def declared(self) -> dict[str, Any]:
        """Returns the fields that nobody checks, as plain data, to be shown as declared."""
        shown = {"training_budget", "tuning_budget", "hardware", "links", "description", "runs"}
        return self.model_dump(mode="json", include=shown, exclude_none=True, exclude_defaults=True)


def read_manifest(folder: Path) -> SubmissionManifest:
    """Returns the manifest of a bundle, after looking whether the files that it names are there.

    Raises `InvalidSubmission` with every problem as `submission.toml:LINE: field: expected ..., got ...`.
    """
    text = _read(folder / MANIFEST)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidSubmission([syntax_problem(MANIFEST, text, str(error))]) from error
    except (ValueError, RecursionError) as error:
        raise InvalidSubmission([f"{MANIFEST}:1: expected plain TOML, got {type(error).__name__}: {error}"]) from error
    try:
        return SubmissionManifest.model_validate(data, context={"folder": folder, "data": data})
    except ValidationError as error:
        raise InvalidSubmission(field_problems(MANIFEST, text, error, SubmissionManifest)) from error


def _read(file: Path) -> str:
    """Returns the text of the manifest; raises `InvalidSubmission` where it is no text in UTF-8."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise InvalidSubmission([f"{MANIFEST}:1: expected a file in the bundle, got: {error.strerror}"]) from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise InvalidSubmission([f"{MANIFEST}:1: expected a file, got a folder, device or pipe"])
    with os.fdopen(handle, "rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InvalidSubmission([f"{MANIFEST}:1: expected at most {MAX_BYTES} bytes, got more"])
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise InvalidSubmission([f"{MANIFEST}:1: expected UTF-8 without a byte-order mark, got one; save it without"])
    try:
        text = data.decode()
        wrong = text.find("\0")
        position, got = len(text[:wrong].encode()), "a NUL character"
    except UnicodeDecodeError as error:
        text, wrong = "", error.start
        position, got = error.start, f"the byte 0x{data[error.start]:02x}"
    if wrong >= 0:
        line = data.count(b"\n", 0, position) + 1
        raise InvalidSubmission([f"{MANIFEST}:{line}: expected a text in UTF-8, got {got}"])
    return text.replace("\r\n", "\n")
