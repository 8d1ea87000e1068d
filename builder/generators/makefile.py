"""A CPython tree's Makefile.pre.in: its targets, and the files that generating targets read."""

from __future__ import annotations

import re
from dataclasses import dataclass

_VARIABLE = re.compile(r"^(\w+)[ \t]*[:?]?=[ \t]*(.*)$")
_RULE = re.compile(r"^([^\s#=:][^=:]*?)[ \t]*::?(?!=)[ \t]*(.*)$")
_REFERENCE = re.compile(r"\$[({](\w+)[)}]")
_PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)+")
# What a target may need that only a finished build has.
_BUILT = re.compile(r"(?:^|\s)(?:all|build_all|\$\(BUILDPYTHON\))(?:\s|$)")
_INPUTS = (".py", ".gram", ".asdl", ".toml")
# Writes a file if it changed: part of nearly every rule, and it generates nothing.
_HELPERS = ("Tools/scripts/update_file.py", "Tools/build/update_file.py")


@dataclass(kw_only=True)
class _Rule:
    prerequisites: str = ""
    recipe: str = ""


class Makefile:
    """The rules of a Makefile.pre.in. Conditional parts are not evaluated."""

    def __init__(self, text: str) -> None:
        self._variables: dict[str, str] = {"srcdir": "."}
        self._rules: dict[str, _Rule] = {}
        current: list[_Rule] = []
        for line in text.replace("\\\n", " ").splitlines():
            if line.startswith("\t"):
                for rule in current:
                    rule.recipe += line + "\n"
            elif match := _VARIABLE.match(line):
                self._variables.setdefault(match.group(1), match.group(2))
                current = []
            elif match := _RULE.match(line):
                current = [self._add(name, match.group(2)) for name in match.group(1).split()]
            elif line.strip() and not line.startswith("#"):
                current = []
        self._named = {name for target in self._rules for name in self._paths(target)}

    def _add(self, name: str, prerequisites: str) -> _Rule:
        rule = self._rules.setdefault(name, _Rule())
        rule.prerequisites += f" {prerequisites}"
        return rule

    def _expanded(self, text: str, depth: int = 5) -> str:
        if not depth or "$" not in text:
            return text
        return self._expanded(
            _REFERENCE.sub(lambda match: self._variables.get(match.group(1), ""), text), depth - 1
        )

    def _paths(self, text: str) -> list[str]:
        return [word.removeprefix("./") for word in self._expanded(text).split()]

    def has(self, target: str) -> bool:
        """Whether there is a rule for a target or file."""
        return bool(target) and target in self._named

    def generating(self) -> tuple[str, ...]:
        """The targets named regen-*, without those that need a finished build."""
        return tuple(
            name
            for name, rule in self._rules.items()
            if name.startswith("regen-") and not _BUILT.search(rule.prerequisites)
        )

    def reads(self, target: str) -> set[str]:
        """The Python files and grammars that a target's rule names and does not write.

        The rest cannot be told apart from what it writes.
        """
        rule = self._rules[target]
        names = self._paths(f"{rule.prerequisites} {rule.recipe}")
        written = {name.removesuffix(".new") for name in names if name.endswith(".new")}
        read = {name for name in names if _PATH.fullmatch(name)}
        return {name for name in read - written if name.endswith(_INPUTS)} - set(_HELPERS)
