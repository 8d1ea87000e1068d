"""Random layouts of machine code, drawn from the number of a replica or placebo.

Building the same tree twice gives the same bytes, so that a rebuild does not show how layout
affects speed. Here the layout is drawn by hashing the number with the name of each object file:
base and candidate get the same layout for all files that they share, and a file that only one of
them has moves no other file.

- *padding*: bytes that are never executed, at the top of C files (top-level assembly, which gcc
  keeps with LTO as well), shift functions relative to cache lines, pages and branch predictors;
- *links*: the order of the object files for the linker (or in the archive that it reads);
- *functions*: each function in its own section, and a random order of sections for the linker.

A replica has padding in every C file of the interpreter and a random link order; a placebo has one
of the three in addition to its replica's. With LTO gcc puts all top-level assembly before all
functions: padding then shifts the whole interpreter at once, and the link order moves functions.

Nothing that a program can observe changes: line numbers stay, and sysconfig, which reads
assignments at the beginning of a line, does not see what is added to the Makefile.
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
# gcc's alignment of functions, in bytes: less padding than that moves nothing.
_PAD = 16
_PADS = 32  # below half a KiB: with every file padded, some percent of the interpreter's code
_PADS_OF_LOOP = 256  # up to a page
# Sections of functions, without and with a profile; attributes also select the second and third.
_PADDED = (".text", ".text.hot", ".text.unlikely")
_OBJECTS = "LIBRARY_OBJS"
# The targets that link the interpreter, or collect its object files.
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

    def as_text(self) -> str:
        """The layout as text, for the log of a build."""
        padding = [f"{size:6d} bytes before {path}" for path, size in self.padding.items()]
        return "\n".join([*padding, *self.rules, self.script]) + "\n"


def parse(placebo: str) -> tuple[str, int]:
    """The kind and number of a placebo such as "padding:3". Raises ExperimentError."""
    kind, _, number = placebo.partition(":")
    is_number = re.fullmatch(r"[1-9][0-9]{0,3}", number, re.ASCII) is not None
    if kind not in PLACEBOS or not is_number:
        raise ExperimentError(
            f"{placebo!r} is not a placebo.",
            where="placebo",
            hint=f"Give a kind and a number from 1 to {_MOST_NUMBER}, for example padding:3; the "
            f"kinds are {', '.join(PLACEBOS)}.",
        )
    return kind, int(number)


def numbered(number: int) -> str:
    """The placebo for a number from 1, the kinds in rotation: padding:1, functions:2, links:3."""
    return f"{PLACEBOS[(number - 1) % len(PLACEBOS)]}:{number}"


def draw(makefile: str, *, replica: int, placebo: str = "") -> Layout:
    """The layout of a replica and placebo, for a tree whose configure wrote `makefile`. Pure.

    Raises BuildError if the Makefile does not list the object files of the interpreter.
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
    seed = f"replica {replica}"
    rules: tuple[str, ...] = ()
    script = ""
    if replica or kind == "links":
        rules += _link_order(makefile, lists, f"{seed} {placebo}" if kind == "links" else seed)
    if kind == "functions":
        rules += _FUNCTION_SECTIONS
        script = _script(f"{seed} {placebo}")
    padding = {_source(name): _PAD * _random(seed, name, _PADS) for name in objects if replica}
    if kind == "padding":
        padding[LOOP] = padding.get(LOOP, 0) + _PAD * (1 + _random(placebo, LOOP, _PADS_OF_LOOP))
    return Layout(padding=padding, rules=rules, script=script)


def apply(layout: Layout, tree: Path) -> None:
    """Apply a layout to a configured tree. Files keep their times, so that make sees no change.

    C files that do not exist are skipped: an object may come from assembly or a generator.
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
    # Line numbers must not change: some are in messages (PyErr_BadInternalCall).
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


def _random(seed: str, name: str, count: int) -> int:
    """A random number below `count`, determined by a seed and a name."""
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
    """The object files in a variable; empty if it contains anything else."""
    words = list(dict.fromkeys(_expanded(lists, name, ())))
    return words if all(word.endswith(".o") for word in words) else []


def _expanded(lists: Mapping[str, list[str]], name: str, inside: tuple[str, ...]) -> list[str]:
    """The words of a variable, with references to other variables expanded."""

    def value(match: re.Match[str]) -> str:
        other = match.group(1)
        return "" if other in inside else " ".join(_expanded(lists, other, (*inside, name)))

    return [part for word in lists.get(name, []) for part in _REFERENCE.sub(value, word).split()]


def _link_order(makefile: str, lists: Mapping[str, list[str]], seed: str) -> tuple[str, ...]:
    """Makefile lines that give the linking rules their lists of objects in a random order.

    If a rule uses several lists, their objects are distributed to them again at random, each list
    getting as many as before. `private` hides the values from the rules of the objects.
    """
    rules: list[str] = []
    for target in _LINKS:
        recipe = re.search(rf"^{re.escape(target)}:.*\n((?:\t.*\n)*)", makefile, re.MULTILINE)
        names = dict.fromkeys(_REFERENCE.findall(recipe.group(1))) if recipe else {}
        used = {name: objects for name in names if (objects := _objects(lists, name))}
        every = {path for objects in used.values() for path in objects}
        order = sorted(every, key=lambda path: (_random(seed, path, 2**64), path))
        for name, objects in used.items():
            rules.append(f"{target}: private {name} = {' '.join(order[: len(objects)])}")
            del order[: len(objects)]
    return tuple(rules)


# -- functions -----------------------------------------------------------------------------------

# CC is changed and not a list of flags: all branches compile with it, but with different lists of
# flags. The linkers need the flag for LTO, which generates functions when linking.
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
    """A linker script, in addition to ld's own, with sections of functions in a random order.

    ld uses the first pattern that matches: here, patterns for the last two letters of a name. As in
    ld's own script, cold code and start-up code are separate, and so is code that a profile marks
    as hot (with LTO in `.text.sorted`); each group has its own order.
    """
    generator = random.Random(seed)
    lines = ["*(.text.unlikely .text.unlikely.*)", "*(.text.exit .text.exit.*)"]
    lines += ["*(.text.startup .text.startup.*)"]
    for prefix in (".text.hot", ".text.sorted", ".text"):
        lines += [f"*({prefix}.{pattern})" for pattern in _patterns(generator)]
    body = "".join(f"    {line}\n" for line in lines)
    return f"SECTIONS\n{{\n  .text.drawn :\n  {{\n{body}  }}\n}}\nINSERT BEFORE .text;\n"


def _patterns(generator: random.Random) -> list[str]:
    patterns = []
    for last in _LETTERS:
        half = "".join(generator.sample(_LETTERS, len(_LETTERS) // 2))
        patterns += [f"*[{half}]{last}", f"*[!{half}]{last}"]
    generator.shuffle(patterns)
    return patterns
