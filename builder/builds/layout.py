"""What a replica number or a placebo does to a build: the layout of its machine code, drawn.

Building the same tree twice gives the same bytes, so that a rebuild shows nothing of what layout
does to speed. Here it is drawn: from the number alone, by hashing it with the name of each object
file, so that base and candidate draw alike for all that they share, and a file that only one of
them has moves none of the others.

- *padding*: bytes that are never executed, at the top of C files (top-level assembly, which gcc
  keeps with LTO as well), move functions against cache lines, pages and branch predictors;
- *links*: the order in which the linker (or the archive it reads from) sees the object files;
- *functions*: each function in a section of its own, and an order of sections drawn for the linker.

A replica has padding in every C file of the interpreter and an order of links; a placebo has one of
the three, on top of its replica's. Under LTO gcc puts all top-level assembly before all functions:
padding moves the whole interpreter as one, and the order of links is what moves its functions.

Nothing that a program can observe changes: lines keep their numbers, and sysconfig, which reads
assignments at the beginning of a line, sees none of what is added to the Makefile.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from builder.errors import BuildError, ExperimentError

PLACEBOS = ("padding", "functions", "links")
"""The kinds of placebos."""

LOOP = "Python/ceval.c"
SCRIPT = "layout.ld"
_MOST_NUMBER = 9999
# What gcc aligns functions to: less than that moves nothing.
_PAD = 16
_PADS = 32  # below half a KiB: with every file padded, some percent of the interpreter's code
_PADS_OF_LOOP = 256  # up to a page
# Where gcc puts functions without and with a profile; gcc names the second with attributes too.
_PADDED = (".text", ".text.hot", ".text.unlikely")
_OBJECTS = "LIBRARY_OBJS"
# The targets that link the interpreter, or gather what it is linked from.
_LINKS = (
    "$(BUILDPYTHON)",
    "$(LIBRARY)",
    "libpython$(VERSION).so",
    "libpython$(LDVERSION).so",
)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Edits to a configured tree.

    `padding` maps C files to bytes, `rules` are lines for the end of the Makefile, and `script` is
    the content of SCRIPT for the linker, empty without one.
    """

    padding: Mapping[str, int] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    script: str = ""

    def described(self) -> str:
        """The layout as text, for the log of a build."""
        padding = [f"{size:6d} bytes before {path}" for path, size in self.padding.items()]
        return "\n".join([*padding, *self.rules, self.script]) + "\n"


def parse(placebo: str) -> tuple[str, int]:
    """The kind and number of a placebo such as "padding:3". Raises ExperimentError."""
    kind, _, number = placebo.partition(":")
    is_number = re.fullmatch(r"[1-9][0-9]{0,3}", number, re.ASCII) is not None
    if kind not in PLACEBOS or not is_number:
        raise ExperimentError(
            f"{placebo!r} is no placebo.",
            where="placebo",
            hint=f"A kind and a number from 1 to {_MOST_NUMBER}, for example padding:3; the kinds "
            f"are {', '.join(PLACEBOS)}.",
        )
    return kind, int(number)


def numbered(number: int) -> str:
    """The placebo of a number from 1 on, the kinds in rotation: padding:1, functions:2, links:3."""
    return f"{PLACEBOS[(number - 1) % len(PLACEBOS)]}:{number}"


def draw(makefile: str, *, replica: int, placebo: str = "") -> Layout:
    """The layout of a replica and placebo, for a tree whose configure wrote `makefile`. Pure.

    Raises BuildError where the Makefile does not tell what the interpreter is linked from.
    """
    kind = parse(placebo)[0] if placebo else ""
    if not replica and not kind:
        return Layout()
    lists = _lists(makefile)
    objects = _objects(lists, _OBJECTS)
    if f"{Path(LOOP).with_suffix('.o')}" not in objects:
        raise BuildError(
            "No layout can be drawn: the Makefile does not list the interpreter's object files.",
            where=f"{_OBJECTS} in Makefile",
            hint="Measure this revision without replicas and placebos.",
        )
    own = f"replica {replica}"
    rules: tuple[str, ...] = ()
    script = ""
    if replica or kind == "links":
        rules += _link_order(makefile, lists, f"{own} {placebo}" if kind == "links" else own)
    if kind == "functions":
        rules += _FUNCTION_SECTIONS
        script = _script(f"{own} {placebo}")
    padding = {_source(name): _PAD * _drawn(own, name, _PADS) for name in objects if replica}
    if kind == "padding":
        padding[LOOP] = padding.get(LOOP, 0) + _PAD * (1 + _drawn(placebo, LOOP, _PADS_OF_LOOP))
    return Layout(padding=padding, rules=rules, script=script)


def apply(layout: Layout, tree: Path) -> None:
    """Carry out a layout in a configured tree. Files keep their times, so that make sees no change.

    A C file that is not there is passed over: an object may come from assembly or a generator.
    """
    for name, size in layout.padding.items():
        if size and (tree / name).is_file():
            _prepend(tree / name, _assembly(size))
    if layout.script:
        (tree / SCRIPT).write_text(layout.script, encoding="utf-8")
    append_rules(tree, layout.rules)


def append_rules(tree: Path, rules: tuple[str, ...]) -> None:
    """Add lines to the end of a configured tree's Makefile, which keeps its time."""
    if rules:
        makefile = tree / "Makefile"
        _rewrite(makefile, makefile.read_bytes() + "\n".join(("", *rules, "")).encode())


def _prepend(path: Path, line: str) -> None:
    # Lines keep their numbers: some are in messages (PyErr_BadInternalCall).
    _rewrite(path, f"{line}\n#line 1\n".encode() + path.read_bytes())


def _rewrite(path: Path, content: bytes) -> None:
    times = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def _assembly(size: int) -> str:
    """Padding for each section that gcc puts functions into; a jump into it traps (0xcc)."""
    parts = "".join(
        f'.pushsection {name},\\"ax\\",%progbits\\n.skip {size}, 0xcc\\n.popsection\\n'
        for name in _PADDED
    )
    return f'__asm__("{parts}");'


def _drawn(seed: str, name: str, count: int) -> int:
    """A number below `count`, drawn from a seed for a name."""
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:8]) % count


def _source(name: str) -> str:
    return str(Path(name).with_suffix(".c"))


# -- object files --------------------------------------------------------------------------------

_VARIABLE = re.compile(r"^(\w+)[ \t]*:?=((?:.*\\\n)*.*)$", re.MULTILINE)
_REFERENCE = re.compile(r"\$\((\w+)\)")


def _lists(makefile: str) -> dict[str, list[str]]:
    """Every variable of a Makefile as a list of words."""
    return {
        match.group(1): match.group(2).replace("\\\n", " ").split()
        for match in _VARIABLE.finditer(makefile)
    }


def _objects(lists: Mapping[str, list[str]], name: str) -> list[str]:
    """The object files that a variable stands for; empty where it stands for anything else."""
    words = list(dict.fromkeys(_expanded(lists, name, ())))
    return words if all(word.endswith(".o") for word in words) else []


def _expanded(lists: Mapping[str, list[str]], name: str, inside: tuple[str, ...]) -> list[str]:
    """The words of a variable, those that it refers to put in their places."""

    def value(match: re.Match[str]) -> str:
        other = match.group(1)
        return "" if other in inside else " ".join(_expanded(lists, other, (*inside, name)))

    return [part for word in lists.get(name, []) for part in _REFERENCE.sub(value, word).split()]


def _link_order(makefile: str, lists: Mapping[str, list[str]], seed: str) -> tuple[str, ...]:
    """Values of the lists that the linking rules use, for these rules alone: in a drawn order.

    A rule that gathers an archive from several lists gets all of their objects dealt to them anew,
    to each as many as it had. `private` keeps the values from the rules of the objects.
    """
    rules: list[str] = []
    for target in _LINKS:
        recipe = re.search(rf"^{re.escape(target)}:.*\n((?:\t.*\n)*)", makefile, re.MULTILINE)
        names = dict.fromkeys(_REFERENCE.findall(recipe.group(1))) if recipe else {}
        used = {name: found for name in names if (found := _objects(lists, name))}
        every = {one for found in used.values() for one in found}
        order = sorted(every, key=lambda one: (_drawn(seed, one, 2**64), one))
        for name, found in used.items():
            rules.append(f"{target}: private {name} = {' '.join(order[: len(found)])}")
            del order[: len(found)]
    return tuple(rules)


# -- functions -----------------------------------------------------------------------------------

# CC in place of a list of flags: all rules of all branches compile with it, and none with the same
# flags. The second time it is LTO, which makes its functions at the link.
_FUNCTION_SECTIONS = (
    f"$({_OBJECTS}): private CC += -ffunction-sections",
    *(
        f"{target}: private {linker} += -ffunction-sections -Wl,-T,{SCRIPT}"
        for target, linker in (
            ("$(BUILDPYTHON)", "LINKCC"),
            ("libpython$(VERSION).so", "BLDSHARED"),
            ("libpython$(LDVERSION).so", "BLDSHARED"),
        )
    ),
)
_LETTERS = string.ascii_letters + string.digits + "_"


def _script(seed: str) -> str:
    """A linker script that adds to ld's own: sections of functions in a drawn order.

    ld takes patterns, and the first that fits: here what the last two letters of a name may be. As
    in ld's own script, cold code and code of the start stand apart, and so does what a profile
    calls hot (under LTO in `.text.sorted`), each with an order of its own.
    """
    chance = random.Random(seed)
    lines = ["*(.text.unlikely .text.unlikely.*)", "*(.text.exit .text.exit.*)"]
    lines += ["*(.text.startup .text.startup.*)"]
    for prefix in (".text.hot", ".text.sorted", ".text"):
        lines += [f"*({prefix}.{pattern})" for pattern in _patterns(chance)]
    body = "".join(f"    {line}\n" for line in lines)
    return f"SECTIONS\n{{\n  .text.drawn :\n  {{\n{body}  }}\n}}\nINSERT BEFORE .text;\n"


def _patterns(chance: random.Random) -> list[str]:
    found = []
    for last in _LETTERS:
        some = "".join(chance.sample(_LETTERS, len(_LETTERS) // 2))
        found += [f"*[{some}]{last}", f"*[!{some}]{last}"]
    chance.shuffle(found)
    return found
