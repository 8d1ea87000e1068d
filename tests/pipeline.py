"""An experiment on the fake CPython, and its command line in a separate process."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pyperf

from builder.builds.store import STAMP, Store
from builder.files import is_locked, sha256_of
from builder.home import Home
from tests import fake
from tests.fake.repository import commit_tree

PROJECT = Path(__file__).parent.parent
SUITE = Path(__file__).parent / "fake" / "suite"
# Long enough for any machine; nothing is asserted of how long anything takes.
PATIENCE = 300.0


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The folders of a test: the source and the experiment in `root`, the home and the results."""

    root: Path
    home: Path
    out: Path

    @property
    def host_lock(self) -> Path:
        """The file that replaces the lock of the whole host."""
        return self.root / "host.lock"

    @property
    def experiment(self) -> Path:
        """The experiment file."""
        return self.root / "x.toml"

    @property
    def configured(self) -> Path:
        """A file with one line, the prefix, for each run of configure."""
        return self.root / "configured"

    @property
    def full(self) -> Path:
        """While this file exists, the fake's make reports a full disk."""
        return self.root / "full"

    def arguments(self, *more: str) -> list[str]:
        """The command line of the run."""
        options = ["--home", str(self.home), "run", str(self.experiment), "--out", str(self.out)]
        return [*options, *more]

    def environment(self) -> dict[str, str]:
        """The environment variables of the command line."""
        scratch = self.root / "tmp"
        scratch.mkdir(exist_ok=True)
        ours = {
            "PATCHBENCH_HOST_LOCK": str(self.host_lock),
            "TMPDIR": str(scratch),
            "PIP_NO_INDEX": "1",
        }
        return {**os.environ, **ours, "PYTHONPATH": str(PROJECT)}

    def clear(self) -> None:
        """Reset: an empty home, no results."""
        for folder in (self.home, self.out):
            shutil.rmtree(folder, ignore_errors=True)
        self.configured.unlink(missing_ok=True)


def lay_out(root: Path, *, blocks: int = 3, candidates: tuple[str, ...] = ("slow",)) -> Ground:
    """Make a source, a suite and an experiment; every stage of the fake takes a moment."""
    ground = Ground(root=root, home=root / "home", out=root / "out")
    tree = fake.write_tree(root / "tree")
    _slow_down(tree, ground)
    commit_tree(root / "fake.git", tree)
    _write_suite(root / "suite")
    for number, name in enumerate(candidates, 1):
        (root / f"{name}.patch").write_bytes(fake.speed_patch(1 + number / 20))
    arms = "\n".join(f'[[candidate]]\npatch = "{name}.patch"' for name in candidates)
    ground.experiment.write_text(
        f'base = "main"\nsource = "{root}/fake.git"\nsuite = ["suite/MANIFEST"]\n{arms}\n'
        f"[session]\nblocks = {blocks}\nseed = 7\nprocess_seconds = 0.05\n"
        # The default depends on the host, and on what each calibration saw of it.
        'protocol = "lockstep"\n'
    )
    return ground


def _slow_down(tree: Path, ground: Ground) -> None:
    _edit(
        tree / "configure",
        'echo "ac_cv_fake=yes"',
        f'echo "$prefix" >> "{ground.configured}"\nsleep 0.1\necho "ac_cv_fake=yes"',
    )
    _edit(tree / "configure", "[ $pgo = 0 ]", "sleep 0.1\n[ $pgo = 0 ]")
    _edit(
        tree / "Makefile.pre.in",
        "\t$(CC) -c $(PY_CFLAGS)",
        f"\tsleep 0.2\n\tif [ -e {ground.full} ]; then cat branch > /dev/full; fi\n"
        "\t$(CC) -c $(PY_CFLAGS)",
    )
    _edit(tree / "Makefile.pre.in", "\tcp -r fake/.", "\tsleep 0.1\n\tcp -r fake/.")
    _edit(tree / "Makefile.pre.in", "\tcp python $", "\tsleep 0.1\n\tcp python $")
    _edit(tree / "fake/fake_regrtest.py", "for name in names:", "for name in names:\n    nap()")
    _edit(tree / "fake/fake_regrtest.py", "names = [", "nap = lambda: time.sleep(0.1)\nnames = [")
    _edit(tree / "fake/fake_pip.py", "    os.symlink(", "    nap()\n    os.symlink(")
    _edit(
        tree / "fake/fake_pip.py",
        "\nif any(",
        "import time\n\nnap = lambda: time.sleep(0.1)\nif any(",
    )


def _write_suite(folder: Path) -> None:
    """The fake's suite; its values take a moment as well, and one script has requirements."""
    shutil.copytree(SUITE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for script in folder.glob("*/run_benchmark.py"):
        _edit(script, "    return loops", "    time.sleep(0.002)\n    return loops")
        _edit(script, "import random", "import random\nimport time")
    (folder / "bm_pair" / "requirements.txt").write_text("something==1.0\n")


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new))


# -- the command line as a process ---------------------------------------------------------------


@dataclass
class Running:
    """A running command line. `lines` are its lines on stderr, `stages` the announced stages,
    with the seconds since it began.
    """

    process: subprocess.Popen[str]
    began: float = field(default_factory=time.monotonic)
    lines: list[str] = field(default_factory=list)
    stages: list[tuple[str, str, float]] = field(default_factory=list)
    output: str = ""

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._listen, daemon=True),
            threading.Thread(target=self._collect, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            for line in stream:
                self._take(line.rstrip("\n"))
        with self._changed:
            self._changed.notify_all()

    def _take(self, line: str) -> None:
        with self._changed:
            self.lines.append(line)
            if line.startswith("@ "):
                stage, _, detail = line[2:].strip().partition(" ")
                self.stages.append((stage, detail, time.monotonic() - self.began))
            self._changed.notify_all()

    def _collect(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            self.output = stream.read()

    def comes_to(self, stage: str, detail: str = "") -> bool:
        """Wait until a stage begins; False if the process ended before."""

        def there() -> bool:
            return any(name == stage and detail in text for name, text, _ in self.stages)

        return self._wait(there)

    def says(self, text: str) -> bool:
        """Wait until a line on stderr holds `text`; False if the process ended before."""
        return self._wait(lambda: any(text in line for line in self.lines))

    def _wait(self, there: Any) -> bool:
        with self._changed:
            self._changed.wait_for(
                lambda: there() or not self._threads[0].is_alive(), timeout=PATIENCE
            )
            return bool(there())

    def waits(self, seconds: float) -> None:
        """Wait some seconds, or until it ends."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)

    @property
    def stage(self) -> str:
        """The last stage that began, "start" before the first."""
        return self.stages[-1][0] if self.stages else "start"

    @property
    def said(self) -> str:
        """The output on stderr without the announcements."""
        return "\n".join(line for line in self.lines if not line.startswith("@ "))

    def end(self) -> int:
        """Wait for its end; return its exit code."""
        code = self.process.wait(PATIENCE)
        for thread in self._threads:
            # An orphan may hold the pipe for a moment.
            thread.join(PATIENCE)
        return code


@contextlib.contextmanager
def start(ground: Ground, arguments: list[str], *wrapper: str) -> Iterator[Running]:
    """Start the command line; it is killed when the context ends for any reason."""
    process = subprocess.Popen(
        [*wrapper, sys.executable, "-m", "tests.announcing", *arguments],
        cwd=ground.root,
        env=ground.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield Running(process)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def leftovers(ground: Ground, seconds: float = 60.0) -> list[str]:
    """Return our processes that still exist after `seconds`, the time that they have to end."""
    end = time.monotonic() + seconds
    while found := list(_ours(ground)):
        if time.monotonic() > end:
            break
        time.sleep(0.05)
    return found


def _ours(ground: Ground) -> Iterator[str]:
    me = os.getpid()
    for process in psutil.process_iter():
        try:
            words = " ".join(process.cmdline())
            where = process.cwd()
        except psutil.Error:
            continue
        if process.pid != me and str(ground.root) in f"{words} {where}":
            yield f"{process.pid} {words} in {where}"


# -- what is on disk -----------------------------------------------------------------------------


def check_whole(ground: Ground, reference: Mapping[str, Any]) -> None:
    """Check the invariant: everything that looks finished is complete and equals the reference."""
    home = Home(root=ground.home, host_lock=ground.host_lock)
    store = Store(home, lambda text: (_ for _ in ()).throw(AssertionError(text)))
    for folder in folders(home.builds):
        build = store.find(folder.name)
        assert (build is not None) == (folder / STAMP).exists()
        if build is not None:
            assert digest_of(build.prefix) == reference["builds"][build.key]["files"]
            assert (
                sha256_of(build.python) == json.loads((folder / STAMP).read_text())["python_sha256"]
            )
    for stamp in home.envs.glob("*/env.json"):
        json.loads(stamp.read_text())
        assert (stamp.parent / "bin" / "python").exists()
        assert (stamp.parent / "base" / "pyperf" / "__init__.py").exists()
    for stamp in home.envs.glob("*/layers/*.json"):
        json.loads(stamp.read_text())
        assert (stamp.with_suffix("") / "pyperf").exists()
    for path in (*ground.out.glob("*.json"), *(ground.out / "raw").glob("*.json")):
        json.loads(path.read_text())
    for path in home.builds.glob("*/gate-*.json"):
        json.loads(path.read_text())
    for folder in folders(ground.out / "raw" / "blocks"):
        check_block(folder)


def check_block(folder: Path) -> None:
    """A finished block holds a file for each arm, which pyperf reads, and its record."""
    record = json.loads((folder / "block.json").read_text())
    arms = set(record["means"])
    assert {path.name for path in folder.iterdir()} == {"block.json", *(f"{a}.json" for a in arms)}
    assert "base" in arms
    for arm in arms:
        suite = pyperf.BenchmarkSuite.load(str(folder / f"{arm}.json"))
        (benchmark,) = suite.get_benchmarks()
        assert benchmark.get_name() == record["task"]
        assert len(benchmark.get_values()) == record["values"][arm]


def kept(ground: Ground) -> dict[str, str]:
    """Return all files that must never disappear or change, each with a hash of its content."""
    home = ground.home
    finished = [ground.out / "plan.json", ground.out / "result.json"]
    finished += home.glob(f"builds/*/{STAMP}")
    finished += home.glob("builds/*/gate-*.json")
    finished += home.glob("envs/*/env.json")
    for folder in folders(ground.out / "raw" / "blocks"):
        finished += folder.iterdir()
    return {
        str(path.relative_to(ground.root)): sha256_of(path) for path in finished if path.exists()
    }


def calibrated(ground: Ground) -> list[Any]:
    """Return the calibrated loops so far, in their order."""
    path = ground.out / "raw" / "calibration.json"
    return list(json.loads(path.read_text())["benchmarks"]) if path.exists() else []


def outcome(ground: Ground) -> dict[str, Any]:
    """The result set of a complete run, without times: what two runs with one seed share."""
    home = Home(root=ground.home, host_lock=ground.host_lock)
    result = json.loads((ground.out / "result.json").read_text())
    blocks = {}
    for folder in folders(ground.out / "raw" / "blocks"):
        record = json.loads((folder / "block.json").read_text())
        names = ("number", "task", "benchmark", "seed", "protocol", "positions")
        blocks[folder.name] = {name: record[name] for name in names}
        blocks[folder.name]["runs"] = {
            arm: _run_of(folder / f"{arm}.json") for arm in record["means"]
        }
    return {
        "plan": json.loads((ground.out / "plan.json").read_text()),
        "builds": {folder.name: _build(folder) for folder in folders(home.builds)},
        "environments": {folder.name: names_in(folder) for folder in folders(home.envs)},
        "results": names_in(ground.out),
        "sources": [name for name in names_in(home.sources) if "/objects/" not in name],
        "calibration": [
            [one["benchmark"], [[task["name"], task["loops"]] for task in one["tasks"]]]
            for one in calibrated(ground)
        ],
        "blocks": blocks,
        "candidates": [_candidate(one) for one in result["candidates"]],
        "result": {name: result[name] for name in ("schema", "experiment", "host", "commands")},
    }


def differences(actual: Any, expected: Any, where: str = "") -> list[str]:
    """Every place where two outcomes differ, one line each: for the text of a failure."""
    if isinstance(actual, dict) and isinstance(expected, dict):
        names = sorted({*actual, *expected})
        pairs = [(f"{where}/{name}", actual.get(name), expected.get(name)) for name in names]
    elif isinstance(actual, list) and isinstance(expected, list):
        rows = itertools.zip_longest(actual, expected)
        pairs = [(f"{where}[{number}]", *pair) for number, pair in enumerate(rows)]
    else:
        return [] if actual == expected else [f"{where}: {actual!r}, expected {expected!r}"]
    return [line for name, mine, other in pairs for line in differences(mine, other, name)]


def _run_of(path: Path) -> dict[str, Any]:
    shared = ("patchbench_", "loops", "name", "cpu_affinity")
    content = json.loads(path.read_text())
    metadata = content["metadata"] | content["benchmarks"][0]["runs"][0]["metadata"]
    return {key: value for key, value in metadata.items() if key.startswith(shared)}


def _build(folder: Path) -> dict[str, Any]:
    stamp = json.loads((folder / STAMP).read_text())
    gates = {path.name: json.loads(path.read_text()) for path in folder.glob("gate-*.json")}
    return {
        "files": digest_of(folder / "prefix"),
        "names": names_in(folder),
        "facts": stamp["facts"],
        "recipe": stamp["recipe"],
        "stages": [stage["name"] for stage in stamp["stages"]],
        "gates": {
            name: [gate["passed"], gate["failed"], gate["skipped"]] for name, gate in gates.items()
        },
    }


def _candidate(one: Mapping[str, Any]) -> dict[str, Any]:
    names = ("name", "title", "series", "flavor", "gate", "differences", "missing", "broken")
    rows = [*one["comparisons"], {"benchmark": "suite", **one["suite"]}]
    shared = ("benchmark", "metric", "verdict", "blocks", "builds")
    return {
        **{name: one[name] for name in (*names, "verdict")},
        "comparisons": [{name: row[name] for name in shared} for row in rows],
    }


def folders(parent: Path) -> list[Path]:
    """The folders in a folder, but for those that no reader looks at, by name."""
    found = sorted(parent.iterdir()) if parent.is_dir() else []
    return [path for path in found if path.is_dir() and not path.name.startswith(".")]


def names_in(folder: Path) -> list[str]:
    """The paths of all files in a folder, hidden ones as well."""
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if "__pycache__" not in path.parts
    )


def digest_of(folder: Path) -> str:
    """A hash over a folder's files, but for what an interpreter caches."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            found.update(f"{path.relative_to(folder)} {sha256_of(path)}\n".encode())
    return found.hexdigest()


def is_timing(ground: Ground) -> bool:
    """Whether some run holds the lock of the whole host."""
    return is_locked(ground.host_lock)
