"""LLVM's tools, the linker and BOLT, chosen among programs that only print their version."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from builder.errors import ToolError
from builder.process import SystemRunner
from builder.toolchain.tools import ToolIdentity, ToolRequest, choose, jit_version


class Place:
    """A folder of programs, and a compiler in another one."""

    def __init__(self, root: Path) -> None:
        self.path = root / "bin"
        self.path.mkdir()
        self.compiler = root / "llvm" / "clang"
        self.compiler.parent.mkdir()
        self.program(self.compiler, "clang version 19.1.7")

    def program(self, path: Path, version: str) -> None:
        path.write_text(
            "#!/bin/sh\ncase $1 in\n"
            f"-print-prog-name=*) echo {self.path}/${{1#*=}} ;;\n"
            f"*) echo '{version}' ;;\nesac\n"
        )
        path.chmod(0o755)

    def add(self, *names: str, version: int = 19) -> None:
        for name in names:
            self.program(self.path / name, f"LLVM version {version}.1.0")

    def request(self, **more: object) -> ToolRequest:
        request = ToolRequest(compiler=str(self.compiler), version="clang version 19.1.7")
        return replace(request, **more)  # type: ignore[arg-type]

    def choose(self, **more: object) -> dict[str, ToolIdentity]:
        tools = choose(self.request(**more), SystemRunner(), path=str(self.path))
        return {tool.role: tool for tool in tools}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


GCC = "gcc (Debian 12.2.0-14) 12.2.0"


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"version": GCC, "pgo": True, "lto": True},
        {"version": GCC, "flags": "-O2 -flto"},
    ],
)
def test_a_build_without_llvm_has_no_further_tools(place: Place, more: dict[str, object]) -> None:
    assert place.choose(**more) == {}


def test_the_versioned_tool_of_a_versioned_clang(place: Place) -> None:
    place.add("llvm-profdata", version=14)
    place.add("llvm-profdata-19")
    tools = place.choose(pgo=True)
    assert tools["LLVM_PROFDATA"].path == str(place.path / "llvm-profdata-19")
    assert tools["LLVM_PROFDATA"].version == "LLVM version 19.1.0"
    assert len(tools["LLVM_PROFDATA"].sha256) == 64


def test_the_tool_beside_the_compiler(place: Place) -> None:
    place.program(place.compiler.parent / "llvm-profdata", "LLVM version 19.1.7")
    path = place.choose(pgo=True)["LLVM_PROFDATA"].path
    assert path == str(place.compiler.parent / "llvm-profdata")


def test_the_unversioned_tool_if_it_is_of_the_compilers_version(place: Place) -> None:
    place.add("llvm-profdata")
    assert place.choose(pgo=True)["LLVM_PROFDATA"].path.endswith("/llvm-profdata")


def test_an_older_llvm_profdata_has_the_version_of_its_commands(place: Place) -> None:
    """That of LLVM 14 knows no --version of its own."""
    program = place.path / "llvm-profdata"
    program.write_text(
        "#!/bin/sh\n[ $1 = merge ] || { echo Unknown command!; exit 1; }\n"
        "echo 'Debian LLVM version 19.1.7'\n"
    )
    program.chmod(0o755)
    assert place.choose(pgo=True)["LLVM_PROFDATA"].version == "Debian LLVM version 19.1.7"


def test_a_missing_tool_is_named_with_its_package_and_what_is_there(place: Place) -> None:
    place.add("llvm-profdata", version=14)
    with pytest.raises(ToolError) as caught:
        place.choose(pgo=True)
    assert "needs its own llvm-profdata" in caught.value.what
    assert "llvm-profdata is of LLVM 14" in caught.value.where
    assert "apt-get install llvm-19" in caught.value.hint


def test_lto_takes_the_archiver_and_the_linker(place: Place) -> None:
    place.add("llvm-ar-19")
    place.program(place.compiler, "GNU ld (GNU Binutils for Debian) 2.40")
    place.program(place.path / "ld", "GNU ld (GNU Binutils for Debian) 2.40")
    tools = place.choose(lto=True)
    assert set(tools) == {"LLVM_AR", "linker"}
    assert tools["linker"].version == "GNU ld (GNU Binutils for Debian) 2.40"
    assert tools["linker"].path == str(place.path / "ld")


def test_a_linker_that_is_named_belongs_to_the_recipe_of_every_compiler(place: Place) -> None:
    place.program(place.compiler, "Debian LLD 19.1.7 (compatible with GNU linkers)")
    place.program(place.path / "ld.lld", "Debian LLD 19.1.7")
    tools = place.choose(version=GCC, flags="-O2 -fuse-ld=lld")
    assert tools["linker"].path == str(place.path / "ld.lld")
    assert "LLD 19.1.7" in tools["linker"].version


def test_a_linker_that_is_missing_is_an_error(place: Place) -> None:
    place.program(place.compiler, "collect2: fatal error: cannot find ld")
    with pytest.raises(ToolError) as caught:
        place.choose(version=GCC, flags="-fuse-ld=lld")
    assert "no linker lld" in caught.value.what
    assert "apt-get install lld" in caught.value.hint


def test_a_named_tool_is_an_absolute_path_since_configure_ignores_others(place: Place) -> None:
    place.add("llvm-profdata-20", version=20)
    tools = place.choose(pgo=True, variables={"LLVM_PROFDATA": "llvm-profdata-20"})
    assert tools["LLVM_PROFDATA"].path == str(place.path / "llvm-profdata-20")


def test_a_named_tool_that_is_missing(place: Place) -> None:
    with pytest.raises(ToolError) as caught:
        place.choose(variables={"LLVM_PROFDATA": "llvm-profdata-20"})
    assert "llvm-profdata-20" in caught.value.what
    assert "apt-get install llvm-20" in caught.value.hint


@pytest.mark.parametrize(
    ("installed", "chosen"),
    [
        (["llvm-bolt-19", "merge-fdata-19", "llvm-bolt-20", "merge-fdata-20"], "19"),
        (["llvm-bolt-18", "merge-fdata-18", "llvm-bolt-20", "merge-fdata-20"], "20"),
        # Both must be of one version.
        (["llvm-bolt-19", "merge-fdata-18", "llvm-bolt-18"], "18"),
    ],
)
def test_bolt_and_its_merger_are_of_one_version(
    place: Place, installed: list[str], chosen: str
) -> None:
    place.program(place.compiler, "GNU ld 2.40")
    place.add(*installed)
    tools = place.choose(bolt=True)
    assert tools["LLVM_BOLT"].path.endswith(f"llvm-bolt-{chosen}")
    assert tools["MERGE_FDATA"].path.endswith(f"merge-fdata-{chosen}")


def test_bolt_that_is_missing(place: Place) -> None:
    with pytest.raises(ToolError) as caught:
        place.choose(bolt=True, version=GCC)
    assert "BOLT was requested" in caught.value.what
    assert "apt-get install bolt-19" in caught.value.hint


def test_the_llvm_that_makes_stencils(place: Place) -> None:
    place.add("clang-18", "llvm-readobj-18", version=18)
    place.add("clang", version=14)
    tools = place.choose(version=GCC, stencils="18")
    assert [tool.path for tool in tools.values()] == [
        str(place.path / name) for name in ("clang-18", "llvm-readobj-18")
    ]
    assert all(role.startswith("JIT stencils") for role in tools)


def test_a_missing_llvm_for_stencils(place: Place) -> None:
    place.add("clang", version=14)
    with pytest.raises(ToolError) as caught:
        place.choose(version=GCC, stencils="18")
    assert "LLVM 18" in caught.value.what
    assert "apt-get install clang-18" in caught.value.hint
    assert "--enable-experimental-jit=interpreter" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "environment", "version"),
    [
        ("_LLVM_VERSION = 19\n", {}, "19"),
        ('_LLVM_VERSION = os.getenv("LLVM_VERSION", "21")\n', {}, "21"),
        ('_LLVM_VERSION = os.getenv("LLVM_VERSION", "21")\n', {"LLVM_VERSION": "20"}, "20"),
        ("_LLVM_VERSION = 19\n", {"LLVM_VERSION": "20"}, "19"),
        ("", {}, ""),
    ],
)
def test_the_version_that_a_tree_asks_for(
    text: str, environment: dict[str, str], version: str
) -> None:
    assert jit_version(text, environment) == version
