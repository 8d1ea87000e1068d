"""Command lines that are not valid or cannot be executed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.faults import Place, table

ROWS, fault = table()

_PLAIN: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("no command", "", ("COMMAND",)),
    ("an unknown command", "rnu", ("rnu", "run", "compare")),
    ("an unknown option", "builds --frobnicate", ("--frobnicate",)),
    ("no experiment", "run", ("No experiment is specified", "--patch")),
    ("a series without a base", "run --series 3.13/slow", ("--base is missing", "--base 3.13")),
    ("a base alone", "run --base main", ("no candidate to compare the base with", "--patch")),
    ("a flavor alone", "run --base main --pgo", ("no candidate to compare the base with",)),
    ("a file and a base", "run x.toml --base main", ("--base cannot be combined with a FILE",)),
    ("budget nonsense", "run x.toml --budget soon", ("--budget", "'soon'", "10m")),
    ("a budget of nothing", "run x.toml --budget 0s", ("--budget", "'0s'")),
    ("a budget without a unit", "run x.toml --budget 600", ("--budget", "'600'", "10m")),
    ("a budget of years", "run x.toml --budget 99999h", ("--budget", "at most a week")),
    ("one block", "run x.toml --blocks 1", ("--blocks", "'1'", "from 2")),
    ("blocks in words", "run x.toml --blocks many", ("--blocks", "'many'")),
    ("a negative seed", "run x.toml --seed -1", ("--seed", "'-1'", "from 0")),
    ("an unknown protocol", "run x.toml --protocol telepathy", ("telepathy", "lockstep")),
    ("an unknown gate", "run x.toml --gate sometimes", ("sometimes", "core", "full", "none")),
    ("an unknown verdict", "run x.toml --fail-on sideways", ("sideways", "slower")),
    ("a margin too large", "compare a b --margin 7", ("--margin", "'7'", "0.5")),
    ("a margin that is no number", "compare a b --margin nan", ("--margin", "'nan'")),
    ("an unknown format", "report results --format pdf", ("--format", "'pdf'", "md")),
    ("a negative age", "gc --keep-days -1", ("--keep-days", "'-1'")),
    ("all and one", "gc --all --build 0123456789abcdef", ("not allowed with",)),
)
_UNSET = ("run --base", "run --patch", "run --suite", "run --out", "run --wheels", "builds --home")


def _arguments(line: str) -> Callable[[Place], Sequence[str]]:
    return lambda _at: line.split()


def _unset(line: str) -> Callable[[Place], Sequence[str]]:
    return lambda _at: [*line.split(), ""]


for _name, _line, _says in _PLAIN:
    _prepare = _arguments(_line)
    _prepare.__name__ = _name
    fault(2, *_says)(_prepare)
for _line in _UNSET:
    _prepare = _unset(_line)
    _prepare.__name__ = f"{_line.split()[-1]} of an unset variable"
    _says = "must contain at least one name" if "suite" in _line else "must not be empty"
    fault(2, _line.split()[-1], _says)(_prepare)


@fault(2, "spaces", "a folder", "--home")
def a_home_with_a_blank_in_its_path(at: Place) -> Sequence[str]:
    return ["--home", str(at.root / "a folder"), *at.patched(b"")]


@fault(2, "home folder cannot be determined", "~nobody-of-this-name", "without ~")
def a_home_of_nobody(at: Place) -> Sequence[str]:
    return ["--home", "~nobody-of-this-name/cache", "builds"]
