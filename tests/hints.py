"""All texts of the sources that tell a user what to do, read from the sources themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("builder", "bench", "ext", "patchbench")
# What stands for a value that only a run knows.
VALUE = "\N{WHITE SQUARE}"
# Parameters by position that are hints: of the functions that raise an error for their caller.
_LAST = ("refuse", "fail", "_refuse", "_refuse_lost")


@dataclass(frozen=True, kw_only=True)
class Hint:
    """A text, and the place in the sources where it stands."""

    place: str
    text: str


def hints() -> tuple[Hint, ...]:
    """Every text that is a hint: `hint=`, names with `hint` in them, the last argument of the
    functions that refuse; and every other text with a command in backticks.
    """
    seen: dict[Hint, None] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "suite" not in path.parts:
                seen.update(dict.fromkeys(_of(path)))
    return tuple(seen)


def _of(path: Path) -> Iterator[Hint]:
    tree = ast.parse(path.read_text("utf-8"))
    name = str(path.relative_to(ROOT))
    parts = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts.update(map(id, node.values))
    for node in ast.walk(tree):
        for value in _hint_values(node):
            for text in _texts(value):
                yield Hint(place=f"{name}:{value.lineno}", text=text)
        if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in parts:
            for text in _texts(node):
                if "`" in text:
                    yield Hint(place=f"{name}:{node.lineno}", text=text)


def _hint_values(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.keyword) and node.arg == "hint":
        yield node.value
    elif isinstance(node, ast.Assign):
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        if any("hint" in name.lower() for name in names):
            yield node.value
    elif isinstance(node, ast.Call) and node.args:
        called = node.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        if name in _LAST:
            yield node.args[-1]


def _texts(node: ast.expr) -> Iterator[str]:
    """The texts that an expression may become; VALUE stands for what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(
            str(part.value) if isinstance(part, ast.Constant) else VALUE for part in node.values
        )
    elif isinstance(node, ast.IfExp):
        yield from (*_texts(node.body), *_texts(node.orelse))
    elif isinstance(node, ast.BinOp):
        yield from (*_texts(node.left), *_texts(node.right))
