"""Bundle: a submission that has been checked, as files; and the start of a new one."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from envsuite.errors import InvalidArgument, InvalidSubmission
from envsuite.leaderboard.submission import rules
from envsuite.leaderboard.submission.archive import list_files, pack, unpack
from envsuite.leaderboard.submission.manifest import MANIFEST, SubmissionManifest, read_manifest
from envsuite.leaderboard.submission.names import Limits
from envsuite.leaderboard.submission.requirements import install
from envsuite.leaderboard.submission.workspace import Workspace

TEMPLATE = Path(__file__).parent / "template"
TEMPLATE_FILES = (MANIFEST, "agent.py", "README.md")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A submission whose files and manifest are in order; a context manager that removes its copy at the end.

    It is a copy: what was checked and hashed is what is run, whatever happens to the original meanwhile.
    """

    folder: Path
    """With exactly the files that the hash covers."""
    archive: Path
    """The archive of `pack`: what is uploaded, and what the hash is of."""
    manifest: SubmissionManifest
    sha256: str
    """Of the archive, in hexadecimal; alike for a folder and for every zip of it."""
    _workspace: Workspace = field(repr=False)

    @classmethod
    def open(cls, path: Path | str, limits: Limits | None = None, *, shown_as: str | None = None) -> Bundle:
        """Returns the bundle of a folder or zip file; problems of a zip file call it `shown_as`, or by its name.

        Raises `InvalidSubmission` with every problem of its files and manifest, OSError where there is none.
        """
        path, limits = Path(path), limits or Limits()
        if not (path.is_dir() or path.is_file()):
            raise FileNotFoundError(f"expected the folder or zip file of a submission, got {path}, which is none")
        workspace = Workspace.claim()
        folder, archive = workspace.folder / "bundle", workspace.folder / "bundle.zip"
        try:
            if path.is_dir():
                try:
                    sha256 = pack(path, archive, limits)
                except InvalidSubmission as error:
                    raise InvalidSubmission(inspect(path, limits)[1] or error.problems) from error
                unpack(archive, folder, limits)
            else:
                unpack(path, folder, limits, shown_as=shown_as)
                sha256 = pack(folder, archive, limits)
            manifest, problems = inspect(folder, limits)
            if manifest is None or problems:
                raise InvalidSubmission(problems)
        except BaseException:
            workspace.release()
            raise
        return cls(folder=folder, archive=archive, manifest=manifest, sha256=sha256, _workspace=workspace)

    def install_requirements(self, cache: Path | None = None) -> tuple[Path, ...]:
        """Returns the folders of the packages that the agent needs beside Python's; installs what is not cached.

        Raises `InvalidSubmission` and `InstallFailed` like `install`.
        """
        if self.manifest.requirements is None:
            return ()
        return (install(self.folder / self.manifest.requirements, cache),)

    def close(self) -> None:
        """Removes the copy; may be called twice."""
        self._workspace.release()

    def __enter__(self) -> Bundle:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def inspect(folder: Path, limits: Limits | None = None) -> tuple[SubmissionManifest | None, list[str]]:
    """Returns the manifest, None where it is not in order, and every problem of a bundle's files and manifest."""
    _, problems = list_files(folder, limits or Limits())
    try:
        return read_manifest(folder), problems
    except InvalidSubmission as error:
        return None, [*error.problems, *problems]


def new(folder: Path, name: str, suite: str = "quick-v1") -> None:
    """Makes a folder with a submission that works: manifest, agent and README, to be edited.

    Raises `InvalidArgument` for a folder that holds something already, and for a name or suite that no
    manifest may have.
    """
    for argument, rule, value in (("name", rules.name, name), ("suite", rules.suite, suite)):
        try:
            rule(value)
        except ValueError as error:
            raise InvalidArgument(f"{argument}: {error}") from error
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidArgument(f"folder: expected none or an empty one, got {folder}, which is there already")
    folder.parent.mkdir(parents=True, exist_ok=True)
    words = {"my-agent": name, "quick-v1": suite}
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder.parent) as staging:
        made = Path(staging) / "made"
        made.mkdir()
        for source in (TEMPLATE / file for file in TEMPLATE_FILES):
            text = re.sub("|".join(words), lambda found: words[found[0]], source.read_text(encoding="utf-8"))
            (made / source.name).write_text(text, encoding="utf-8")
        folder.mkdir(exist_ok=True)
        for file in made.iterdir():  # nothing is here before all of it could be written
            file.replace(folder / file.name)
