"""The rules of the code base beyond import-linter (its contracts are in pyproject.toml).

What a room offers, who starts processes, who reads the environment, who talks to git, how large a
room may be, and that a class name means one thing.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("builder", "bench", "ext", "patchbench")
MOST_MODULES = 12
COMMAND_LINE = "bench/cli/main.py"
LAUNCHERS = ("bench/__main__.py", "patchbench/__main__.py")
# A command's module is imported by its name, once the command is asked for.
COMMAND_LOADER = "bench/cli/parser.py"
# GitPython hands out a process of the standard library, whose names are needed to wait for it.
GIT = ("builder/git/repository.py", "builder/git/command.py")
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
# pip is the one that the interpreter itself brings.
FOR_INSIDE = {*sys.stdlib_module_names, *PYTHON_2, "pyperf", "pip"}
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
    return sorted(path for top in OURS for path in (ROOT / top).rglob("*.py"))


def rooms() -> list[Path]:
    """Every package of ours; what runs inside the measured interpreter is none."""
    packages = (path.parent for path in files() if path.name == "__init__.py")
    return sorted(path for path in packages if "inside" not in path.parts)


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
    problems = sorted({why for name in imports(path, tree) for why in _wrong_import(path, name)})
    for name, called in uses(tree):
        module, _, rest = name.partition(".")
        if called and rest in STARTING.get(module, ()) and path != RUNNER:
            if (path, name) == (LAUNCHERS[1], "os.execv"):
                continue  # not another process: the same one in isolation
            problems.append(f"starts a process: {name}")
        is_inside = path.startswith("bench/inside/")  # a process of its own, with no other way in
        if module == "os" and rest in ENVIRONMENT and path != COMMAND_LINE and not is_inside:
            problems.append(f"reads the environment: {name}")
    return problems


def _wrong_import(path: str, name: str) -> Iterator[str]:
    top = name.partition(".")[0]
    if name == "bench.cli.main" and path not in LAUNCHERS:
        yield "nobody imports the command line"
    if path.startswith("bench/inside/") and top not in FOR_INSIDE:
        yield f"bench/inside imports {name}"
    if top in PROCESS_MODULES and path != RUNNER and not (name == "subprocess" and path in GIT):
        yield f"only the runner imports {name}"
    if top in ("git", "gitdb") and path not in GIT:
        yield f"only builder/git imports {name}"
    if name == "(a computed name)" and path != COMMAND_LOADER:
        yield "imports a computed name"


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_keeps_the_rules(path: Path) -> None:
    assert violations(str(path.relative_to(ROOT)), path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("path", "source", "why"),
    [
        ("builder/x.py", "__import__(name)", "computed name"),
        (COMMAND_LINE, "__import__(name)", "computed name"),
        ("bench/jobs/x.py", "from bench.cli import main", "nobody imports the command line"),
        ("bench/jobs/x.py", "from bench.cli.main import main", "nobody imports the command line"),
        ("bench/inside/x.py", "import numpy", "bench/inside imports numpy"),
        ("bench/inside/x.py", "from bench import stats", "bench/inside imports bench.stats"),
        ("bench/x.py", "import subprocess", "only the runner imports subprocess"),
        ("bench/x.py", "from multiprocessing import Pool", "only the runner imports"),
        ("bench/x.py", "from concurrent.futures import Executor", "only the runner imports"),
        (GIT[0], "import subprocess as s\ns.run([])", "starts a process: subprocess.run"),
        (GIT[0], "from subprocess import Popen\nPopen([])", "starts a process"),
        ("bench/x.py", "import os\nos.system('ls')", "starts a process: os.system"),
        ("bench/x.py", "from os import execvp as e\ne('ls', [])", "starts a process: os.execvp"),
        ("builder/x.py", "import os\nos.posix_spawn('ls', [], {})", "starts a process"),
        ("builder/x.py", "import os\nos.fork()", "starts a process: os.fork"),
        ("builder/x.py", "from git import Repo", "only builder/git imports git"),
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
        (RUNNER, "import subprocess\nsubprocess.Popen([])\nimport os\nos.fork()"),
        (GIT[0], "import subprocess\nfrom git import Git\nx: subprocess.Popen[bytes]"),
        ("bench/x.py", "from builder import builds\nimport os\nos.getpid()"),
        (COMMAND_LOADER, "import_module(name)"),
        (COMMAND_LINE, "import os\nos.environ['A']\nfrom bench.jobs import run"),
        (LAUNCHERS[0], "from bench.cli import main"),
        (LAUNCHERS[1], "from bench.cli import main"),
        (LAUNCHERS[1], "import os\nos.execv('python', [])"),
        ("bench/inside/x.py", "import os, pyperf, Queue\nos.environ['A']"),
    ],
)
def test_what_is_allowed(path: str, source: str) -> None:
    assert violations(path, source) == []


# -- faces ---------------------------------------------------------------------------------------


def room_of(module: str) -> str:
    return module if (ROOT / module.replace(".", "/")).is_dir() else module.rpartition(".")[0]


def face_of(room: str) -> set[str]:
    """The names of `__all__` in a room's `__init__`."""
    tree = ast.parse((ROOT / room.replace(".", "/") / "__init__.py").read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and _dotted(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def past_the_face(path: str, source: str) -> list[str]:
    """The imports of this file that reach past another room's face.

    Modules directly in builder, bench and ext stand in no room. Rooms inside one another know each
    other's modules.
    """
    own = ".".join(Path(path).parent.parts)
    problems = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ImportFrom) or str(node.module).partition(".")[0] not in OURS:
            continue
        room = room_of(str(node.module))
        is_family = own == room or own.startswith(f"{room}.") or room.startswith(f"{own}.")
        if room in OURS or (is_family and own not in OURS):
            continue
        if room != node.module:
            problems.append(f"{node.module} is inside the room {room}")
        else:
            names = {alias.name for alias in node.names} - face_of(room)
            problems += [f"{room} does not offer {name}" for name in sorted(names)]
    return problems


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_rooms_are_used_through_their_faces(path: Path) -> None:
    assert past_the_face(str(path.relative_to(ROOT)), path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("path", "source", "problems"),
    [
        ("bench/run/x.py", "from bench.measure import Rig", []),
        ("bench/run/x.py", "from bench.measure.worker import Rig", 1),
        ("bench/run/x.py", "from bench.measure import NoSuchName", 1),
        ("bench/run/x.py", "def f():\n    from bench.measure.worker import Rig", 1),
        ("bench/context.py", "from builder.builds.store import Store", 1),
        ("bench/report/formats/x.py", "from bench.report.model import View", []),
        ("bench/x.py", "from builder.errors import DataError", []),
        ("bench/x.py", "from bench import measure", []),
        (LAUNCHERS[0], "from bench.cli import main", []),
        (LAUNCHERS[0], "from bench.cli.parser import command_line", 1),
        ("bench/x.py", "from bench.cli.main import main", 1),
    ],
)
def test_reaching_past_a_face_is_seen(path: str, source: str, problems: list[str] | int) -> None:
    seen = past_the_face(path, source)
    assert len(seen) == problems if isinstance(problems, int) else seen == problems


@pytest.mark.parametrize("room", rooms(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_says_what_it_is_and_is_not_too_large(room: Path) -> None:
    text = (room / "__init__.py").read_text("utf-8")
    assert ast.get_docstring(ast.parse(text))
    modules = [path for path in room.glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= MOST_MODULES


def test_no_public_class_has_the_name_of_another() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in files():
        if not path.is_relative_to(ROOT / "ext" / "suite"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].append(str(path.relative_to(ROOT)))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


# -- mirrors -------------------------------------------------------------------------------------

# Modules of up to so many lines of code (no docstring, comment, blank line or import) are
# constants, options and calls of one other module, which the tests of their callers run in full.
LEAST_CODE = 40
WITHOUT_MIRROR = {
    "bench/history/models.py": "values alone",
    "bench/history/tables.py": "tables alone",
    "bench/site/model.py": "values alone",
}


def modules() -> list[Path]:
    """Every module of ours but the kernels, which tests/ext/test_kernels.py runs one and all."""
    suite = ROOT / "ext" / "suite"
    return [path for path in files() if path.name != "__init__.py" and suite not in path.parents]


def lines_of_code(source: str) -> int:
    """Lines with code: no docstring, comment, blank line or import."""
    tree = ast.parse(source)
    left_out: set[int] = set()
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_text or isinstance(node, (ast.Import, ast.ImportFrom)):
            left_out |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = (line.strip() for line in source.splitlines())
    code = (number for number, line in enumerate(lines, 1) if line and not line.startswith("#"))
    return len(set(code) - left_out)


def mirror_of(path: Path) -> Path:
    return ROOT / "tests" / path.relative_to(ROOT).with_name(f"test_{path.name}")


def is_aspect(test: Path) -> bool:
    """Whether a test module is of a module, or of an aspect of one that has its own test module."""
    folder = ROOT / test.relative_to(ROOT / "tests").parent
    words = test.stem.split("_")[1:]
    names = {"_".join(words[:count]) for count in range(1, len(words) + 1)}
    return any(
        (folder / f"{name}.py").is_file() and test.with_name(f"test_{name}.py").is_file()
        for name in names
    )


def test_every_module_with_code_of_its_own_has_its_test_module() -> None:
    lacking = {
        str(path.relative_to(ROOT))
        for path in modules()
        if lines_of_code(path.read_text("utf-8")) > LEAST_CODE and not mirror_of(path).is_file()
    }
    assert lacking == set(WITHOUT_MIRROR)


def test_every_test_module_is_of_a_module() -> None:
    tests = (test for top in OURS for test in (ROOT / "tests" / top).rglob("test_*.py"))
    assert [str(test.relative_to(ROOT)) for test in tests if not is_aspect(test)] == []


def test_code_is_counted_without_its_text() -> None:
    text = '    """Doc\n    of two lines."""\n'
    source = f'"""Doc."""\n# comment\nimport os\n\ndef f():\n{text}    g(1,\n      2)\n'
    assert lines_of_code(source) == 3
