"""Anonymize results: folders of this machine become names, its host name a hash. Pure.

Results and trials are anonymized before they are written, so that nothing has to be removed from
them later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# pyperf writes this key into the metadata of every run.
_HOST_KEY = "hostname"


def published(value: Any, places: Mapping[Path, str], host: str | None = None) -> Any:
    """Return a copy of JSON `value` in which each folder of `places` is replaced by its name.

    The longest folder is replaced first, so that a folder inside another gets its own name. Only
    whole parts of a path are replaced: /home/ann does not match in /home/anna. Any text may come
    before the folder (-I/home/ann). The root directory, which is the home folder in some
    containers, would match in every path and is not replaced. `host`, if given, replaces pyperf's
    hostname. Bytes that are not UTF-8 (file names may hold some) are escaped, so that the result
    can be encoded.
    """
    longest = sorted(places.items(), key=lambda item: -len(str(item[0])))
    patterns = tuple(
        (
            re.compile(re.escape(str(folder)) + r"(?![\w-])"),
            name.replace("\\", r"\\"),  # escaped: `sub` must not read it as a template
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
