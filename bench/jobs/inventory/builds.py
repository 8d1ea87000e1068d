"""Commands that show the host, sources and builds, and gc: they build and measure nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bench.context import Context
from bench.host import doctor, read_host
from bench.util import TextTable, cell, print_json, print_table, stdout_console
from builder.builds import Build, machine_code, unbuilt_json
from builder.errors import StoreError, ToolError
from builder.files import age_in_days, guard_writes, is_locked, size_of
from builder.home import Home
from builder.runtimes import runtime
from builder.sources import provide


def check_host(context: Context, *, as_json: bool) -> int:
    """Run the checks of `doctor`. Returns the exit code of ToolError when building cannot work."""
    host = read_host()
    checks = doctor.examine(runner=context.runner, home=context.home.root, host=host)
    if as_json:
        print_json(doctor.to_json(checks, host))
    else:
        doctor.render(checks, stdout_console())
    return ToolError.exit_code if doctor.failures(checks) else 0


def sources(context: Context, *, as_json: bool) -> int:
    """List the sources of CPython that are available."""
    offers = provide.available(context.home, context.runner, context.show.say)
    if as_json:
        print_json([asdict(offer) for offer in offers])
        return 0
    table = TextTable("source", "version", "revision", "where", "", prose=["where", ""])
    for offer in offers:
        row = (offer.kind, offer.version, offer.revision, offer.where)
        table.add_row(*map(cell, row), cell(offer.note or ("here" if offer.cached else "")))
    print_table(table)
    return 0


def builds(context: Context, *, key: str | None, as_json: bool) -> int:
    """List the stored builds, or show the facts of one."""
    store = context.store
    if key is not None:
        build = store.find(key) if key in store.names() else None
        if build is None:
            raise _no_build(context.home, key)
        print_json(_build_json(build))
        return 0
    stored = store.all()
    if as_json:
        print_json([_build_json(build) for build in stored])
        return 0
    titles = ("key", "build", "gotos", "PGO", "LTO", "built in", "size", "used")
    table = TextTable(*titles, prose=["build"])
    for build in stored:
        facts = build.facts
        table.add_row(
            build.key,
            cell(build.title),
            _gotos(facts),
            _yes(machine_code.in_effect(facts, "pgo")),
            _yes(machine_code.in_effect(facts, "lto")),
            f"{build.seconds:.0f} s",
            f"{size_of(build.folder) / 1e6:.0f} MB",
            f"{age_in_days(store.last_used(build)):.1f} days ago",
        )
    print_table(table)
    return 0


def _gotos(facts: machine_code.LoopFacts) -> str:
    """Whether computed gotos are in effect, with the number of jumps; else what dispatches."""
    kind, jumps = machine_code.dispatch_of(facts), f"{facts.indirect_jumps} jumps"
    return {
        machine_code.Dispatch.GOTOS: f"yes, {jumps}",
        machine_code.Dispatch.MERGED: f"merged, {jumps}",
        machine_code.Dispatch.SWITCH: "no",
        machine_code.Dispatch.TAIL_CALLS: f"no: tail calls, {jumps}",
        machine_code.Dispatch.UNKNOWN: "unknown",
    }[kind]


def _yes(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"


def _no_build(home: Home, key: str) -> StoreError:
    return StoreError(
        f"There is no build {key!r} in the store.",
        where=str(home.builds),
        hint="`patchbench builds` lists the stored builds.",
    )


def _build_json(build: Build) -> dict[str, Any]:
    return {
        "key": build.key,
        "title": build.title,
        "python": str(build.python),
        "bytes": size_of(build.folder),
        "stages": [asdict(stage) for stage in build.stages],
        "facts": asdict(build.facts),
        "recipe": build.recipe,
        "regenerated": list(build.regenerated),
        **unbuilt_json(build),
    }


def collect_garbage(
    context: Context, *, keys: Sequence[str], keep_days: float, everything: bool, dry_run: bool
) -> int:
    """Remove builds: those of `keys`, else all or those unused for `keep_days`.

    Without `keys`, leftovers of killed runs and unused runtimes are removed too.
    """
    context.home.prepare()
    store = context.store
    chosen = list(dict.fromkeys(keys))
    for key in keys:
        # This refuses paths to other folders too: "" from an unset shell variable, or "..".
        if key not in store.names():
            raise _no_build(context.home, key)
    if not keys:
        old = [b for b in store.all() if age_in_days(store.last_used(b)) > keep_days]
        chosen = [build.key for build in (store.all() if everything else old)]
        chosen += [folder.name for folder in store.leftovers()]
    freed = 0
    for key in chosen:
        size = size_of(store.folder(key))
        if not dry_run and not store.remove(key):
            context.show.say(f"{key}: a run is using it; kept")
            continue
        freed += size
        context.show.say(f"{key}: {'would be removed' if dry_run else 'removed'}")
    if not keys:
        days = -1.0 if everything else keep_days
        freed += _clear_runtimes(context, keep_days=days, dry_run=dry_run)
    freed += _clear_caches(context, everything=everything, dry_run=dry_run)
    context.show.say(f"{freed / 1e6:.0f} MB {'would be' if dry_run else 'were'} freed")
    return 0


def _clear_runtimes(context: Context, *, keep_days: float, dry_run: bool) -> int:
    """Remove unused runtimes and leftovers of unfinished ones; return the bytes freed."""
    freed = 0
    for folder in sorted(runtime.folder_of(context.home).glob("*")):
        used = runtime.last_used(folder)
        if used is not None and age_in_days(used) <= keep_days:
            continue
        size = size_of(folder)
        with guard_writes(folder):
            if not dry_run and not runtime.remove(context.home, folder.name):
                context.show.say(f"{folder.name}: a run is using it; kept")
                continue
        freed += size
        context.show.say(f"{folder.name}: {'would be removed' if dry_run else 'removed'}")
    return freed


def _clear_caches(context: Context, *, everything: bool, dry_run: bool) -> int:
    """Remove environments without a build, with `everything` also all caches but the sources.

    Returns the bytes freed.
    """
    home = context.home
    folders = [home.failures, *orphans(home)]
    if everything and not in_use(home):
        folders += [home.envs, home.ccache, home.configure_caches, home.suites, home.work.parent]
        folders += [home.root / name for name in ("modules", "tools", "apt-binaries")]
    freed = 0
    for folder in folders:
        if folder.exists():
            freed += size_of(folder)
            if not dry_run:
                with guard_writes(folder):
                    shutil.rmtree(folder)
    return freed


def orphans(home: Home) -> tuple[Path, ...]:
    """Environments whose interpreter no longer exists. Unfinished ones have no stamp yet."""
    folders = []
    for stamp in sorted(home.envs.glob("*/env.json")):
        try:
            interpreter = json.loads(stamp.read_text(encoding="utf-8"))["interpreter"]
            # The identity of a runtime is not the key of a build.
            stored = (home.builds / interpreter["identity"]).exists()
            orphaned = not stored and not Path(interpreter["python"]).exists()
        except (OSError, ValueError, LookupError, TypeError):
            orphaned = True  # damaged, so it cannot be used
        if orphaned:
            folders.append(stamp.parent)
    return tuple(folders)


def in_use(home: Home) -> bool:
    """Whether a run is using a build of this home; it needs the caches too."""
    return any(is_locked(path) for path in home.lock("").glob("build-*"))


def compare(
    context: Context,
    base: Path,
    candidate: Path,
    *,
    margin: float,
    as_json: bool,
    times: bool = True,
) -> int:
    """Compare two files of pyperf results, and show the verdicts, with or without `times`.

    Raises IncomparableError if nothing could be compared; the JSON, with the reasons, is printed
    all the same.
    """
    from bench.compare import pyperf_files, without_times
    from bench.report.formats import terminal

    files = pyperf_files.load(base), pyperf_files.load(candidate)
    compared = pyperf_files.compare_results(*files, margin=margin)
    if as_json:
        print_json(compared.document())
    pyperf_files.refuse_nothing(compared, *files)
    if as_json:
        return 0
    if not times:
        rows = without_times(compared.comparisons)
        compared = replace(compared, comparisons=rows)
    terminal.show_comparisons(compared, stdout_console())
    for warning in compared.warnings:
        context.show.say(f"warning: {warning}")
    return 0
