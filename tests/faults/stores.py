"""Homes, results folders and data files that are damaged, full, in the way, or of another user."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

from bench.session.session import Session
from builder.errors import MeasureError
from builder.files import is_locked
from tests import fake
from tests.faults import BASE_ONLY, Place, remove, table

ROWS, fault = table()


def run(at: Place, *arguments: str) -> list[str]:
    """A run for which the shared home has everything."""
    return at.adhoc("--series", "3.13/slow", "--seed", "1", *BASE_ONLY, *arguments)


def again(at: Place) -> list[str]:
    """The arguments of a run whose results exist already."""
    arguments = run(at)
    finished = at.world.root / "finished"
    if not finished.exists():
        at.finished(arguments)
        at.out.rename(finished)
    shutil.copytree(finished, at.out)
    return arguments


# -- the home -----------------------------------------------------------------------------------


@fault(9, "home cannot be used", "File exists", "--home")
def a_home_that_is_a_file(at: Place) -> Sequence[str]:
    return ["--home", str(at.file("home", "")), *run(at)]


@fault(9, "store cannot be read", "Not a directory", "--home")
def builds_of_a_home_that_is_a_file(at: Place) -> Sequence[str]:
    return ["--home", str(at.file("home", "")), "builds"]


@fault(9, "home cannot be used", "builds", "--home")
def a_home_with_a_file_in_the_way(at: Place) -> Sequence[str]:
    at.own_home().mkdir()
    (at.home / "builds").touch()
    return run(at)


@fault(9, "home cannot be used", "Not a directory", "--home")
def a_home_below_a_file(at: Place) -> Sequence[str]:
    return ["--home", str(at.file("notes", "") / "home"), *run(at)]


@fault(9, "No space left", "Free some space")
def no_space_for_a_build(at: Place) -> Sequence[str]:
    _fill_the_disk(at)
    return at.patched(fake.speed_patch(3), *BASE_ONLY)


def _fill_the_disk(at: Place) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    at.patch.setattr(os, "fsync", full)


@fault(9, "make of", "no space left on the device", "patchbench gc")
def no_space_for_the_compiler(at: Place) -> Sequence[str]:
    said = "#error No space left on device"
    return at.patched(fake.loop_patch('const char *speed = "1.0";', said), *BASE_ONLY)


@fault(9, "operating system reports", "Too many open files", "doctor")
def no_descriptors_left(at: Place) -> Sequence[str]:
    def refused(*_arguments: object, **_named: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    at.patch.setattr("bench.run.base.tempfile", SimpleNamespace(TemporaryDirectory=refused))
    return run(at)


@fault(9, "cannot be opened", "/proc/nowhere")
def a_lock_that_cannot_be_made(at: Place) -> Sequence[str]:
    at.patch.setenv("PATCHBENCH_HOST_LOCK", "/proc/nowhere/lock")
    return at.patched(fake.speed_patch(5), *BASE_ONLY)


def _in_the_way(at: Place, name: str) -> list[str]:
    home = at.own_home()
    home.mkdir()
    (home / name).touch()
    return at.adhoc("--series", "3.13/slow", *BASE_ONLY)


@fault(9, "locks", "--home")
def a_file_in_place_of_the_locks(at: Place) -> Sequence[str]:
    return _in_the_way(at, "locks")


@fault(9, "sources", "--home")
def a_file_in_place_of_the_sources(at: Place) -> Sequence[str]:
    return _in_the_way(at, "sources")


@fault(9, "work", "--home")
def a_file_in_place_of_the_working_path(at: Place) -> Sequence[str]:
    return _in_the_way(at, "work")


@fault(0, "Preparing", slow=True)
def environments_that_are_damaged(at: Place) -> Sequence[str]:
    at.own_home()
    arguments = at.adhoc("--series", "3.13/slow", *BASE_ONLY)
    at.finished(arguments)
    for path in (at.home / "envs").glob("*/bin/python"):
        remove(path)
        path.symlink_to("/nowhere")
    shutil.rmtree(at.out)
    return arguments


def _damage(at: Place, name: str, content: bytes) -> list[str]:
    """A run with a separate stored build, of which one file is damaged."""
    at.own_home()
    arguments = at.adhoc("--series", "3.13/slow", *BASE_ONLY)
    at.finished(["build", *arguments[1 : arguments.index("--out")], "--series", "3.13/slow"])
    for path in (at.home / "builds").glob(f"*/{name}"):
        path.chmod(0o644)
        path.write_bytes(content)
    return ["build", *arguments[1 : arguments.index("--out")], "--series", "3.13/slow"]


@fault(0, "damaged", "not used", "make")
def stamps_of_garbage(at: Place) -> Sequence[str]:
    return _damage(at, "build.json", b"\xff{")


@fault(0, "damaged", "interpreter has changed", "make")
def interpreters_that_are_damaged(at: Place) -> Sequence[str]:
    return _damage(at, "prefix/bin/python3.13", b"#!/bin/sh\nexit 1\n")


@fault(9, "no build 'deadbeef'", "patchbench builds")
def builds_of_an_unknown_key(_at: Place) -> Sequence[str]:
    return ["builds", "deadbeef"]


@fault(9, "no build '../builds'", "patchbench builds")
def builds_of_a_key_that_leads_elsewhere(_at: Place) -> Sequence[str]:
    return ["builds", "../builds"]


@fault(9, "no build 'deadbeef'", "patchbench builds")
def gc_of_an_unknown_key(_at: Place) -> Sequence[str]:
    return ["gc", "--build", "deadbeef"]


@fault(9, "no build ''", "patchbench builds")
def gc_of_an_unset_variable(_at: Place) -> Sequence[str]:
    return ["gc", "--build", ""]


@fault(9, "no build '..'", "patchbench builds")
def gc_of_the_folder_above(_at: Place) -> Sequence[str]:
    return ["gc", "--build", ".."]


@fault(9, "no build", "here", "patchbench builds")
def gc_of_a_folder_elsewhere(at: Place) -> Sequence[str]:
    return ["gc", "--build", str(at.here)]


def _is_still_there(at: Place) -> None:
    assert (at.home / "builds" / at.result()["base"]["build"]["key"] / "build.json").exists()


@fault(0, "a run is using it; kept", check=_is_still_there)
def gc_of_a_build_in_use(at: Place) -> Sequence[str]:
    again(at)
    key = at.result()["base"]["build"]["key"]
    at.holding(at.home / "locks" / f"build-{key}")
    return ["gc", "--build", key]


@fault(8, "both builds are held")
def gc_while_a_run_measures(at: Place) -> Sequence[str]:
    def measuring(_session: Session) -> None:
        held = [path for path in (at.home / "locks").glob("build-*") if is_locked(path)]
        assert len(held) == 2
        raise MeasureError("Here both builds are held.", hint="Go on.")

    at.patch.setattr(Session, "run", measuring)
    return run(at)


# -- results folders ----------------------------------------------------------------------------


@fault(9, "Cannot write", "File exists", "--out")
def results_into_a_file(at: Place) -> Sequence[str]:
    at.out = at.file("results", "")
    return run(at)


@fault(9, "Cannot write", "Not a directory", "--out")
def results_below_a_file(at: Place) -> Sequence[str]:
    at.out = at.file("notes", "") / "results"
    return run(at)


@fault(9, "Cannot write", "/proc/", "--out")
def results_where_nothing_can_be_written(at: Place) -> Sequence[str]:
    at.out = Path("/proc/results")
    return run(at)


@fault(9, "something else in it", "letter.txt", "--out")
def results_among_other_files(at: Place) -> Sequence[str]:
    at.out = at.file("letter.txt", "hello").parent
    return run(at)


@fault(9, "holds another experiment", "--out")
def results_of_another_experiment(at: Place) -> Sequence[str]:
    return [*again(at), "--protocol", "sequential"]


@fault(9, "results folder is damaged", "plan.json", "--out")
def a_plan_of_garbage(at: Place) -> Sequence[str]:
    arguments = again(at)
    (at.out / "plan.json").write_bytes(b"\xff{")
    return arguments


@fault(9, "results folder is damaged", "plan.json", "--out")
def a_plan_of_another_shape(at: Place) -> Sequence[str]:
    arguments = again(at)
    (at.out / "plan.json").write_text("[]")
    return arguments


@fault(9, "and no plan", "--out")
def results_without_their_plan(at: Place) -> Sequence[str]:
    arguments = again(at)
    remove(at.out / "plan.json")
    return arguments


@fault(9, "Cannot write", "raw")
def a_file_in_place_of_the_raw_results(at: Place) -> Sequence[str]:
    arguments = again(at)
    remove(at.out / "result.json")
    remove(at.out / "raw")
    (at.out / "raw").touch()
    return arguments


@fault(0, "Report")
def results_in_a_folder_whose_name_is_not_utf_8(at: Place) -> Sequence[str]:
    arguments = again(at)
    shutil.rmtree(at.out)
    at.out = at.root / "out\udcff"
    arguments[arguments.index("--out") + 1] = str(at.out)
    return arguments


@fault(13, "no result here: result.json cannot be read", "Remove result.json")
def a_result_of_garbage(at: Place) -> Sequence[str]:
    arguments = again(at)
    (at.out / "result.json").write_bytes(b"\xff{")
    return arguments


def _damaged_raw(at: Place, name: str, content: str) -> list[str]:
    arguments = again(at)
    remove(at.out / "result.json")
    for path in (at.out / "raw").glob(name):
        path.write_text(content)
    return arguments


@fault(9, "damaged", "block.json", "measured again")
def blocks_of_garbage(at: Place) -> Sequence[str]:
    return _damaged_raw(at, "blocks/*/block.json", '{"number": ')


@fault(9, "damaged", "block.json", "measured again")
def blocks_of_another_shape(at: Place) -> Sequence[str]:
    return _damaged_raw(at, "blocks/*/block.json", "[]")


@fault(9, "damaged", "calibration.json", "measured again")
def a_calibration_of_another_shape(at: Place) -> Sequence[str]:
    return _damaged_raw(at, "calibration.json", '{"seconds": 1, "benchmarks": [{}]}')


@fault(0, "Already complete")
def a_run_that_was_finished(at: Place) -> Sequence[str]:
    return again(at)


@fault(13, "no result", "nowhere", "patchbench run")
def a_report_of_nothing(_at: Place) -> Sequence[str]:
    return ["report", "nowhere"]


@fault(13, "no result", "result.json", "patchbench run")
def a_report_without_a_result(at: Place) -> Sequence[str]:
    return ["report", str(at.here)]


@fault(13, "schema 99", "reads 1", "patchbench that wrote it")
def a_report_of_a_later_schema(at: Place) -> Sequence[str]:
    return ["report", str(at.file("r/result.json", '{"schema": 99}').parent)]


@fault(13, "damaged", "missing required field `patchbench`", "result.json")
def a_report_of_a_result_with_nothing_in_it(at: Place) -> Sequence[str]:
    return ["report", str(at.file("r/result.json", '{"schema": 1}').parent)]


@fault(13, "damaged", "`comparisons` - at `$.candidates[0]`", "result.json")
def a_report_of_a_result_that_lacks_something(at: Place) -> Sequence[str]:
    again(at)
    content = at.result()
    content["candidates"][0].pop("comparisons")
    at.out = at.file("r/result.json", json.dumps(content)).parent
    return ["report", str(at.out)]


# -- files to compare ---------------------------------------------------------------------------


def _compared(at: Place, content: bytes | str) -> list[str]:
    again(at)
    whole = next((at.out / "raw" / "blocks").glob("*/base.json"))
    return ["compare", str(whole), str(at.file("other.json", content))]


@fault(13, "cannot read", "No such file", "nowhere.json", "pyperf")
def compare_with_nothing(_at: Place) -> Sequence[str]:
    return ["compare", "nowhere.json", "nowhere.json"]


@fault(13, "cannot read", "directory", "pyperf")
def compare_with_a_directory(at: Place) -> Sequence[str]:
    return ["compare", str(at.here), str(at.here)]


@fault(13, "not a result file", "other.json", "pyperf")
def compare_with_an_empty_file(at: Place) -> Sequence[str]:
    return _compared(at, "")


@fault(13, "not a result file", "other.json", "pyperf")
def compare_with_what_is_not_json(at: Place) -> Sequence[str]:
    return _compared(at, "fast: 12 ms\n")


@fault(13, "not a result file", "other.json", "pyperf")
def compare_with_other_json(at: Place) -> Sequence[str]:
    return _compared(at, '{"results": []}')


@fault(13, "not a result file", "other.json", "pyperf")
def compare_with_a_binary_file(at: Place) -> Sequence[str]:
    return _compared(at, bytes(range(256)))


@fault(13, "not a result file", "other.json", "pyperf")
def compare_with_a_truncated_file(at: Place) -> Sequence[str]:
    again(at)
    whole = next((at.out / "raw" / "blocks").glob("*/base.json")).read_bytes()
    return _compared_again(at, whole[: len(whole) // 2])


@fault(19, "same measurements", "1 benchmark: fast", "other.json", "measured separately")
def compare_with_a_copy(at: Place) -> Sequence[str]:
    again(at)
    whole = next((at.out / "raw" / "blocks").glob("*/base.json")).read_bytes()
    return _compared_again(at, whole)


@fault(19, "no benchmark that can be compared", "1 benchmark: fast", "other (memory)", "suite")
def compare_with_another_suite(at: Place) -> Sequence[str]:
    again(at)
    run = {"values": [1.0, 2.0], "metadata": {"name": "other", "unit": "byte"}}
    content = {"version": "1.0", "benchmarks": [{"runs": [run]}]}
    return _compared_again(at, json.dumps(content).encode())


def _compared_again(at: Place, content: bytes) -> list[str]:
    whole = next((at.out / "raw" / "blocks").glob("*/base.json"))
    return ["compare", str(whole), str(at.file("other.json", content))]
