"""The site of a history, written on request: the nightly job writes it after each night."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from bench.history.store import History
from bench.jobs.context import Context
from bench.jobs.inspect import print_json
from builder.errors import UsageError


def site(context: Context, where: str, folder: Path, *, as_json: bool) -> int:
    """Bring the site in a folder up to date with the history at `where`, and say what was done.

    UsageError where there is no history: none is made here. StoreError where the folder has
    something else in it, or cannot be written.
    """
    from bench.site.build import build  # loads matplotlib, which takes a second

    if "://" not in where and not Path(where).is_file():
        raise UsageError(
            "There is no history.", where=where, hint="Give the one that the nightly file names."
        )
    with History.open(where) as history, context.show.bar("Pages", 1) as bar:
        done = build(
            history,
            folder,
            now=datetime.now(UTC),
            tell=lambda at, of: bar.advance(left=of - at),
            say=context.show.say,
        )
    index = folder / "index.html"
    context.show.say(f"Site: {index}; of {done.pages} pages {done.made} were made now")
    if as_json:
        print_json({"index": str(index), **vars(done)})
    return 0
