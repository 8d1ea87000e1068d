"""Read typed values from a TOML document, with errors that name file, line and key.

This is our own code, since tomllib does not give the line of a key, and msgspec's messages contain
neither the file nor the line nor the key that was probably meant.
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
"""Descriptions of a valid name and a valid duration, for messages."""
# Longer times are mistakes; poll(2) accepts at most about three weeks.
_LONGEST = 7 * 24 * 3600.0


def seconds_of(text: str) -> float:
    """Convert "90s", "10m" or "1.5h" to seconds. Raises ValueError, also above a week."""
    match = _DURATION.fullmatch(text.strip())
    seconds = float(match.group(1)) * _UNITS[match.group(2)] if match else 0.0
    if not is_duration(seconds):
        raise ValueError(text)
    return seconds


def is_duration(seconds: float) -> bool:
    """Return whether `seconds` is a plausible time to wait or measure: above 0, at most a week."""
    return 0 < seconds <= _LONGEST


def is_name(text: str) -> bool:
    """Return whether a text can be used as a name, in a path and in a table."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Reads the tables of one document. `key` is the full name of a table, "" for the document."""

    file: str
    text: str
    folder: Path

    def reject_unknown(self, table: Mapping[str, Any], key: str, names: tuple[str, ...]) -> None:
        """Refuse a table with a key that is not among `names`; the message has the closest one."""
        for name in table:
            if name not in names:
                near = difflib.get_close_matches(name, names, 1)
                meant = f"{near[0]} (did you mean that?), or one of: " if near else "one of: "
                full = f"{key}.{name}" if key else name
                self.fail(full, "is not a key that patchbench knows", meant + ", ".join(names))

    def string(self, table: Mapping[str, Any], key: str, name: str, default: str) -> str:
        """Return one line of text."""
        value = table.get(name, default)
        if not isinstance(value, str) or "\0" in value or "\n" in value:
            self.fail(_join(key, name), f"is {kind_of(value)}", "one line of text")
        return str(value)

    def strings(self, table: Mapping[str, Any], key: str, name: str) -> tuple[str, ...]:
        """Return a string or list of strings as a tuple, empty if the key is missing."""
        value = table.get(name, [])
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(v, str) and v for v in values):
            self.fail(_join(key, name), f"is {kind_of(value)}", "a string or a list of strings")
        return tuple(values)

    def boolean(self, table: Mapping[str, Any], key: str, name: str, default: bool) -> bool:
        """Return true or false."""
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
        """Return a number from `low` to `high`."""
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
        """Return a whole number from `low` to `high`."""
        value = table.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            self.fail(_join(key, name), f"is {kind_of(value)}", f"a whole number, {low} to {high}")
        if not low <= value <= high:
            self.fail(_join(key, name), f"is {_short(value)}", f"a whole number, {low} to {high}")
        return int(value)

    def duration(self, table: Mapping[str, Any], key: str, name: str) -> float | None:
        """Return the seconds of a duration such as "10m", None if the key is missing."""
        if name not in table:
            return None
        try:
            return seconds_of(table[name])
        except (ValueError, AttributeError):
            self.fail(_join(key, name), f"is {_short(table[name])}", DURATION)

    def choice(
        self, table: Mapping[str, Any], key: str, name: str, allowed: tuple[str, ...], default: str
    ) -> str:
        """Return one of `allowed`."""
        value = table.get(name, default)
        if value not in allowed:
            self.fail(_join(key, name), f"is {_short(value)}", f"one of: {', '.join(allowed)}")
        return str(value)

    def name(self, table: Mapping[str, Any], key: str, default: str) -> str:
        """Return a name that can be used in a path and in a table."""
        value = self.string(table, key, "name", default)
        if not is_name(value):
            self.fail(_join(key, "name"), f"is {value!r}", NAME)
        return value

    def fail(self, key: str, problem: str, right: str) -> NoReturn:
        """Raise ExperimentError: the place of the key, what is wrong, and what would be right."""
        raise ExperimentError(
            f"{key} {problem}.",
            where=f"{self.file}{self._line(key)}",
            hint=f"Right would be: {right}.",
        )

    def _line(self, key: str) -> str:
        """Return ", line N" of the key, else of the nearest enclosing table, else ""."""
        best, line = 0, ""
        for number, place in _places(self.text):
            is_around = key.startswith((f"{place}.", f"{place}["))
            is_inside = f"{place}.".startswith((f"{key}.", f"{key}["))
            shared = min(len(place), len(key))
            if (is_inside or is_around) and shared > best:
                best, line = shared, f", line {number}"
        return line


def _places(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that begin a table or set a key, with its full name: candidate[2].flavor."""
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
    """Describe the kind of a value, for messages."""
    if isinstance(value, bool):
        return "true" if value else "false"
    names = {int: "a number", float: "a number", str: "text", list: "a list", dict: "a table"}
    kind = names.get(type(value), type(value).__name__)
    return f"{kind} ({_short(value)})" if isinstance(value, int | float | str) else kind


def _short(value: Any) -> str:
    """Format a value for a message; Python refuses to print integers of thousands of digits."""
    if isinstance(value, int) and value.bit_length() > 200:
        return "a number far too large"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."


def as_name(text: str) -> str:
    """Make a name for an arm or experiment from the name of a file, revision or flavor."""
    return re.sub(r"[^A-Za-z0-9._+-]", "-", text).strip("-._+")[:64] or "arm"
