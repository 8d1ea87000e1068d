"""The whole site, into a folder: every page that is not as it should be is made again, no other.

What a page was made of is kept in a file of the folder, which also tells the site from anything
else that lies about. A build that was stopped goes on with the pages that it had not made.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.context import Context
from bench.history import History
from bench.site import benchmark, commit, hosts, overview, releases
from bench.site.gather import gather
from bench.site.model import Page, Site
from bench.util import print_json
from builder.errors import StoreError, UsageError
from builder.files import guard_writes, hold_lock

PAGES = ".pages.json"
LOCK = ".lock"
# Between two writes of PAGES: what is lost when a build is killed.
_OFTEN = 500

Tell = Callable[[int, int], None]
"""Is told how many pages are done, and how many there are."""


@dataclass(frozen=True, kw_only=True)
class SiteBuild:
    """What a build did: how many pages there are, were made, and were removed."""

    pages: int
    made: int
    removed: int


def build_site(
    store: History,
    folder: Path,
    *,
    now: datetime,
    cache: Path | None = None,
    tell: Tell = lambda _done, _of: None,
    say: Callable[[str], None] = lambda _text: None,
) -> SiteBuild:
    """Bring the site in `folder` up to date with the history.

    `cache` is where what was read of the history is kept for the next time: beside the folder,
    where nothing else is said. It may be deleted. Another build of the same folder is waited for,
    which `say` is told. StoreError where they cannot be written, or the folder holds something that
    is no site.
    """
    cache = folder.with_name(f".{folder.name}.cache") if cache is None else cache
    with guard_writes(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _read(folder)  # which refuses a folder of something else, before a lock is put there
        waiting = f"Another build writes to {folder}; waiting for it."
        with hold_lock(folder / LOCK, on_wait=lambda _path: say(waiting)):
            with store.connect() as connection:
                site = gather(connection, cache=cache, now=now)
            return _write(folder, list(pages(site)), _read(folder), tell)


def pages(site: Site) -> Iterator[Page]:
    """All pages that the site should have, the first one last: it leads to all others."""
    for kind in (benchmark, commit, releases, hosts, overview):
        yield from kind.pages(site)


def _read(folder: Path) -> dict[str, str]:
    """The keys of the pages that are there."""
    file = folder / PAGES
    if not file.exists():
        if there := sorted(one.name for one in folder.iterdir() if one.name != LOCK):
            raise StoreError(
                "The folder for the site has something else in it.",
                where=str(folder / there[0]),
                hint="Name an empty or a new folder.",
            )
        _keep(file, "{}")
        return {}
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        # Pages are removed by these names: none may lead out of the folder.
        return {str(path): str(key) for path, key in document.items() if ".." not in path}
    except (ValueError, AttributeError):
        return {}  # damaged: all pages are made again


def _write(folder: Path, wanted: list[Page], before: Mapping[str, str], tell: Tell) -> SiteBuild:
    keys, made = dict(before), 0
    for done, page in enumerate(wanted, 1):
        path, name = folder / page.path, str(page.path)
        if keys.get(name) != page.key or not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            _keep(path, page.render())
            keys[name] = page.key
            made += 1
            if made % _OFTEN == 0:
                _keep(folder / PAGES, json.dumps(keys))
        tell(done, len(wanted))
    gone = keys.keys() - {str(page.path) for page in wanted}
    for name in gone:
        (folder / name).unlink(missing_ok=True)
        del keys[name]
    _keep(folder / PAGES, json.dumps(keys, indent=0, sort_keys=True))
    return SiteBuild(pages=len(wanted), made=made, removed=len(gone))


def _keep(path: Path, text: str) -> None:
    """All of a file or none of it; it can be made again, so that nobody waits for the disk."""
    half = path.with_name(f".{path.name}.half")
    half.write_text(text, encoding="utf-8")
    half.replace(path)


def write_site(context: Context, where: str, folder: Path, *, as_json: bool) -> int:
    """Bring the site in a folder up to date with the history at `where`, and say what was done.

    UsageError where there is no history: none is made here. StoreError where the folder has
    something else in it, or cannot be written.
    """
    if "://" not in where and not Path(where).is_file():
        raise UsageError(
            "There is no history.", where=where, hint="Give the one that the nightly file names."
        )
    with History.open(where) as history, context.show.bar("Pages", 1) as bar:
        done = build_site(
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
