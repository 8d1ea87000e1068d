"""A good series.toml, and folders of series."""

from __future__ import annotations

from pathlib import Path

PATCH = b"Subject: [PATCH] Dispatch twice\n\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n"


GOOD = {
    "title": "Keep small sums off the heap",
    "why": "Half of an addition is allocation.",
    "applies_to": ">=3.13,<3.14",
    "upstream": "gh-12345",
    "status": "proposed",
    "effect": "2% on core",
    "mechanism": "fewer allocations",
}


def toml(**changes: str | None) -> str:
    """A good series.toml with some keys changed (raw TOML values) or left out (None)."""
    values: dict[str, str | None] = {key: f'"{text}"' for key, text in GOOD.items()}
    values.update(changes)
    return "".join(f"{key} = {value}\n" for key, value in values.items() if value is not None)


def write(root: Path, name: str = "3.13/ints", text: str | bytes = "", *patches: str) -> Path:
    """The folder of a series with this series.toml (a good one by default) and these patches."""
    folder = root / name
    folder.mkdir(parents=True)
    data = text.encode() if isinstance(text, str) else text
    (folder / "series.toml").write_bytes(data or toml().encode())
    for patch in patches or ("0001-x.patch",):
        (folder / patch).write_bytes(PATCH)
    return folder
