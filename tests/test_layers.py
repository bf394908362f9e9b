"""The house rules of docs/architecture.md, read off the source.

Imports point down, each outside thing has one owner, files and functions stay small, and only the
top asks the environment. Imports inside functions and for type checkers count like any other.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import hiveloom_cli

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACKAGE = "hiveloom_cli"
ROOT = Path(hiveloom_cli.__file__).parent

# From the ground up. A unit may import itself and every layer below its own; units that share a
# layer do not know each other, the ground floor's excepted.
GROUND = frozenset(
    {"clock", "errors", "files", "json_schema", "paths", "secret", "signals", "stop", "threads"}
)
LAYERS: tuple[frozenset[str], ...] = (
    GROUND,
    frozenset({"front_matter", "protocols"}),
    frozenset({"agents", "credentials", "tools", "upstream"}),
    frozenset({"chat"}),
    frozenset({"serve", "terminal"}),
    frozenset({"app"}),
    frozenset({"commands"}),
    frozenset({"cli"}),
    frozenset({"__main__"}),
)
LAYER_OF = {unit: height for height, units in enumerate(LAYERS) for unit in units}
DEMO_READERS = frozenset({"commands/demo.py"})

OWNERS: dict[str, tuple[str, ...]] = {
    "anyio": ("serve/mcp/agent.py", "tools/mcp_client.py", "tools/mcp_loop.py"),
    "click": ("cli.py", "commands/"),
    "cryptography": ("credentials/",),
    "filelock": ("files.py",),
    "httpx2": ("tools/mcp_client.py",),
    "jeepney": ("credentials/",),
    "jsonschema": ("json_schema.py",),
    "keyring": ("credentials/",),
    "mcp": ("serve/mcp/server.py", "tools/mcp_client.py"),
    "platformdirs": ("paths.py",),
    "prometheus_client": ("serve/metrics.py",),
    "prompt_toolkit": ("terminal/",),
    "referencing": ("json_schema.py",),
    "requests": ("upstream/session.py", "upstream/transport.py"),
    "rich": ("terminal/",),
    "secretstorage": ("credentials/",),
    "sqlite3": ("chat/store.py",),
    "sse_starlette": ("serve/mcp/server.py",),
    "starlette": ("serve/",),
    "truststore": ("upstream/trust.py",),
    "uvicorn": ("serve/",),
    "urllib3": ("upstream/guard.py", "upstream/session.py", "upstream/transport.py"),
    "yaml": ("front_matter/",),
}
ONE_FILE_ONLY = ("yaml",)

ENVIRONMENT = {
    "os": frozenset({"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}),
    "sys": frozenset({"argv", "orig_argv"}),
}
ENVIRONMENT_READERS = frozenset({"app.py", "cli.py"})

MOST_LINES_IN_A_FILE = 300
MOST_LINES_IN_A_FUNCTION = 40


def find_imports(path: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and the full dotted name of everything that a file imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _resolve(path, node)
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def _resolve(path: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    folders = [PACKAGE, *Path(path).parent.parts]
    kept = folders[: len(folders) - node.level + 1]
    return ".".join([*kept, node.module] if node.module else kept)


def unit_of(path: str) -> str:
    """Name the part of the house that a file belongs to: its folder, or itself."""
    return Path(path).parts[0].removesuffix(".py")


def check_layers(path: str, source: str) -> Iterator[str]:
    """Find imports of ours that point up, sideways, or at a part that has no place yet."""
    here = unit_of(path)
    for line, name in find_imports(path, ast.parse(source)):
        package, _, rest = name.partition(".")
        there = rest.partition(".")[0]
        is_unit = there in LAYER_OF or (bool(there) and (ROOT / there).is_dir())
        if package != PACKAGE or not is_unit or there == here:
            continue  # not ours, or what the package itself holds, such as its version
        if not _may_import(path, here, there):
            yield f"{path}:{line}: {here} may not import {there}: imports only point down"


def _may_import(path: str, here: str, there: str) -> bool:
    if there == "demo":
        return path in DEMO_READERS
    if here == "demo" or here in GROUND:
        return there in GROUND
    return LAYER_OF.get(there, len(LAYERS)) < LAYER_OF.get(here, -1)


def check_places(path: str, _source: str) -> Iterator[str]:
    """Find files that belong to no layer."""
    if unit_of(path) not in {*LAYER_OF, "demo", "__init__"}:
        yield f"{path}:1: {unit_of(path)} has no layer: give it one in {Path(__file__).name}"


def check_owners(path: str, source: str) -> Iterator[str]:
    """Find outside packages imported by anyone but their owner."""
    for line, name in find_imports(path, ast.parse(source)):
        package = name.partition(".")[0]
        owners = OWNERS.get(package)
        if owners and not any(_is_at(path, owner) for owner in owners):
            yield f"{path}:{line}: {package} belongs to {' and '.join(owners)} alone"


def _is_at(path: str, owner: str) -> bool:
    return path.startswith(owner) if owner.endswith("/") else path == owner


def check_environment(path: str, source: str) -> Iterator[str]:
    """Find files that read the environment or the command line, which the top hands down."""
    if path in ENVIRONMENT_READERS:
        return
    for line, name in _find_uses(path, ast.parse(source)):
        module, _, member = name.partition(".")
        if member in ENVIRONMENT.get(module, ()):
            readers = " and ".join(sorted(ENVIRONMENT_READERS))
            yield f"{path}:{line}: {name} is read by {readers} alone, which hand it down"


def _find_uses(path: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    yield from find_imports(path, tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield node.lineno, f"{node.value.id}.{node.attr}"


def check_sizes(path: str, source: str) -> Iterator[str]:
    """Find files and functions that do not fit in a reader's head."""
    lines = len(source.splitlines())
    if lines > MOST_LINES_IN_A_FILE:
        yield f"{path}:1: {lines} lines; a file has {MOST_LINES_IN_A_FILE} at most"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MOST_LINES_IN_A_FUNCTION:
                most = MOST_LINES_IN_A_FUNCTION
                yield f"{path}:{node.lineno}: {node.name} has {length} lines; {most} is the most"


CHECKS: tuple[Callable[[str, str], Iterator[str]], ...] = (
    check_places,
    check_layers,
    check_owners,
    check_environment,
    check_sizes,
)


def read_sources() -> dict[str, str]:
    """Read every module, by its path below the package."""
    files = sorted(ROOT.rglob("*.py"))
    return {file.relative_to(ROOT).as_posix(): file.read_text("utf-8") for file in files}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_house_keeps_its_rules(check: Callable[[str, str], Iterator[str]]) -> None:
    sources = read_sources()
    assert "errors.py" in sources
    broken = [found for path, source in sources.items() for found in check(path, source)]
    assert not broken, "\n" + "\n".join(f"{PACKAGE}/{found}" for found in broken)


@pytest.mark.parametrize("package", ONE_FILE_ONLY)
def test_one_file_is_enough_for(package: str) -> None:
    users = {
        f"{path}:{line}"
        for path, source in read_sources().items()
        for line, name in find_imports(path, ast.parse(source))
        if name.partition(".")[0] == package
    }
    files = {use.partition(":")[0] for use in users}
    assert len(files) <= 1, f"{package} is imported by more than one file: {sorted(users)}"


@pytest.mark.parametrize(
    ("path", "source", "rule"),
    [
        ("protocols/sse.py", "import hiveloom_cli.upstream.base_url", "may not import upstream"),
        ("upstream/key.py", "from hiveloom_cli import credentials", "may not import credentials"),
        ("chat/runner.py", "from ..terminal import render", "may not import terminal"),
        ("chat/runner.py", "def run():\n    from hiveloom_cli.app import App", ":2: chat may not"),
        ("errors.py", "from hiveloom_cli.protocols.sse import feed", "may not import protocols"),
        ("app.py", "import hiveloom_cli.demo.upstream", "may not import demo"),
        ("demo/upstream.py", "from hiveloom_cli.protocols import sse", "may not import protocols"),
        ("shelf/book.py", "", "shelf has no layer"),
        ("chat/runner.py", "import requests", "and upstream/transport.py alone"),
        ("app.py", "from rich.console import Console", "belongs to terminal/ alone"),
        ("chat/log.py", "import sqlite3", "belongs to chat/store.py alone"),
        ("paths.py", "import os\nos.environ['HOME']", ":2: os.environ is read by"),
        ("paths.py", "from os import getenv", "os.getenv is read by"),
        ("terminal/repl.py", "import sys\nsys.argv[1:]", "sys.argv is read by"),
        ("clock.py", "\n" * 301, "301 lines"),
        ("clock.py", "def tick():\n" + "    pass\n" * 40, "tick has 41 lines"),
    ],
)
def test_a_broken_rule_is_found(path: str, source: str, rule: str) -> None:
    """The checks above would pass just as well if they saw nothing."""
    found = [broken for check in CHECKS for broken in check(path, source)]
    assert len(found) == 1
    assert rule in found[0]
    assert found[0].startswith(f"{path}:")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("upstream/transport.py", "import requests, urllib3\nfrom hiveloom_cli import __version__"),
        ("commands/demo.py", "from hiveloom_cli.demo.upstream import LoopbackUpstream"),
        ("commands/chat.py", "import click\nfrom hiveloom_cli.chat.runner import run"),
        ("files.py", "from hiveloom_cli.errors import Locked\nfrom filelock import FileLock"),
        ("cli.py", "import os, sys\nos.environ, sys.argv"),
        ("__main__.py", "import hiveloom_cli\nfrom hiveloom_cli.cli import main"),
        ("clock.py", "def tick():\n" + "    pass\n" * 39),
    ],
)
def test_what_is_allowed_passes(path: str, source: str) -> None:
    assert [broken for check in CHECKS for broken in check(path, source)] == []
