"""Count the calls between modules and between rooms of this project.

    .venv/bin/python scripts/crossings.py [--json FILE] [--root CHECKOUT]
    .venv/bin/python scripts/crossings.py --static [--json FILE] [--root CHECKOUT]

Without --static, two scenarios are traced on the fake CPython of tests/fake, through the command
line's `main`, each command in a process of its own:

- `run`: one experiment, base against one patch, a suite of three benchmarks, three blocks, from the
  command line to result.json and its reports.
- `night`: one night to its end, the second of one branch, whose head became slower: session,
  suspicion, confirmation, history, site, mail to a file. The first night is not traced.

Definitions:

- Module: a Python file below builder/, bench/ or ext/. Not counted are inside/ and ext/suite (they
  run in the measured interpreter), `__main__`, and an `__init__` that only imports and exports.
- Touched: a function of the module ran. Every module is imported before the trace begins, so that
  neither imports nor what they execute count.
- Call: a function of one module was entered, and the nearest frame of ours further out is of
  another module. Frames of libraries in between are passed over: a generator under
  `contextlib.contextmanager`, a sort key, an argparse type. The target of a thread has no caller.
  A function is named by module and qualified name; what is defined inside of it is part of it.
  A lambda or comprehension is never a callee: it is a piece of its module that was handed over.
  Constructing a dataclass is a call of its `__init__`; its other generated methods do not count,
  because hash tables call them or not by the order of hashes.
- Crossing: a distinct pair (caller function, callee function). This is the main figure, because
  the number of calls depends on the host's speed (most are releases of single values in lockstep);
  `calls` is that number. No block is measured again because of what else the host does.
- Pair: two modules between which there is a crossing, in either direction (unordered). `ordered`
  counts (caller module, callee module).

The rows of the table are the same counts for modules, for rooms, and for folders. Crossings between
rooms are those crossings whose two modules are in different rooms. Rooms, without a table made by
hand:

- The room of a module is its folder.
- In a folder with more than 12 modules (not counting `__init__`), modules whose names begin with
  the same word (up to the first `_`) are one room, and so are those whose first words are forms of
  one word: one word begins with the whole of the other, which has at least 5 letters (night,
  nightly, nights), or both begin with the same 6 letters (bisected, bisection). This is applied
  transitively. Every other module there is a room by itself, and so is the folder's `__init__`.

The rule takes a folder of many modules as many rooms, which makes the count of a flat layout high.
Folders are the other extreme: there a flat folder is one room, whatever is in it.

With --static, nothing is traced: the imports of ours in the code, wherever they stand in a file,
give the arrows between rooms (distinct ordered pairs), and one cycle, if there is any.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import graphlib
import importlib
import io
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import takewhile
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

TOPS = ("builder", "bench", "ext")
MOST_IN_A_FOLDER = 12
WHOLE_WORD, COMMON_LETTERS = 5, 6

Function = tuple[str, str]
"""Module and qualified name."""
Calls = Counter[tuple[Function, Function]]
Arrows = set[tuple[str, str]]

# -- modules and rooms ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Module:
    """A Python file of ours. `folder` is relative to the checkout."""

    name: str
    path: Path
    folder: str

    @property
    def is_init(self) -> bool:
        """Whether this is a package's own file."""
        return self.path.name == "__init__.py"

    @property
    def word(self) -> str:
        """The first word of the file's name."""
        return self.path.stem.strip("_").partition("_")[0]


def find_modules(root: Path) -> list[Module]:
    """All modules of a checkout, by path."""
    paths = [path for top in TOPS for path in sorted((root / top).rglob("*.py"))]
    return [_module(root, path) for path in paths if _counts(path.relative_to(root), path)]


def _counts(relative: Path, path: Path) -> bool:
    if "inside" in relative.parts or relative.parts[:2] == ("ext", "suite"):
        return False
    return path.name != "__main__.py" and (
        path.name != "__init__.py" or not _is_face(ast.parse(path.read_text()).body)
    )


def _is_face(body: list[ast.stmt]) -> bool:
    """Whether an `__init__` holds nothing but its docstring, imports, and `__all__`."""
    return all(
        isinstance(node, ast.Expr | ast.Import | ast.ImportFrom | ast.Assign) for node in body
    )


def _module(root: Path, path: Path) -> Module:
    relative = path.relative_to(root)
    parts = relative.parent.parts if path.name == "__init__.py" else relative.with_suffix("").parts
    return Module(name=".".join(parts), path=path, folder=relative.parent.as_posix())


def rooms_of(modules: Iterable[Module]) -> dict[str, str]:
    """The room of each module, by the module's name."""
    folders: dict[str, list[Module]] = defaultdict(list)
    for module in modules:
        folders[module.folder].append(module)
    return {
        name: room
        for folder, inside in folders.items()
        for name, room in _rooms_in(folder, inside).items()
    }


def _rooms_in(folder: str, modules: list[Module]) -> dict[str, str]:
    files = [module for module in modules if not module.is_init]
    rooms = {module.name: folder for module in modules}
    if len(files) > MOST_IN_A_FOLDER:
        for words in group_words({module.word for module in files}):
            group = [module for module in files if module.word in words]
            name = group[0].path.stem if len(group) == 1 else f"{min(words, key=len)}*"
            rooms |= {module.name: f"{folder}/{name}" for module in group}
    return rooms


def group_words(words: Iterable[str]) -> list[set[str]]:
    """Words in groups: forms of one word, transitively."""
    groups: list[set[str]] = []
    for word in sorted(words):
        related = [group for group in groups if any(are_forms(word, one) for one in group)]
        groups = [group for group in groups if group not in related]
        groups.append({word}.union(*related))
    return groups


def are_forms(one: str, other: str) -> bool:
    """Whether two first words of modules' names are forms of one word."""
    pairs = zip(one, other, strict=False)
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    is_whole = common == min(len(one), len(other)) and common >= WHOLE_WORD
    return one == other or is_whole or common >= COMMON_LETTERS


# -- the trace -----------------------------------------------------------------------------------


class Trace:
    """While entered, records the calls between modules, in all threads."""

    def __init__(self, modules: Iterable[str]) -> None:
        self.calls: Calls = Counter()
        self.touched: set[str] = set()
        self._ours = frozenset(modules)

    def __enter__(self) -> Trace:
        threading.setprofile(self._event)
        sys.setprofile(self._event)
        return self

    def __exit__(self, *_exception: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)

    def _event(self, frame: FrameType, event: str, _argument: Any) -> None:
        if event != "call" or not self._is_ours(frame):
            return
        module = frame.f_globals["__name__"]
        self.touched.add(module)
        caller = self._caller(frame)
        if caller is None or caller.f_globals["__name__"] == module:
            return
        name = _callee_name(frame)
        if name:
            self.calls[_function(caller), (module, name)] += 1

    def _is_ours(self, frame: FrameType) -> bool:
        return frame.f_globals.get("__name__") in self._ours

    def _caller(self, frame: FrameType) -> FrameType | None:
        """The nearest frame of ours that is further out."""
        outer = frame.f_back
        while outer is not None and not self._is_ours(outer):
            outer = outer.f_back
        return outer


def _function(frame: FrameType) -> Function:
    return frame.f_globals["__name__"], frame.f_code.co_qualname.partition(".<locals>")[0]


def _callee_name(frame: FrameType) -> str:
    """The qualified name of the function that is entered; "" where it does not count as called."""
    code = frame.f_code
    if code.co_name.startswith("<"):
        return ""
    if code.co_filename == "<string>":
        return _generated_name(frame)
    return _function(frame)[1]


def _generated_name(frame: FrameType) -> str:
    """The name of a method that `dataclasses` made: its code does not know its class."""
    code = frame.f_code
    if code.co_name != "__init__" or not code.co_varnames:
        return ""
    return f"{type(frame.f_locals[code.co_varnames[0]]).__qualname__}.__init__"


# -- the scenarios -------------------------------------------------------------------------------

_SESSION = """
[session]
blocks = 3
seed = 7
process_seconds = 0.05
until = "blocks"
"""
_EXPERIMENT = """
base = "main"
source = "fake.git"
suite = ["suite/MANIFEST"]
[[candidate]]
patch = "slow.patch"
"""
_NIGHTLY = """
source = "fake.git"
suite = ["suite/MANIFEST"]
gate = "none"
[[branch]]
revision = "main"
release = "v3.13.5"
[site]
folder = "site"
[mail]
to = ["us@example.org"]
sender = "patchbench@example.org"
way = "file"
path = "nights.mbox"
"""
_FACTOR = 1.1
_CONFIRMED_SLOWDOWN = 1
"""The exit code of a night that found one."""
_SHORTEST_JUDGED = "LEAST_SECONDS"
"""The constant of the rule for disturbed blocks: blocks that took less time are never disturbed."""
_KEPT = ("PATH", "LANG", "LC_ALL", "USER", "LOGNAME")


@dataclass(frozen=True, kw_only=True)
class Record:
    """What a trace gave."""

    calls: Calls
    touched: set[str]


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command line, and how it ends when all went well."""

    root: Path
    folder: Path
    arguments: tuple[str, ...]
    code: int = 0


def trace_run(root: Path, folder: Path) -> Record:
    """Run one experiment in an empty folder."""
    from tests import fake

    _commit(folder, fake.write_tree(folder / "tree"), "The base")
    _copy_suite(root, folder)
    (folder / "slow.patch").write_bytes(fake.speed_patch(_FACTOR))
    (folder / "x.toml").write_text(_EXPERIMENT + _SESSION)
    arguments = ("run", f"{folder}/x.toml", "--out", f"{folder}/out")
    record = _in_a_process(Command(root=root, folder=folder, arguments=arguments))
    _check_written(folder, "out/result.json", "out/report.html")
    return record


def trace_night(root: Path, folder: Path) -> Record:
    """Run two nights in an empty folder, and return the record of the second."""
    from tests import fake

    tree = fake.write_tree(folder / "tree")
    repository, release = _commit(folder, tree, "The release")
    repository.set_ref("refs/tags/v3.13.5", release)
    _copy_suite(root, folder)
    (folder / "nightly.toml").write_text(_NIGHTLY + _SESSION)
    night = ("nightly", f"{folder}/nightly.toml", "--date")
    _in_a_process(Command(root=root, folder=folder, arguments=(*night, "2026-11-01")))
    _slow_down(tree / "Python" / "ceval.c")
    _commit(folder, tree, "Slow it down")
    second = Command(
        root=root, folder=folder, arguments=(*night, "2026-11-02"), code=_CONFIRMED_SLOWDOWN
    )
    record = _in_a_process(second)
    _check_written(folder, "nights/2026-11-02/night.json", "site/index.html", "nights.mbox")
    return record


SCENARIOS: Mapping[str, Callable[[Path, Path], Record]] = {"run": trace_run, "night": trace_night}


def _commit(folder: Path, tree: Path, subject: str) -> tuple[Any, str]:
    from tests.fake.repository import commit_tree

    return commit_tree(folder / "fake.git", tree, subject=subject)


def _copy_suite(root: Path, folder: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / "tests" / "fake" / "suite", folder / "suite", ignore=ignored)


def _slow_down(loop: Path) -> None:
    old, new = 'speed = "1.0"', f'speed = "{_FACTOR}"'
    text = loop.read_text()
    if old not in text:
        sys.exit(f"crossings: {loop} does not hold {old}")
    loop.write_text(text.replace(old, new))


def _check_written(folder: Path, *names: str) -> None:
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        sys.exit(f"crossings: the command wrote no {', '.join(missing)}")


def trace_scenario(name: str, root: Path) -> Record:
    """Trace a scenario in a temporary folder, with nothing of the caller's environment."""
    with tempfile.TemporaryDirectory(prefix="crossings-") as created:
        folder = Path(created)
        (folder / "user").mkdir()
        _fence_environment(folder)
        return SCENARIOS[name](root, folder)


def _fence_environment(folder: Path) -> None:
    """As tests/conftest.py does: no home, settings, or network of the caller's."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    os.environ.clear()
    os.environ.update(
        kept,
        HOME=str(folder / "user"),
        PATCHBENCH_HOST_LOCK=str(folder / "host.lock"),
        GIT_CONFIG_GLOBAL=os.devnull,
        GIT_CONFIG_NOSYSTEM="1",
        GIT_ALLOW_PROTOCOL="file",
        PIP_NO_INDEX="1",
    )


def _in_a_process(command: Command) -> Record:
    """Trace a command in a new interpreter: caches of another command would hide calls."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=spawn) as pool:
        return pool.submit(_execute, command).result()


def _execute(command: Command) -> Record:
    names = [module.name for module in find_modules(command.root)]
    _ignore_interference(
        [importlib.import_module(name) for name in names if not name.endswith(".__main__")]
    )
    main = _entry_point(command.root)
    output, trace = io.StringIO(), Trace(names)
    arguments = ["--home", f"{command.folder}/home", "--quiet", *command.arguments]
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output), trace:
        code = main(arguments)
    if code != command.code:
        raise RuntimeError(f"{arguments} ended with {code}:\n{output.getvalue()}")
    return Record(calls=trace.calls, touched=trace.touched)


def _ignore_interference(modules: Iterable[ModuleType]) -> None:
    """Let no block be so long that it is measured again because of what else the host does."""
    owners = [module for module in modules if _SHORTEST_JUDGED in vars(module)]
    if not owners:
        raise RuntimeError(f"no module has {_SHORTEST_JUDGED}: what is a disturbed block now?")
    for module in owners:
        setattr(module, _SHORTEST_JUDGED, float("inf"))


def _entry_point(root: Path) -> Callable[[list[str]], int]:
    """The command line's `main(arguments)`, of the layout that the checkout has."""
    is_room = (root / "bench" / "cli" / "main.py").is_file()
    module = importlib.import_module("bench.cli.main" if is_room else "bench.cli")
    main: Callable[[list[str]], int] = module.main
    return main


# -- counting ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Count:
    """The figures of one row: see the definitions above."""

    touched: int
    pairs: int
    ordered: int
    crossings: int
    calls: int


def count(record: Record, places: Mapping[str, str]) -> Count:
    """Count between places; `places` gives the place of each module."""
    between = {
        (caller, callee): number
        for (caller, callee), number in record.calls.items()
        if places[caller[0]] != places[callee[0]]
    }
    ordered = {(places[caller[0]], places[callee[0]]) for caller, callee in between}
    return Count(
        touched=len({places[module] for module in record.touched}),
        pairs=len({frozenset(arrow) for arrow in ordered}),
        ordered=len(ordered),
        crossings=len(between),
        calls=sum(between.values()),
    )


def crossings_by_pair(record: Record, places: Mapping[str, str]) -> list[tuple[str, str, int]]:
    """Caller's place, callee's place, and the crossings between them; most first."""
    found: Counter[tuple[str, str]] = Counter()
    for caller, callee in record.calls:
        arrow = places[caller[0]], places[callee[0]]
        if arrow[0] != arrow[1]:
            found[arrow] += 1
    rows = [(caller, callee, number) for (caller, callee), number in found.items()]
    return sorted(rows, key=lambda row: (-row[2], row))


def levels_of(modules: Iterable[Module]) -> dict[str, dict[str, str]]:
    """For each row of a table, the place of each module."""
    modules = list(modules)
    return {
        "modules": {module.name: module.name for module in modules},
        "rooms": rooms_of(modules),
        "folders": {module.name: module.folder for module in modules},
    }


# -- imports -------------------------------------------------------------------------------------


def find_imports(modules: Iterable[Module]) -> Arrows:
    """All (importing module, imported module) of ours."""
    files = {module.name: module for module in modules}
    return {
        (name, target)
        for name, module in files.items()
        for node in ast.walk(ast.parse(module.path.read_text()))
        for target in _targets(node, files)
        if target != name
    }


def _targets(node: ast.AST, known: Iterable[str]) -> set[str]:
    names: list[tuple[str, ...]] = []
    if isinstance(node, ast.Import):
        names = [(alias.name,) for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        names = [(f"{node.module}.{alias.name}", node.module) for alias in node.names]
    chosen = (next((name for name in choice if name in known), None) for choice in names)
    return {name for name in chosen if name is not None}


def arrows_between(imports: Arrows, places: Mapping[str, str]) -> Arrows:
    """The arrows between places that imports between modules make."""
    found = {(places[importer], places[imported]) for importer, imported in imports}
    return {(importer, imported) for importer, imported in found if importer != imported}


def find_cycle(arrows: Arrows) -> list[str]:
    """Places that import each other in a circle, the first again at the end; [] without any."""
    sorter: graphlib.TopologicalSorter[str] = graphlib.TopologicalSorter()
    for importer, imported in sorted(arrows):
        sorter.add(importer, imported)
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        cycle: list[str] = error.args[1]
        # graphlib lists each place before those that import it.
        return cycle[::-1]
    return []


# -- the command line ----------------------------------------------------------------------------


def report_traces(root: Path) -> dict[str, Any]:
    """Trace all scenarios, print their tables, and return what --json writes."""
    levels = levels_of(find_modules(root))
    content = {}
    for name in SCENARIOS:
        record = trace_scenario(name, root)
        counts = {level: count(record, places) for level, places in levels.items()}
        print(_table(name, {level: asdict(figures) for level, figures in counts.items()}))
        content[name] = {
            "counts": {level: asdict(figures) for level, figures in counts.items()},
            "rooms": crossings_by_pair(record, levels["rooms"]),
            "crossings": sorted(
                (".".join(caller), ".".join(callee), number)
                for (caller, callee), number in record.calls.items()
            ),
        }
    return content


def report_imports(root: Path) -> dict[str, Any]:
    """Print the table of the import graph, and return what --json writes."""
    modules = find_modules(root)
    imports = find_imports(modules)
    counts, cycles = {}, {}
    for level, places in levels_of(modules).items():
        arrows = arrows_between(imports, places)
        counts[level] = {"number": len(set(places.values())), "arrows": len(arrows)}
        cycles[level] = find_cycle(arrows)
    print(_table("imports", counts))
    for level, cycle in cycles.items():
        print(f"a cycle of {level}: {' -> '.join(cycle) or 'none'}")
    return {"counts": counts, "cycles": cycles}


def _table(title: str, rows: Mapping[str, Mapping[str, int]]) -> str:
    columns = next(iter(rows.values()))
    lines = [f"{title:10}" + "".join(f"{name:>11}" for name in columns)]
    for name, row in rows.items():
        lines.append(f"  {name:8}" + "".join(f"{figure:11,}" for figure in row.values()))
    return "\n".join(lines)


def main() -> None:
    """Print the counts of a checkout."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    here = Path(__file__).resolve().parent.parent
    parser.add_argument("--static", action="store_true", help="count imports, trace nothing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the counts there as well")
    parser.add_argument("--root", type=Path, metavar="CHECKOUT", default=here, help="what to count")
    options = parser.parse_args()
    root = options.root.resolve()
    # Before what is installed: another checkout is counted with this one's packages.
    sys.path.insert(0, str(root))
    content = (report_imports if options.static else report_traces)(root)
    if options.json:
        options.json.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
