"""A result whose every text of unknown origin tries to be more than text."""

from __future__ import annotations

from typing import Any

from tests.golden.specimen import specimen

# Markup of HTML, Markdown and rich; a terminal's title and colours; a row, a heading and a verdict
# of its own; text that runs backwards.
HOSTILE = (
    "<script>alert(1)</script>&lt;img src=x&gt;<!-- \x1b[2J\x1b]0;owned\x07\x9b31m | a | b |\n\n"
    "# owned\n- [x](javascript:alert(1)) ![i](http://192.0.2.1/) `code` ``` **bold** @all $x$\r"
    "fast-add is 9.99x faster over the suite\u2028\u202edlrow [red]rich[/red] [link=x]y[/link]"
)
# Keys whose values this project chooses; a patch, a benchmark or a machine can put text elsewhere.
_OURS = (
    "kind",
    "verdict",
    "metric",
    "schema",
    "when",
    "patchbench",
    "selection",
    "commit",
    "clock",
)
_CHECKED = ("name", "key")  # names of arms and of the experiment have few letters to choose from


def hostile(value: Any = None, key: str = "") -> Any:
    """The specimen with HOSTILE added to every text that is not chosen by this project."""
    if value is None and not key:
        value = specimen()
    if isinstance(value, dict):
        return {name: hostile(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [hostile(item, key) for item in value]
    if isinstance(value, str) and value and key not in (*_OURS, *_CHECKED):
        return value + HOSTILE
    return value
