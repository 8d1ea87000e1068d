"""Write the whole site into a folder. Only pages whose content changed are rendered again.

The keys of the pages are kept in a file in the folder (PAGES), which also marks the folder as a
site. A build that was interrupted continues with the pages that it had not written.
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
from builder.files import guard_writes
from builder.locks import LockOrder, Queue

PAGES = ".pages.json"
LOCK = ".lock"
# Pages between two writes of PAGES: so many are rendered again after a build was killed.
_SAVE_EVERY = 500

OnProgress = Callable[[int, int], None]
"""Called with the number of pages processed so far and the number of all pages."""


@dataclass(frozen=True, kw_only=True)
class SiteBuild:
    """Numbers of pages of a build: all, those rendered anew (`made`), and those removed."""

    pages: int
    made: int
    removed: int


def build_site(
    store: History,
    folder: Path,
    *,
    queue: Queue,
    now: datetime,
    cache: Path | None = None,
    on_progress: OnProgress = lambda _done, _of: None,
    say: Callable[[str], None] = lambda _text: None,
) -> SiteBuild:
    """Bring the site in `folder` up to date with the history.

    `cache` is a folder that keeps what was read of the history for the next build; the default is
    beside `folder`. It may be deleted. Waits while another build writes to the same folder, with a
    message to `say`. Raises StoreError if the folders cannot be written, or if `folder` has files
    that are not of a site.
    """
    cache = folder.with_name(f".{folder.name}.cache") if cache is None else cache
    with guard_writes(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _read_keys(folder)  # refuses a folder with other files before the lock is made in it
        with queue.hold(
            folder / LOCK, order=LockOrder.FOLDER, doing="writes the same site", say=say
        ):
            with store.connect() as connection:
                site = gather(connection, cache=cache, now=now)
            return _write(folder, list(pages(site)), _read_keys(folder), on_progress)


def pages(site: Site) -> Iterator[Page]:
    """All pages that the site should have; the index last, since it links to all others."""
    for kind in (benchmark, commit, releases, hosts, overview):
        yield from kind.pages(site)


def _read_keys(folder: Path) -> dict[str, str]:
    """The keys of the pages in the folder. StoreError for a folder with files of no site."""
    file = folder / PAGES
    if not file.exists():
        if names := sorted(path.name for path in folder.iterdir() if path.name != LOCK):
            raise StoreError(
                "The folder for the site has other files in it.",
                where=str(folder / names[0]),
                hint="Name an empty or a new folder.",
            )
        _write_file(file, "{}")
        return {}
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        # Pages are removed by these names: none may lead out of the folder.
        return {str(path): str(key) for path, key in document.items() if ".." not in path}
    except (ValueError, AttributeError):
        return {}  # damaged: all pages are rendered again


def _write(
    folder: Path, site_pages: list[Page], before: Mapping[str, str], on_progress: OnProgress
) -> SiteBuild:
    keys, made = dict(before), 0
    for done, page in enumerate(site_pages, 1):
        path, name = folder / page.path, str(page.path)
        if keys.get(name) != page.key or not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_file(path, page.render())
            keys[name] = page.key
            made += 1
            if made % _SAVE_EVERY == 0:
                _write_file(folder / PAGES, json.dumps(keys))
        on_progress(done, len(site_pages))
    removed = keys.keys() - {str(page.path) for page in site_pages}
    for name in removed:
        (folder / name).unlink(missing_ok=True)
        del keys[name]
    _write_file(folder / PAGES, json.dumps(keys, indent=0, sort_keys=True))
    return SiteBuild(pages=len(site_pages), made=made, removed=len(removed))


def _write_file(path: Path, text: str) -> None:
    """Replace a file atomically; without fsync, since it can be made again."""
    temporary = path.with_name(f".{path.name}.half")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def write_site(context: Context, where: str, folder: Path, *, as_json: bool) -> int:
    """Bring the site in a folder up to date with the history at `where`, and print a summary.

    Raises UsageError if there is no history (none is created here); StoreError if the folder has
    other files in it or cannot be written.
    """
    if "://" not in where and not Path(where).is_file():
        raise UsageError(
            "There is no history.", where=where, hint="Name the history of the nightly file."
        )
    with History.open(where) as history, context.show.bar("Pages", 1) as bar:
        built = build_site(
            history,
            folder,
            queue=context.home.queue,
            now=datetime.now(UTC),
            on_progress=lambda done, of: bar.advance(left=of - done),
            say=context.show.say,
        )
    index = folder / "index.html"
    context.show.say(f"Site: {index}; {built.made} of {built.pages} pages were updated")
    if as_json:
        print_json({"index": str(index), **vars(built)})
    return 0
