"""Layouts drawn for Makefiles as CPython's are; builds with them are in test_compile."""

from __future__ import annotations

import os
import re
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.builds import layout
from builder.builds.layout import PLACEBOS, Layout, apply, draw, numbered, parse
from builder.errors import BuildError, ExperimentError

# 2.7's way: an archive is gathered from lists, and one object is named by a variable.
MAKEFILE_27 = """
CC=\t\tgcc -pthread
LIBRARY=\tlibpython$(VERSION).a
MODOBJS=        Modules/threadmodule.o  Modules/_sre.o
DYNLOADFILE=\tdynload_shlib.o
MACHDEP_OBJS=\t
POBJS=\t\\
\t\tParser/acceler.o \\
\t\tParser/node.o
PARSER_OBJS=\t$(POBJS) Parser/tokenizer.o
PYTHON_OBJS=\t\\
\t\tPython/ceval.o \\
\t\tPython/$(DYNLOADFILE) \\
\t\t$(MACHDEP_OBJS) \\
\t\tPython/thread.o
LIBRARY_OBJS=\t\\
\t\tModules/getbuildinfo.o \\
\t\t$(PARSER_OBJS) \\
\t\t$(PYTHON_OBJS) \\
\t\t$(MODOBJS)
BLDLIBRARY=\tlibpython$(VERSION).a

$(BUILDPYTHON): Modules/python.o $(LIBRARY)
\t\t$(LINKCC) -o $@ Modules/python.o $(BLDLIBRARY) $(LIBS)

$(LIBRARY): $(LIBRARY_OBJS)
\t-rm -f $@
\t$(AR) $(ARFLAGS) $@ Modules/getbuildinfo.o
\t$(AR) $(ARFLAGS) $@ $(PARSER_OBJS)
\t$(AR) $(ARFLAGS) $@ $(PYTHON_OBJS)
\t$(AR) $(ARFLAGS) $@ $(MODOBJS)
"""
# 3.13's way: the program is linked from the objects themselves.
MAKEFILE_313 = """
PYTHON_OBJS=\tPython/ceval.o Python/errors.o Python/import.o
OBJECT_OBJS=\tObjects/dictobject.o Objects/longobject.o
LIBRARY_OBJS_OMIT_FROZEN=\t$(OBJECT_OBJS) $(PYTHON_OBJS)
LIBRARY_OBJS=\t$(LIBRARY_OBJS_OMIT_FROZEN) Python/frozen.o
LINK_PYTHON_OBJS=$(LIBRARY_OBJS)
LIBS=\t-lpthread Modules/extra.o

$(BUILDPYTHON):\tPrograms/python.o $(LINK_PYTHON_DEPS)
\t$(LINKCC) -o $@ Programs/python.o $(LINK_PYTHON_OBJS) $(LIBS)

$(LIBRARY): $(LIBRARY_OBJS)
\t$(AR) $(ARFLAGS) $@ $(LIBRARY_OBJS)
"""
BOTH = pytest.mark.parametrize("makefile", [MAKEFILE_27, MAKEFILE_313], ids=["2.7", "3.13"])


def orders(drawn: Layout) -> dict[str, dict[str, list[str]]]:
    """The lists of each linking rule that a layout replaces."""
    found: dict[str, dict[str, list[str]]] = {}
    for rule in drawn.rules:
        if match := re.fullmatch(r"(\S+): private (\w+) = (.*)", rule):
            found.setdefault(match.group(1), {})[match.group(2)] = match.group(3).split()
    return found


# -- what is drawn -------------------------------------------------------------------------------


@BOTH
def test_replica_0_is_the_tree_as_it_is(makefile: str) -> None:
    assert draw(makefile, replica=0) == Layout()


@BOTH
def test_a_number_gives_one_layout_and_another_number_another(makefile: str) -> None:
    assert draw(makefile, replica=1) == draw(makefile, replica=1)
    layouts = [draw(makefile, replica=number) for number in range(1, 6)]
    layouts += [draw(makefile, replica=0, placebo=numbered(number)) for number in range(1, 10)]
    layouts += [draw(makefile, replica=1, placebo=numbered(number)) for number in range(1, 10)]
    assert all(one not in layouts[:at] for at, one in enumerate(layouts))


def test_no_object_is_lost_and_each_list_keeps_its_length() -> None:
    drawn = orders(draw(MAKEFILE_27, replica=1))["$(LIBRARY)"]

    assert {name: len(found) for name, found in drawn.items()} == {
        "PARSER_OBJS": 3,
        "PYTHON_OBJS": 3,
        "MODOBJS": 2,
    }
    # An archive's own rule names one object by itself, and the others through lists.
    assert sorted(one for found in drawn.values() for one in found) == [
        "Modules/_sre.o",
        "Modules/threadmodule.o",
        "Parser/acceler.o",
        "Parser/node.o",
        "Parser/tokenizer.o",
        "Python/ceval.o",
        "Python/dynload_shlib.o",
        "Python/thread.o",
    ]


def test_every_rule_that_links_is_given_the_order() -> None:
    found = orders(draw(MAKEFILE_313, replica=2))

    assert set(found) == {"$(BUILDPYTHON)", "$(LIBRARY)"}
    assert set(found["$(BUILDPYTHON)"]) == {"LINK_PYTHON_OBJS"}  # what else there is, is no list
    assert found["$(BUILDPYTHON)"]["LINK_PYTHON_OBJS"] == found["$(LIBRARY)"]["LIBRARY_OBJS"]
    assert set(orders(draw(MAKEFILE_27, replica=2))) == {"$(LIBRARY)"}


def test_a_file_that_one_arm_adds_moves_no_other() -> None:
    """Base and candidate of one replica must not differ in the layout of all that they share."""
    added = MAKEFILE_313.replace("Python/errors.o", "Python/errors.o Python/fast.o")
    base, candidate = draw(MAKEFILE_313, replica=1), draw(added, replica=1)
    order = orders(candidate)["$(BUILDPYTHON)"]["LINK_PYTHON_OBJS"]
    order.remove("Python/fast.o")

    assert order == orders(base)["$(BUILDPYTHON)"]["LINK_PYTHON_OBJS"]
    assert base.padding.items() < candidate.padding.items()


@BOTH
def test_a_replica_pads_every_file_by_whole_alignments(makefile: str) -> None:
    padding = draw(makefile, replica=1).padding

    assert "Python/ceval.c" in padding
    assert all(size % 16 == 0 and 0 <= size < 512 for size in padding.values())
    assert len(set(padding.values())) > 1


def test_placebos_change_one_thing() -> None:
    padding = draw(MAKEFILE_313, replica=0, placebo="padding:1")
    links = draw(MAKEFILE_313, replica=0, placebo="links:1")
    functions = draw(MAKEFILE_313, replica=0, placebo="functions:1")

    assert (set(padding.padding), padding.rules, padding.script) == ({"Python/ceval.c"}, (), "")
    assert 0 < padding.padding["Python/ceval.c"] <= 4096
    assert (links.padding, links.script) == ({}, "")
    assert orders(links)
    assert functions.padding == {}
    assert not orders(functions)
    assert "-ffunction-sections" in "".join(functions.rules)


def test_a_placebo_comes_on_top_of_its_replica() -> None:
    plain = draw(MAKEFILE_313, replica=3)
    padded = draw(MAKEFILE_313, replica=3, placebo="padding:1")
    links = draw(MAKEFILE_313, replica=3, placebo="links:1")
    functions = draw(MAKEFILE_313, replica=3, placebo="functions:1")

    assert padded.rules == plain.rules == functions.rules[: len(plain.rules)]
    assert links.padding == functions.padding == plain.padding
    assert orders(links) != orders(plain)
    more = padded.padding["Python/ceval.c"] - plain.padding["Python/ceval.c"]
    assert padded.padding == {**plain.padding, "Python/ceval.c": padded.padding["Python/ceval.c"]}
    assert 0 < more <= 4096


def test_the_order_of_functions_leaves_none_out_and_keeps_cold_code_apart() -> None:
    script = draw(MAKEFILE_313, replica=0, placebo="functions:1").script
    patterns = [one for line in re.findall(r"\*\((.*)\)", script) for one in line.split()]

    assert script.count("{") == script.count("}")
    assert patterns.index(".text.unlikely.*") < patterns.index(
        next(one for one in patterns if one.startswith(".text.hot."))
    )
    plain = [one for one in patterns if one.startswith(".text.*[")]
    for letter in "aZ9_":
        # For each last letter two patterns, which share out all letters before it.
        mine = [one for one in plain if one.endswith(f"]{letter}")]
        some, others = (re.findall(r"\[!?(\w+)\]", one)[0] for one in mine)
        assert some == others
        assert sum("[!" in one for one in mine) == 1
    assert plain != sorted(plain)


def test_a_makefile_that_does_not_tell() -> None:
    with pytest.raises(BuildError, match="No layout can be drawn") as caught:
        draw("all:\n\techo\n", replica=1)
    assert caught.value.hint


@pytest.mark.parametrize("number", [1, 2, 3, 4, 20])
def test_placebos_by_their_numbers(number: int) -> None:
    kind, own = parse(numbered(number))
    assert kind == PLACEBOS[(number - 1) % 3]
    assert own == number


@pytest.mark.parametrize(
    "text",
    ["", "padding", "padding:", "padding:0", "padding:x", "luck:1", "links:12345", "links:²"],
)
def test_what_is_no_placebo(text: str) -> None:
    with pytest.raises(ExperimentError, match="is not a placebo") as caught:
        parse(text)
    assert "padding, functions, links" in caught.value.hint


# -- what becomes of the tree --------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "Python").mkdir()
    (tmp_path / "Python" / "ceval.c").write_text('#include "Python.h"\n')
    (tmp_path / "Makefile").write_text(MAKEFILE_313)
    for path in (tmp_path / "Python" / "ceval.c", tmp_path / "Makefile"):
        os.utime(path, (1000, 2000))
    return tmp_path


def test_sources_keep_their_lines_and_times(tree: Path) -> None:
    path = tree / "Python" / "ceval.c"
    apply(draw(MAKEFILE_313, replica=0, placebo="padding:1"), tree)

    assembly, line, rest = path.read_text().split("\n", 2)
    assert re.fullmatch(r'__asm__\(".*\.skip \d+, 0xcc.*"\);', assembly)
    assert (line, rest) == ("#line 1", '#include "Python.h"\n')
    assert path.stat().st_mtime == 2000
    assert not (tree / "Python" / "errors.c").exists()  # an object without a C file


def test_the_makefile_says_no_more_to_sysconfig(tree: Path) -> None:
    parse_makefile: Callable[[str], dict[str, object]] = sysconfig._parse_makefile  # type: ignore[attr-defined]
    makefile = tree / "Makefile"
    before = parse_makefile(str(makefile))
    for placebo in ("links:1", "functions:2", "padding:3"):
        apply(draw(MAKEFILE_313, replica=1, placebo=placebo), tree)

    assert "private LINK_PYTHON_OBJS = " in makefile.read_text()
    assert "-ffunction-sections" in makefile.read_text()
    assert parse_makefile(str(makefile)) == before
    assert makefile.stat().st_mtime == 2000
    assert (tree / layout.SCRIPT).read_text().endswith("INSERT BEFORE .text;\n")


def test_what_was_drawn_can_be_read() -> None:
    told = draw(MAKEFILE_313, replica=1, placebo="functions:1").as_text()
    assert re.search(r"\d+ bytes before Python/ceval\.c", told)
    assert "$(BUILDPYTHON): private LINK_PYTHON_OBJS = " in told
    assert ".text.drawn" in told
