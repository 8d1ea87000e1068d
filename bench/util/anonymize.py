"""What may leave this machine: its folders by name, its host by a hash. Pure.

Results and trials go through here before they are written, so that nothing has to be removed from
them later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# pyperf's own, in the metadata of every run.
_HOST_KEY = "hostname"


def published(value: Any, places: Mapping[Path, str], host: str | None = None) -> Any:
    """JSON as it may be published: in all its strings each folder of `places` becomes its name.

    The longest folder comes first, so that the one inside another has its own name. Whole parts of
    a path alone are replaced, /home/ann is not in /home/anna; what stands before may be anything
    (-I/home/ann). The root, somebody's home in a container, would be in any path and replaces
    nothing. `host`, where given, takes the place of pyperf's hostname. Bytes that are no UTF-8
    (names of files may hold some) are escaped: the result can be written.
    """
    longest = sorted(places.items(), key=lambda item: -len(str(item[0])))
    patterns = tuple(
        (
            re.compile(re.escape(str(folder)) + r"(?![\w-])"),
            name.replace("\\", r"\\"),  # no template, whatever it holds
        )
        for folder, name in longest
        if folder != Path(folder.anchor)
    )
    return _clean(value, patterns, host)


def _clean(value: Any, places: tuple[tuple[re.Pattern[str], str], ...], host: str | None) -> Any:
    if isinstance(value, dict):
        return {
            key: host if key == _HOST_KEY and host is not None else _clean(item, places, host)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_clean(item, places, host) for item in value]
    if isinstance(value, str):
        for folder, name in places:
            value = folder.sub(name, value)
        return value.encode("utf-8", "backslashreplace").decode()
    return value
