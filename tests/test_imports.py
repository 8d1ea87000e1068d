"""Who may import whom, who starts processes, who reads the environment: DESIGN.md's rules."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("builder", "bench", "ext")
COMMAND_LINE = ("bench/commands/", "bench/cli.py")
COMPOSERS = ("bench/jobs/", *COMMAND_LINE)
STATISTICS = ("bench/stats.py", "bench/levels.py", "bench/accuracy.py")
# GitPython hands out a process of the standard library, whose names are needed to wait for it.
GIT = ("builder/git.py", "builder/git_process.py")
RUNNER = "builder/process.py"

# What a Python 2.7 has under other names, for what runs inside either.
PYTHON_2 = {
    "httplib",
    "urllib2",
    "__builtin__",
    "Queue",
    "StringIO",
    "cPickle",
    "cStringIO",
    "thread",
    "urlparse",
}
STARTING = {
    "subprocess": {"Popen", "run", "call", "check_call", "check_output", "getoutput"}
    | {"getstatusoutput"},
    "os": {"system", "popen", "fork", "forkpty", "posix_spawn", "posix_spawnp"}
    | {f"exec{how}" for how in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")}
    | {f"spawn{how}" for how in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")},
}
PROCESS_MODULES = {"subprocess", "multiprocessing", "asyncio", "pty", "concurrent"}
ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv", "path.expandvars"}


def files() -> list[Path]:
    return sorted(path for room in OURS for path in (ROOT / room).rglob("*.py"))


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def imports(path: str, tree: ast.AST) -> Iterator[str]:
    """Every module that a file imports, at its top or later, by its full dotted name."""
    package = Path(path).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*above, *filter(None, [node.module])))
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                yield inner if is_module(inner) else module
        elif isinstance(node, ast.Call) and _dotted(node.func).rpartition(".")[2] in (
            "import_module",
            "__import__",
        ):
            first = node.args[0] if node.args else None
            yield str(first.value) if isinstance(first, ast.Constant) else "(a computed name)"


def _dotted(node: ast.AST) -> str:
    """`os.path.join` of such an expression; empty for any other."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        above = _dotted(node.value)
        return f"{above}.{node.attr}" if above else ""
    return ""


def _real_names(tree: ast.AST) -> dict[str, str]:
    """What a file's own names stand for: `sp` for subprocess after `import subprocess as sp`."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            known |= {
                alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names
            }
    return known


def uses(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """Every dotted name in a file, aliases resolved, and whether it is called."""
    known = _real_names(tree)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Name, ast.Attribute)) and (name := _dotted(node)):
            head, _, rest = name.partition(".")
            full = known.get(head, head) + (f".{rest}" if rest else "")
            yield full, id(node) in called


def violations(path: str, source: str) -> list[str]:
    """Each rule that a file with this content would break, had it this path."""
    tree = ast.parse(source, path)
    found = sorted({why for name in imports(path, tree) for why in _wrong_import(path, name)})
    for name, called in uses(tree):
        module, _, rest = name.partition(".")
        if called and rest in STARTING.get(module, ()) and path != RUNNER:
            found.append(f"starts a process: {name}")
        is_inside = path.startswith("bench/inside/")  # a process of its own, with no other way in
        if module == "os" and rest in ENVIRONMENT and path != "bench/cli.py" and not is_inside:
            found.append(f"reads the environment: {name}")
    return found


def _wrong_import(path: str, name: str) -> Iterator[str]:
    room, top = path.partition("/")[0], name.partition(".")[0]
    composes = path.startswith(COMPOSERS)
    if room == "builder" and top in ("bench", "ext"):
        yield f"builder imports {name}"
    if room == "ext" and top in ("builder", "bench") and name not in _FOR_EXT:
        yield f"ext imports {name}"
    if room == "bench" and top == "ext" and not composes:
        yield f"only jobs and the command line import ext: {name}"
    if name.startswith("bench.jobs") and not composes:
        yield f"only jobs and the command line import a job: {name}"
    if name.startswith("bench.commands") and not path.startswith(
        ("bench/commands/", "bench/cli.py")
    ):
        yield "only the command line imports a command"
    if name == "bench.cli":
        yield "nobody imports the command line"
    if path in STATISTICS and top in OURS and name.replace(".", "/") + ".py" not in STATISTICS:
        yield f"statistics import {name}"
    if path.startswith("bench/inside/") and top not in _FOR_INSIDE:
        yield f"bench/inside imports {name}"
    if top in PROCESS_MODULES and path != RUNNER and not (name == "subprocess" and path in GIT):
        yield f"only the runner imports {name}"
    if top in ("git", "gitdb") and path not in GIT:
        yield f"only builder/git.py imports {name}"
    if name == "builder.git_process" and not path.startswith("builder/git"):
        yield f"only builder/git.py imports {name}"
    if name == "(a computed name)":
        yield "imports a computed name"


_FOR_EXT = ("builder", "builder.errors", "builder.process")
# pip is the one that the interpreter itself brings.
_FOR_INSIDE = {*sys.stdlib_module_names, *PYTHON_2, "pyperf", "pip"}


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_keeps_the_rules(path: Path) -> None:
    assert violations(str(path.relative_to(ROOT)), path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("path", "source", "why"),
    [
        ("builder/x.py", "from bench import stats", "builder imports bench.stats"),
        ("builder/x.py", "def f():\n    import ext.kernels", "builder imports ext.kernels"),
        (
            "builder/x.py",
            "from importlib import import_module as i\nimport_module('bench')",
            "bench",
        ),
        ("builder/x.py", "__import__(name)", "computed name"),
        ("ext/x.py", "from builder import store", "ext imports builder.store"),
        ("ext/x.py", "import bench.stats", "ext imports bench.stats"),
        ("bench/x.py", "from ext import kernels", "only jobs and the command line import ext"),
        ("bench/report/x.py", "from ..jobs import run", "import a job: bench.jobs.run"),
        ("bench/x.py", "from bench.jobs.run import f", "import a job: bench.jobs.run"),
        ("bench/jobs/x.py", "from bench.commands import inspect", "imports a command"),
        ("bench/jobs/x.py", "from bench import cli", "nobody imports the command line"),
        ("bench/jobs/x.py", "from ..cli import main", "nobody imports the command line"),
        ("bench/stats.py", "from builder.errors import DataError", "statistics import"),
        ("bench/stats.py", "from .session import x", "statistics import bench.session"),
        ("bench/inside/x.py", "import numpy", "bench/inside imports numpy"),
        ("bench/inside/x.py", "from bench import stats", "bench/inside imports bench.stats"),
        ("bench/x.py", "import subprocess", "only the runner imports subprocess"),
        ("bench/x.py", "from multiprocessing import Pool", "only the runner imports"),
        ("bench/x.py", "from concurrent.futures import Executor", "only the runner imports"),
        ("builder/git.py", "import subprocess as s\ns.run([])", "starts a process: subprocess.run"),
        ("builder/git.py", "from subprocess import Popen\nPopen([])", "starts a process"),
        ("bench/x.py", "import os\nos.system('ls')", "starts a process: os.system"),
        ("bench/x.py", "from os import execvp as e\ne('ls', [])", "starts a process: os.execvp"),
        ("builder/x.py", "import os\nos.posix_spawn('ls', [], {})", "starts a process"),
        ("builder/x.py", "import os\nos.fork()", "starts a process: os.fork"),
        ("builder/x.py", "from git import Repo", "only builder/git.py imports git"),
        ("builder/x.py", "from builder.git_process import run", "imports builder.git_process"),
        ("bench/x.py", "import os\nos.environ['A']", "reads the environment: os.environ"),
        ("bench/x.py", "from os import getenv\ngetenv('A')", "reads the environment: os.getenv"),
        ("bench/x.py", "import os\nos.path.expandvars('$A')", "reads the environment"),
    ],
)
def test_a_broken_rule_is_seen(path: str, source: str, why: str) -> None:
    assert why in "\n".join(violations(path, source))


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("builder/process.py", "import subprocess\nsubprocess.Popen([])\nimport os\nos.fork()"),
        ("builder/git.py", "import subprocess\nfrom git import Git\nx: subprocess.Popen[bytes]"),
        ("ext/x.py", "from builder.errors import BuildError\nfrom builder.process import Runner"),
        ("bench/x.py", "from builder import store\nimport os\nos.getpid()"),
        ("bench/jobs/x.py", "from ext import y\nfrom bench.jobs import run"),
        ("bench/cli.py", "import os\nos.environ['A']\nfrom bench.jobs import run"),
        ("bench/inside/x.py", "import os, pyperf, Queue\nos.environ['A']"),
    ],
)
def test_what_is_allowed(path: str, source: str) -> None:
    assert violations(path, source) == []
