"""Reading a TOML document key by key: typed values out, complaints that name file, line and key.

Own code, since tomllib gives no line of a key, and msgspec's messages name neither file nor line
nor the key that was meant.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from builder.errors import ExperimentError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h)")
_HEADER = re.compile(r"\s*(\[\[?)([\w\s.\"'-]+)\]")
_KEY = re.compile(r"\s*([\w\s.\"'-]+?)\s*=")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
NAME = "letters, digits and . _ + -, at most 64"
DURATION = 'a time such as "90s", "10m", "1h"; a week at most'
"""What a name and a time are to be, for messages."""
# What is longer was not meant; poll(2) takes no more than three weeks.
_LONGEST = 7 * 24 * 3600.0


def seconds_of(text: str) -> float:
    """Seconds of "90s", "10m" or "1.5h", at most a week. Raises ValueError."""
    match = _DURATION.fullmatch(text.strip())
    seconds = float(match.group(1)) * _UNITS[match.group(2)] if match else 0.0
    if not is_duration(seconds):
        raise ValueError(text)
    return seconds


def is_duration(seconds: float) -> bool:
    """Whether a time to wait or to measure is one that can be meant: a week at most."""
    return 0 < seconds <= _LONGEST


def is_name(text: str) -> bool:
    """Whether a text can be part of a path and of a table."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Reads the tables of one document. `key` is a table's own full name, "" for the document."""

    file: str
    text: str
    folder: Path

    def known(self, table: Mapping[str, Any], key: str, names: tuple[str, ...]) -> None:
        """Refuse a table that has any other key than `names`, with the nearest of them."""
        for name in table:
            if name not in names:
                near = difflib.get_close_matches(name, names, 1)
                meant = f"{near[0]} (did you mean that?), or one of: " if near else "one of: "
                full = f"{key}.{name}" if key else name
                self.fail(full, "is not a key patchbench knows", meant + ", ".join(names))

    def string(self, table: Mapping[str, Any], key: str, name: str, default: str) -> str:
        """One line of text."""
        value = table.get(name, default)
        if not isinstance(value, str) or "\0" in value or "\n" in value:
            self.fail(_join(key, name), f"is {kind_of(value)}", "one line of text")
        return str(value)

    def strings(self, table: Mapping[str, Any], key: str, name: str) -> tuple[str, ...]:
        """A string or a list of strings; empty where the key is not there."""
        value = table.get(name, [])
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(v, str) and v for v in values):
            self.fail(_join(key, name), f"is {kind_of(value)}", "a string or a list of strings")
        return tuple(values)

    def boolean(self, table: Mapping[str, Any], key: str, name: str, default: bool) -> bool:
        """True or false."""
        value = table.get(name, default)
        if not isinstance(value, bool):
            self.fail(_join(key, name), f"is {kind_of(value)}", "true or false")
        return bool(value)

    def number(
        self,
        table: Mapping[str, Any],
        key: str,
        name: str,
        default: float,
        *,
        low: float,
        high: float,
    ) -> float:
        """A number from `low` to `high`."""
        value = table.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail(_join(key, name), f"is {kind_of(value)}", f"a number from {low} to {high}")
        if not low <= value <= high:
            self.fail(_join(key, name), f"is {_short(value)}", f"a number from {low} to {high}")
        return float(value)

    def integer(
        self,
        table: Mapping[str, Any],
        key: str,
        name: str,
        default: int,
        *,
        low: int,
        high: int,
    ) -> int:
        """A whole number from `low` to `high`."""
        value = table.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            self.fail(_join(key, name), f"is {kind_of(value)}", f"a whole number, {low} to {high}")
        if not low <= value <= high:
            self.fail(_join(key, name), f"is {_short(value)}", f"a whole number, {low} to {high}")
        return int(value)

    def duration(self, table: Mapping[str, Any], key: str, name: str) -> float | None:
        """Seconds of a time such as "10m"; None where the key is not there."""
        if name not in table:
            return None
        try:
            return seconds_of(table[name])
        except (ValueError, AttributeError):
            self.fail(_join(key, name), f"is {_short(table[name])}", DURATION)

    def choice(
        self, table: Mapping[str, Any], key: str, name: str, allowed: tuple[str, ...], default: str
    ) -> str:
        """One of `allowed`."""
        value = table.get(name, default)
        if value not in allowed:
            self.fail(_join(key, name), f"is {_short(value)}", f"one of: {', '.join(allowed)}")
        return str(value)

    def name(self, table: Mapping[str, Any], key: str, default: str) -> str:
        """A name that can be part of a path and of a table."""
        value = self.string(table, key, "name", default)
        if not is_name(value):
            self.fail(_join(key, "name"), f"is {value!r}", NAME)
        return value

    def fail(self, key: str, problem: str, right: str) -> NoReturn:
        """Raise ExperimentError: where the key stands, what is wrong, what would be right."""
        raise ExperimentError(
            f"{key} {problem}.",
            where=f"{self.file}{self._line(key)}",
            hint=f"Right would be: {right}.",
        )

    def _line(self, key: str) -> str:
        """The line that gives the key, else the nearest table around it; "" where none does."""
        best, line = 0, ""
        for number, place in _places(self.text):
            is_around = key.startswith((f"{place}.", f"{place}["))
            is_it = f"{place}.".startswith((f"{key}.", f"{key}["))
            shared = min(len(place), len(key))
            if (is_it or is_around) and shared > best:
                best, line = shared, f", line {number}"
        return line


def _places(text: str) -> Iterator[tuple[int, str]]:
    """The lines that begin a table or give a key, each with the full name: candidate[2].flavor."""
    table = ""
    tables: Counter[str] = Counter()
    for number, line in enumerate(text.splitlines(), 1):
        if match := _HEADER.match(line):
            name = re.sub(r"[\s\"']", "", match.group(2))
            first, dot, rest = name.partition(".")
            tables[name] += match.group(1) == "[["
            table = f"{first}[{tables[first]}]{dot}{rest}" if tables[first] else name
            yield number, table
        elif match := _KEY.match(line):
            yield number, _join(table, re.sub(r"[\s\"']", "", match.group(1)))


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def kind_of(value: Any) -> str:
    """What a value is, in words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    names = {int: "a number", float: "a number", str: "text", list: "a list", dict: "a table"}
    kind = names.get(type(value), type(value).__name__)
    return f"{kind} ({_short(value)})" if isinstance(value, int | float | str) else kind


def _short(value: Any) -> str:
    """A value of a file in a message; Python refuses to print integers of thousands of digits."""
    if isinstance(value, int) and value.bit_length() > 200:
        return "a number far too large"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."


def as_name(text: str) -> str:
    """A name for an arm or an experiment, made from that of a file, revision or flavor."""
    return re.sub(r"[^A-Za-z0-9._+-]", "-", text).strip("-._+")[:64] or "arm"
