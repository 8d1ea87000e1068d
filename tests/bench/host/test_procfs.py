"""The readers of /proc and /sys, on files made here."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from bench.host import procfs
from bench.host.procfs import Ticks, parse_cpus


def test_lists_of_cpus() -> None:
    assert parse_cpus("0-2,5\n") == (0, 1, 2, 5)
    with pytest.raises(ValueError, match="invalid literal"):
        parse_cpus("")


@pytest.mark.parametrize("text", ["", "a", "1;2", "-3", "1-", "0,1-", "-", "3-1", "1-2-3"])
def test_what_is_no_list_of_cpus(text: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        parse_cpus(text)


def write(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_counters_of_a_host(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        proc__stat="cpu  1 2 3 10 4 5 6 7 99 99\ncpu1 1 0 0 1\ncpufreq x\nintr 5\n",
        proc__pressure__memory="some avg10=0.00 total=2500000\nfull avg10=0.00 total=1\n",
        sys__devices__system__cpu__online="0-1",
        sys__devices__system__cpu__cpu0__thermal_throttle__core_throttle_count="3",
        sys__devices__system__cpu__cpu1__thermal_throttle__package_throttle_count="4",
    )
    found = procfs.read_counters(root)
    # Guests' time is within user and nice already; waiting for a disk is no work.
    assert found.all == Ticks(busy=17, steal=7, total=38)
    assert found.cpus == {1: Ticks(busy=1, steal=0, total=2)}
    assert (found.stalled, found.throttled) == (2.5, 7)
    assert procfs.read_counters(root, 1).throttled == 4


def test_counters_of_a_host_that_says_nothing(tmp_path: Path) -> None:
    found = procfs.read_counters(tmp_path)
    assert (found.all, found.cpus) == (Ticks(), {})
    assert (found.stalled, found.throttled) == (None, None)


def test_ticks_between_two_moments() -> None:
    passed = Ticks(busy=15, steal=1, total=30).since(Ticks(busy=10, steal=5, total=10))
    assert passed == Ticks(busy=5, steal=0, total=20)
    assert passed.busy_share == 0.25
    assert Ticks().busy_share is None


def test_files_that_cannot_be_read_are_empty(tmp_path: Path) -> None:
    assert procfs.text(tmp_path / "none") == ""
    assert procfs.text(tmp_path) == ""
    (tmp_path / "x").write_bytes(b"\0 ab\xff\n")
    assert procfs.text(tmp_path / "x") == "ab\ufffd"


@pytest.mark.parametrize(("text", "value"), [("0\n", False), ("1", True), ("2", None), ("", None)])
def test_flags(tmp_path: Path, text: str, value: bool | None) -> None:
    (tmp_path / "flag").write_text(text)
    assert procfs.flag(tmp_path / "flag") is value


def test_the_first_value_of_a_key_counts() -> None:
    assert procfs.pairs("a : 1\nb\nc:\na: 2\n", ":") == {"a": "1", "c": ""}


def test_sizes_are_bytes(tmp_path: Path) -> None:
    root = write(tmp_path, proc__meminfo="MemTotal:  16 kB\nHugePages_Total: 0\nOdd: x kB\n")
    assert procfs.meminfo(root) == {"MemTotal": 16 * 1024, "HugePages_Total": 0}


def test_cpus_that_may_be_used_are_those_that_are_on(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        proc__self__status="Cpus_allowed_list:\t0,2-3\n",
        sys__devices__system__cpu__online="0-2",
    )
    assert procfs.usable(root) == (0, 2)
    (root / "proc/self/status").unlink()
    assert procfs.usable(root) == (0, 1, 2)


def test_the_other_threads_of_a_core(tmp_path: Path) -> None:
    root = write(tmp_path, sys__devices__system__cpu__cpu1__topology__thread_siblings_list="1,5")
    assert procfs.siblings(root, 1) == (5,)
    assert procfs.siblings(root, 2) == ()


def test_clock_and_load(tmp_path: Path) -> None:
    assert procfs.load(tmp_path) is None
    assert procfs.frequency(tmp_path, 0) is None
    root = write(
        tmp_path,
        proc__loadavg="0.50 1 1\n",
        sys__devices__system__cpu__cpu0__cpufreq__scaling_cur_freq="1900000\n",
    )
    assert procfs.load(root) == 0.5
    assert procfs.frequency(root, 0) == 1_900_000_000


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
    # Both count in hundredths of a second; this process has worked on in between.
    assert 0 < mine[1] < times.user + times.system + 0.005
