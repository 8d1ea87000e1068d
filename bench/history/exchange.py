"""Import and export a history: the commands of `patchbench history`."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bench.context import Context
from bench.history import reading
from bench.history.exporting import read_json_lines, write_csv, write_json_lines
from bench.history.importing import files_below, read_pyperf
from bench.history.models import NightRow
from bench.history.store import History
from bench.util import print_json
from builder.errors import DataError, UsageError
from builder.files import guard_writes

JSON_LINES, CSV = "jsonl", "csv"
FORMATS = (JSON_LINES, CSV)
_WRITERS: dict[str, Callable[[Iterable[NightRow], IO[str]], int]] = {
    JSON_LINES: write_json_lines,
    CSV: write_csv,
}


@dataclass(frozen=True, kw_only=True)
class HistoryImport:
    """What to import: `places` are pyperf files, folders of them, and exported `.jsonl` files.

    `host`, `branch`, `flavor` and `day` override a pyperf file's name and metadata; "" and None do
    not.
    """

    where: str
    places: Sequence[Path]
    host: str = ""
    branch: str = ""
    flavor: str = ""
    day: datetime.date | None = None


@dataclass(frozen=True, kw_only=True)
class HistoryExport:
    """What to export: "" is every host, branch or flavor. `out` is None for stdout."""

    where: str
    format: str = JSON_LINES
    out: Path | None = None
    host: str = ""
    branch: str = ""
    flavor: str = ""

    def has(self, night: NightRow) -> bool:
        """Whether a night is to be exported."""
        filters = (
            (self.host, night.host),
            (self.branch, night.branch),
            (self.flavor, night.flavor),
        )
        return all(not required or required == value for required, value in filters)


def import_nights(context: Context, request: HistoryImport, *, as_json: bool) -> int:
    """Add nights to the history, which is created if there is none; stored nights do not change.

    DataError names the first file that cannot be read; the nights before it are stored.
    """
    files = [file for place in request.places for file in _files(place)]
    pyperf = [file for file in files if not _is_exported(file)]
    if request.day is not None and len(pyperf) != 1:
        raise UsageError(
            f"--date is of one pyperf file, and there are {len(pyperf)}.",
            hint="Name the one file, or leave --date out: a name or the metadata has the date.",
        )
    if not pyperf and (request.host or request.branch or request.flavor):
        raise UsageError(
            "--host, --branch and --flavor are of pyperf files, and there are none.",
            hint="Leave them out: an exported history has them.",
        )
    read = 0

    def nights() -> Iterator[NightRow]:
        nonlocal read
        for file in files:
            for night in _nights(file, request):
                read += 1
                yield night
            bar.advance(note=file.name)

    with (
        History.open(request.where) as history,
        context.show.bar("importing", len(files)) as bar,
    ):
        new = history.add_nights(nights())
        where = history.where
    context.show.say(f"{where}: {new} nights are new, {read - new} were there already")
    if as_json:
        print_json({"history": where, "files": len(files), "nights": read, "new": new})
    return 0


def _is_exported(file: Path) -> bool:
    return file.suffix == f".{JSON_LINES}"


def _files(place: Path) -> Iterator[Path]:
    if not place.exists():
        raise DataError(
            "There is no such file or folder.", where=str(place), hint="Name another to import."
        )
    if _is_exported(place):
        yield place
    else:
        yield from files_below(place)


def _nights(file: Path, request: HistoryImport) -> Iterator[NightRow]:
    if _is_exported(file):
        try:
            with file.open(encoding="utf-8") as lines:
                yield from read_json_lines(lines, str(file))
        except (OSError, UnicodeError) as error:
            raise DataError(
                f"The file cannot be read: {getattr(error, 'strerror', None) or error}.",
                where=str(file),
                hint="Give what `patchbench history export` wrote.",
            ) from error
        return
    moment = None
    if request.day is not None:
        moment = datetime.datetime.combine(request.day, datetime.time(), datetime.UTC)
    yield read_pyperf(
        file, host=request.host, branch=request.branch, flavor=request.flavor, when=moment
    )


def export_nights(context: Context, request: HistoryExport, *, as_json: bool) -> int:
    """Write the selected nights: a line for each night, or in CSV for each of its benchmarks.

    UsageError if there is no history: none is created here.
    """
    if "://" not in request.where and not Path(request.where).is_file():
        raise UsageError(
            "There is no history.",
            where=request.where,
            hint="Give its file, or postgresql://USER@HOST/DATABASE.",
        )
    if as_json and request.out is None:
        raise UsageError(
            "--json and the exported nights would both go to stdout.",
            hint="Name a file with --out, or leave --json out.",
        )
    with History.open(request.where) as history, history.connect() as connection:
        nights = (night for night in reading.everything(connection) if request.has(night))
        lines = _write(nights, request)
        where = history.where
    if request.out is not None:
        context.show.say(f"Written: {request.out}, {lines} lines")
    if as_json:
        print_json({"history": where, "file": str(request.out), "lines": lines})
    return 0


def _write(nights: Iterable[NightRow], request: HistoryExport) -> int:
    write = _WRITERS[request.format]
    if request.out is None:
        return write(nights, sys.stdout)
    temporary = request.out.with_name(f".{request.out.name}.half")
    with guard_writes(request.out.parent):
        try:
            with temporary.open("w", encoding="utf-8") as file:
                lines = write(nights, file)
            temporary.replace(request.out)
        finally:
            temporary.unlink(missing_ok=True)
    return lines
