"""How far make is, from the lines of real makes: plain, PGO of gcc and clang, quiet, unknown."""

from __future__ import annotations

import pytest

from builder.builds.make_progress import (
    FIRST,
    PLAIN,
    SECOND,
    TASK,
    MakeState,
    StageCount,
    after,
    of_log,
)

COMPILES = [
    "gcc -pthread -c -fno-strict-aliasing -g -O2 -DPy_BUILD_CORE -o Python/ceval.o Python/ceval.c",
    "gcc -pthread -fPIC -I. -c /w/src/Modules/_struct.c -o build/temp.linux/w/Modules/_struct.o",
    "gcc -c Modules/_elementtree.c -o Modules/_elementtree.o",
    "g++ -O2 -c x.cpp -o x.o",
    "gcc -pthread -O3 ./Modules/posixmodule.c -c -o Modules/posixmodule.o",
]
OTHERS = [
    "",
    "checking for x86_64-linux-gnu-gcc... gcc -c",
    "gcc -pthread -Xlinker -export-dynamic -o python Modules/python.o libpython2.7.a -lm",
    "Python/ceval.c:1:1: warning: -c is not what it was [-Wfoo]",
    "python -c 'import x' ./x.py",
    "[ 3/43] test_base64",
    "make -j2 build_all_generate_profile",
]


@pytest.mark.parametrize("line", COMPILES)
def test_a_command_that_compiles_counts(line: str) -> None:
    assert of_log(line).counts == {PLAIN: StageCount(files=1)}


@pytest.mark.parametrize("line", OTHERS)
def test_other_lines_leave_the_state_as_it_is(line: str) -> None:
    state = MakeState(stage=PLAIN, counts={PLAIN: StageCount(files=3)})
    assert after(state, line) is state


def compiled(flag: str, count: int) -> list[str]:
    return [
        f"cc -O3 {flag} -c Objects/o{number}.c -o Objects/o{number}.o" for number in range(count)
    ]


PGO = {
    "2.7": "./python -m test.regrtest --pgo -x test_gdb || true",
    "3.x": "Running code to generate profile data (this can take a while):",
    "3.x quietly": "LLVM_PROFILE_FILE=x ./python -m test --pgo --timeout=1200",
    "2.7.10": "Running benchmark to generate profile data:",
}


@pytest.mark.parametrize("begins", PGO.values(), ids=PGO)
@pytest.mark.parametrize("flags", [("-generate", "-use"), ("-instr-generate", "-instr-use=x.prof")])
def test_pgo_has_three_stages(begins: str, flags: tuple[str, str]) -> None:
    first = compiled(f"-fprofile{flags[0]}", 5)
    task = [begins, "0:00:01 load avg: 2.0 [ 1/43] test_array", "[ 7/43/1] test_x failed"]
    second = compiled(f"-fprofile{flags[1]}", 4)

    assert of_log("\n".join(first)).stage == FIRST
    at_task = of_log("\n".join([*first, *task]))
    assert (at_task.stage, at_task.counts[TASK]) == (TASK, StageCount(files=7, of=43))
    assert at_task.files == 5
    state = of_log("\n".join([*first, *task, *second]))
    assert (state.stage, state.files) == (SECOND, 9)
    assert state.counts[SECOND] == StageCount(files=4)


def test_files_before_the_first_flag_belong_to_the_first_build() -> None:
    state = of_log("\n".join([*compiled("", 2), *compiled("-fprofile-generate", 3)]))
    assert state.counts == {FIRST: StageCount(files=5)}


def test_a_file_without_a_flag_belongs_to_the_stage_before() -> None:
    lines = [*compiled("-fprofile-generate", 1), *compiled("", 1)]
    assert of_log("\n".join(lines)).counts == {FIRST: StageCount(files=2)}


def test_tests_outside_the_task_do_not_count() -> None:
    assert of_log("[ 7/43] test_x").counts == {}
