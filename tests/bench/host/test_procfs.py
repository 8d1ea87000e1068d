"""Readings of /proc and /sys, from folders made by the tests."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

from bench.host import procfs

TICKS = os.sysconf("SC_CLK_TCK")


def write_process(
    root: Path, pid: int, name: str, *, user: int = 0, system: int = 0, command: str = ""
) -> None:
    folder = root / "proc" / str(pid)
    folder.mkdir(parents=True)
    before, after = " ".join(["7"] * 10), " ".join(["9"] * 30)
    (folder / "stat").write_text(f"{pid} ({name}) S {before} {user} {system} {after}\n")
    (folder / "cmdline").write_text(command)


def test_the_cpu_seconds_of_every_process(tmp_path: Path) -> None:
    write_process(tmp_path, 7, "cc1", user=3 * TICKS, system=TICKS)
    write_process(tmp_path, 12, "a ) b (c", user=TICKS // 2)
    assert procfs.process_seconds(tmp_path) == {7: ("cc1", 4.0), 12: ("a ) b (c", 0.5)}


def test_a_name_that_the_kernel_cut_is_whole(tmp_path: Path) -> None:
    write_process(
        tmp_path, 7, "gnome-session-b", command="/usr/lib/gnome-session-binary\0--quiet\0"
    )
    write_process(tmp_path, 8, "renamed-by-itse", command="/usr/bin/other\0")
    write_process(tmp_path, 9, "kworker/u8:2-ev")
    names = {pid: name for pid, (name, _) in procfs.process_seconds(tmp_path).items()}
    assert names == {7: "gnome-session-binary", 8: "renamed-by-itse", 9: "kworker/u8:2-ev"}


def test_processes_that_end_meanwhile_or_cannot_be_understood_are_left_out(tmp_path: Path) -> None:
    write_process(tmp_path, 7, "cc1", user=TICKS)
    (tmp_path / "proc/8").mkdir()
    (tmp_path / "proc/9").mkdir()
    (tmp_path / "proc/9/stat").write_text("9 (half) S 1 2")
    (tmp_path / "proc/10").mkdir()
    (tmp_path / "proc/10/stat").write_text("10 (words) S" + " x" * 40)
    (tmp_path / "proc/self").mkdir()
    assert list(procfs.process_seconds(tmp_path)) == [7]


def test_what_another_reader_of_proc_says_of_this_machine() -> None:
    mine = procfs.process_seconds(Path("/"))[os.getpid()]
    process = psutil.Process()
    times = process.cpu_times()
    assert mine[0] == process.name()
    assert 0 < mine[1] <= times.user + times.system
