"""The scripts behind `make setup`, on machines made of stubs: without apt, root, Python or luck."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"
USED = "bash cat cut dirname flock grep head mv rm sha256sum tail tr mkdir touch chmod".split()
# Knows what is installed from a file.
DPKG_QUERY = """
for package; do :; done
grep -qx "$package" "$STATE/installed" && echo -n installed
"""
# Installs by writing that file; says what it was asked.
APT_GET = """
echo "apt-get $*" >>"$STATE/calls"
[[ -e $STATE/offline ]] && exit 100
for word; do [[ $word == -* ]] || echo "$word" >>"$STATE/installed"; done
"""
GCC = """
[[ -e $STATE/headers ]] || exit 1
"""
# A Python that makes environments of stubs, and whose pip says what it was asked.
PYTHON = """
[[ -z ${PYTHONPATH-}${PYTHONHOME-} || $1 == -I ]] || exit 1
case $* in
-I*) printf '%s\\n' "$@" >"$STATE/started" ;;
-c*sys.version_info*) cat "$STATE/version" ;;
-c*) [[ -e $STATE/broken ]] && exit 1; exit 0 ;;
"-m venv --without-pip .venv") mkdir -p .venv/bin; cp_python ;;
"-m venv .venv")
    [[ -e $STATE/no-ensurepip ]] && { echo "ensurepip is not available"; exit 1; }
    mkdir -p .venv/bin; cp_python ;;
*pip*)
    echo "$*" >>"$STATE/calls"
    [[ -e $STATE/no-pip && $* == *--python* ]] && exit 1
    [[ -e $STATE/offline ]] && { echo "pip: no index" >&2; exit 1; }
    exit 0 ;;
esac
"""


class Machine:
    """A checkout's scripts on a machine whose PATH holds nothing but stubs and some tools."""

    def __init__(self, folder: Path) -> None:
        self.project, self.state, self.path = (folder / n for n in ("project", "state", "path"))
        for each in (self.project, self.state, self.path):
            each.mkdir()
        shutil.copytree(SCRIPTS, self.project / "scripts")
        (self.project / "requirements.lock").write_text("one==1.0\ntwo==2.0\n")
        (self.project / "pyproject.toml").write_text("[project]\n")
        for name in USED:
            found = shutil.which(name)
            assert found, name
            (self.path / name).symlink_to(found)
        self.note("installed")
        self.note("version", "3 12\n")
        self.note("headers")
        self.stub("id", 'cat "$STATE/uid"')
        self.note("uid", "1000")
        for name in ("make", "git"):
            self.stub(name, "")
        self.stub("gcc", GCC)
        self.stub("dpkg-query", DPKG_QUERY)
        self.stub("apt-get", APT_GET)
        self.stub("python3", PYTHON)

    def stub(self, name: str, script: str) -> None:
        path = self.path / name
        copy = (
            f"cp_python() {{ cat '{self.path}/python3' >.venv/bin/python; chmod +x .venv/bin/*; }}"
        )
        path.write_text(f"#!{shutil.which('bash')}\nSTATE='{self.state}'\n{copy}\n{script}")
        path.chmod(0o755)

    def note(self, name: str, text: str = "") -> None:
        (self.state / name).write_text(text)

    def remove(self, *names: str) -> None:
        for name in names:
            (self.path / name).unlink()

    def run(self, script: str) -> tuple[int, str]:
        """Status and messages; the calls of the run before are forgotten."""
        (self.state / "calls").write_text("")
        done = subprocess.run(
            [self.project / "scripts" / script],
            env={"PATH": str(self.path), "PYTHONHOME": "/nowhere", "PYTHONPATH": "/evil"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout == ""
        return done.returncode, done.stderr

    def calls(self) -> list[str]:
        return (self.state / "calls").read_text().splitlines()

    @property
    def stamp(self) -> Path:
        return self.project / ".venv/patchbench-stamp"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def all_packages() -> str:
    lines = (SCRIPTS / "packages.txt").read_text().splitlines()
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("#"))


def test_nothing_is_said_or_done_when_every_package_is_there(machine: Machine) -> None:
    machine.note("installed", all_packages())

    assert machine.run("packages.sh") == (0, "")
    assert machine.calls() == []


def test_root_gets_what_is_missing_and_no_more(machine: Machine) -> None:
    machine.note("uid", "0")
    machine.note("installed", all_packages().replace("ccache\n", "").replace("uuid-dev\n", ""))

    status, said = machine.run("packages.sh")

    assert status == 0
    assert "Missing Debian packages: ccache uuid-dev" in said
    assert machine.calls()[-1].endswith("install --no-install-recommends ccache uuid-dev")
    assert machine.run("packages.sh") == (0, "")


def test_others_are_told_the_line_and_go_on_without_ccache(machine: Machine) -> None:
    machine.note("installed", all_packages().replace("ccache\n", ""))

    status, said = machine.run("packages.sh")

    assert status == 0
    assert "sudo apt-get update && sudo apt-get install --no-install-recommends ccache\n" in said
    assert machine.calls() == []


@pytest.mark.parametrize("program", ["gcc", "make", "git"])
def test_without_what_every_build_needs_it_stops(machine: Machine, program: str) -> None:
    machine.remove(program)

    status, said = machine.run("packages.sh")

    assert status == 1
    assert f"Every build needs these, which are missing: {program}\n" in said


def test_missing_headers_are_named(machine: Machine) -> None:
    (machine.state / "headers").unlink()

    status, said = machine.run("packages.sh")

    assert status == 1
    assert "Every build needs these, which are missing: stdio.h zlib.h openssl/ssl.h" in said


def test_root_without_a_network_goes_on_when_it_can(machine: Machine) -> None:
    machine.note("uid", "0")
    machine.note("offline")

    status, said = machine.run("packages.sh")

    assert status == 0
    assert "apt could not install them" in said
    assert any(call.endswith("update") for call in machine.calls())


def test_a_machine_without_apt_goes_on_and_names_the_packages(machine: Machine) -> None:
    machine.remove("apt-get", "dpkg-query")

    status, said = machine.run("packages.sh")

    assert status == 0
    assert "has no apt" in said
    assert "libssl-dev" in said


def test_the_environment_is_made_once(machine: Machine) -> None:
    status, said = machine.run("venv.sh")

    assert status == 0, said
    assert "2 pinned packages" in said
    assert [call.split()[-1] for call in machine.calls()] == ["requirements.lock", "."]
    assert machine.run("venv.sh") == (0, "")
    assert machine.calls() == []


@pytest.mark.parametrize("name", ["project", "my project", "it's $HOME"])
def test_the_program_starts_an_isolated_interpreter(machine: Machine, name: str) -> None:
    machine.project = machine.project.rename(machine.project.with_name(name))
    program = machine.project / ".venv/bin/patchbench"
    for damage in (None, "", "#!/old/python\n"):
        if damage is not None:
            program.write_text(damage)
        assert machine.run("venv.sh")[0] == 0
        subprocess.run(
            [program, "run", "a b", "", "'$x'"],
            check=True,
            env={"PATH": str(machine.path), "PYTHONHOME": "/nowhere"},
        )
        launcher = str(machine.project.resolve() / "patchbench/__main__.py")
        started = (machine.state / "started").read_text().split("\n")
        assert started == ["-I", launcher, "run", "a b", "", "'$x'", ""]


def test_only_what_changed_is_done_again(machine: Machine) -> None:
    machine.run("venv.sh")

    (machine.project / "pyproject.toml").write_text("[project]\nname = 'new'\n")
    assert machine.run("venv.sh")[0] == 0
    assert [call.split()[-1] for call in machine.calls()] == ["."]

    marker = machine.project / ".venv/old"
    marker.touch()
    (machine.project / "requirements.lock").write_text("one==1.1\n")
    assert machine.run("venv.sh")[0] == 0
    assert len(machine.calls()) == 2
    assert not marker.exists()


def test_a_half_made_environment_is_made_anew(machine: Machine) -> None:
    machine.note("offline")
    status, said = machine.run("venv.sh")
    assert status == 1
    assert "pip could not install" in said
    assert (machine.project / ".venv").exists()
    marker = machine.project / ".venv/half"
    marker.touch()

    (machine.state / "offline").unlink()

    assert machine.run("venv.sh")[0] == 0
    assert not marker.exists()
    assert machine.stamp.exists()


def test_a_broken_environment_is_made_anew(machine: Machine) -> None:
    machine.run("venv.sh")
    (machine.project / ".venv/bin/python").unlink()

    assert "Making .venv" in machine.run("venv.sh")[1]

    machine.note("broken")
    assert "Making .venv" in machine.run("venv.sh")[1]


def test_an_environment_that_came_with_a_copied_folder_is_made_anew(
    machine: Machine, tmp_path: Path
) -> None:
    machine.run("venv.sh")
    machine.project = machine.project.rename(tmp_path / "moved")

    assert "Making .venv" in machine.run("venv.sh")[1]


def test_an_old_python_is_told_of_and_a_newer_one_beside_it_taken(machine: Machine) -> None:
    machine.note("version", "3 9\n")

    status, said = machine.run("venv.sh")

    assert status == 1
    assert "needs Python 3.11 or newer: python3 is 3.9." in said
    assert "PYTHON=" in said

    machine.stub("python3.12", PYTHON.replace('cat "$STATE/version"', "echo 3 12"))
    assert machine.run("venv.sh")[0] == 0


def test_no_python_at_all_is_told_of(machine: Machine) -> None:
    machine.remove("python3")

    status, said = machine.run("venv.sh")

    assert status == 1
    assert "there is no Python 3 on PATH" in said


def test_without_ensurepip_an_installed_pip_stands_in(machine: Machine) -> None:
    machine.note("no-ensurepip")

    assert machine.run("venv.sh")[0] == 0
    assert machine.calls()[0] == "-m pip --python .venv/bin/python install -q pip"


def test_without_ensurepip_and_pip_the_package_is_named(machine: Machine) -> None:
    machine.note("no-ensurepip")
    machine.note("no-pip")

    status, said = machine.run("venv.sh")

    assert status == 1
    assert "ensurepip is not available" in said
    assert "apt-get install python3-venv" in said
    assert not (machine.project / ".venv").exists()


def test_the_whole_setup_waits_for_another_one(machine: Machine) -> None:
    machine.note("installed", all_packages())
    lock = machine.project / ".setup.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        running = subprocess.Popen(
            [machine.project / "scripts/setup.sh"],
            env={"PATH": str(machine.path)},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert running.stderr
        assert "Waiting for another setup" in running.stderr.readline()
        assert not machine.stamp.exists()
    assert running.wait(60) == 0
    running.stderr.close()
    assert machine.stamp.exists()


def test_scripts_can_be_run(machine: Machine) -> None:
    for script in (*SCRIPTS.glob("*.sh"), SCRIPTS.parent / ".ci/run"):
        assert os.access(script, os.X_OK), script
