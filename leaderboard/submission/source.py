"""Finds the function of an entry point in a bundle's source, without running any of it."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

MAX_SOURCE_BYTES = 2**20
_SECONDS = 20.0
_TAKEN = sys.stdlib_module_names | {"envsuite", "guest", "gymnasium", "msgpack", "numpy"}
"""Names of modules that the sandbox's own process has imported already."""
_MODULE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_EXPECTED = "expected one that takes one argument, the task"


def entry_point_problem(folder: Path, entry_point: str) -> str | None:
    """Returns what is wrong with `module:function` of a bundle, with file and line if there is one; None if nothing.

    The source is parsed in another process, since nothing keeps a hostile one from crashing Python's parser.
    """
    module, _, function = entry_point.partition(":")
    if not _MODULE.fullmatch(module) or not function.isidentifier():
        return 'expected "module:function"'
    if module.split(".")[0] in _TAKEN:
        return f'expected a module with a name of its own, got "{module.split(".")[0]}", which Python has already'
    candidates = [f"{module.replace('.', '/')}.py", f"{module.replace('.', '/')}/__init__.py"]
    name = next((name for name in candidates if (folder / name).is_file()), None)
    if name is None:
        return f"expected a file {' or '.join(candidates)} in the bundle, got none"
    source = (folder / name).read_bytes()
    if len(source) > MAX_SOURCE_BYTES:
        return f"{name}:1: expected at most {MAX_SOURCE_BYTES} bytes of source, got {len(source)}"
    return _ask(name, source, function)


def _ask(name: str, source: bytes, function: str) -> str | None:
    command = [sys.executable, "-I", "-S", __file__, function]
    try:
        done = subprocess.run(command, input=source, capture_output=True, timeout=_SECONDS, check=True)
        answer = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError):
        return f"{name}:1: expected Python source, got one that its parser does not survive"
    return None if answer is None else f"{name}:{answer[0]}: {answer[1]}"


def find_problem(source: bytes, function: str) -> tuple[int, str] | None:
    """Returns the line and what is wrong with a function of a source; None where nothing is."""
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        return error.lineno or 1, f"expected Python {sys.version_info.major}.{sys.version_info.minor}, got {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return 1, f"expected Python source, got {type(error).__name__}: {error}"
    found = list(_definitions(tree.body, function))
    if not found:
        return 1, f"expected a function `{function}`, got none of this name"
    node = found[-1]
    if isinstance(node, ast.AsyncFunctionDef):
        return node.lineno, f"{function}: expected a plain function, got an async one"
    if isinstance(node, ast.FunctionDef):
        return _arguments_problem(node)
    return None


def _definitions(body: list[ast.stmt], name: str) -> Iterator[ast.AST]:
    """Yields what gives a name at the top level of a module its meaning, also under `if`, `try` and `with`."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if node.name == name:
                yield node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            if any((alias.asname or alias.name.split(".")[0]) in (name, "*") for alias in node.names):
                yield node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(part, ast.Name) and part.id == name for target in targets for part in ast.walk(target)):
                yield node
        else:
            for part in ("body", "orelse", "finalbody"):
                yield from _definitions(getattr(node, part, []), name)
            for handler in getattr(node, "handlers", []):
                yield from _definitions(handler.body, name)


def _arguments_problem(node: ast.FunctionDef) -> tuple[int, str] | None:
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    required = positional[: len(positional) - len(arguments.defaults)]
    keywords = [
        name.arg for name, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if not default
    ]
    if node.decorator_list or (len(required) <= 1 and not keywords and (positional or arguments.vararg)):
        return None
    return node.lineno, f"{node.name}: {_EXPECTED}, got {node.name}({ast.unparse(arguments)[:80]})"


if __name__ == "__main__":
    sys.stdout.write(json.dumps(find_problem(sys.stdin.buffer.read(), sys.argv[1])))
