"""Run the studies, measured or simulated, and write validation.json and validation.md.

Each study replaces its own part of the two files and leaves the others unchanged.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from bench.context import Context, own_folder
from bench.jobs.study.real import RealStudyRequest, measure
from bench.util import documents
from bench.validation import PARTS, Part, broken_promises, page, recorded, recordings, simulated
from builder.errors import DataError
from builder.files import guard_writes, write_atomically

SCHEMA = 1
FILE, PAGE = "validation.json", "validation.md"
# In docs/ of the project: it contains the summary between two marks.
METHOD = "method.md"
RECORDINGS = "bench/data/recordings"
COMPARISONS, FEW_COMPARISONS = 20_000, 200
_SMALL_WORDS = ("richards", "json_dumps")


@dataclass(frozen=True, kw_only=True)
class StudyRequest:
    """The options of all studies. `out` is the folder of the two files.

    None stands for docs/ of the checkout, or for results/study-small if `small`: a small study is
    too imprecise to be published.
    """

    out: Path | None = None
    small: bool = False
    seed: int = 1

    def folder(self, context: Context) -> Path:
        """The folder of the two files. Raises UsageError outside a checkout without `out`."""
        if self.out is not None:
            return self.out
        return Path("results/study-small") if self.small else own_folder(context.project, "docs")


def of_recorded(context: Context, request: StudyRequest, *, data: Path | None) -> int:
    """Split recorded results of one binary: those of patchbench, and the files in `data`."""
    request.folder(context)  # raises before the work, not after it
    places = [context.project / RECORDINGS, *([] if data is None else [data])]
    sets = [{_name(path): recordings.read(path) for path in recordings.files(p)} for p in places]
    count = FEW_COMPARISONS if request.small else COMPARISONS
    splits = sum(len(files) * recorded.splits_needed(files, count) for files in sets)
    with context.show.bar("splitting", splits) as bar:
        parts = [
            recorded.study(files, comparisons=count, seed=request.seed, step=bar.advance)
            for files in sets
        ]
    return _keep(context, request, recorded.together(parts))


def of_simulated(context: Context, request: StudyRequest) -> int:
    """Simulate sessions."""
    request.folder(context)
    sizes = simulated.SMALL if request.small else simulated.Sizes()
    with context.show.bar("simulating", sizes.total) as bar:
        part = simulated.study(sizes, seed=request.seed, step=bar.advance)
    return _keep(context, request, part)


def of_real(context: Context, request: StudyRequest, real: RealStudyRequest) -> int:
    """Measure a binary against itself."""
    request.folder(context)
    if request.small:
        # The smallest study that runs every step.
        words = real.words or _SMALL_WORDS
        pairs, comparisons = min(real.pairs, 1), min(real.comparisons, 6)
        real = replace(real, pairs=pairs, comparisons=comparisons, blocks=5, words=words)
    return _keep(context, request, measure(context, real))


def write_page(context: Context, request: StudyRequest) -> int:
    """Write validation.md again from validation.json."""
    return _write(context, request, _parts(request.folder(context) / FILE))


def _keep(context: Context, request: StudyRequest, part: Part) -> int:
    parts = _parts(request.folder(context) / FILE)
    parts[part.name] = part
    return _write(context, request, parts)


def _write(context: Context, request: StudyRequest, parts: dict[str, Part]) -> int:
    folder = request.folder(context)
    ordered = [parts[name] for name in PARTS if name in parts]
    data = {"schema": SCHEMA, "parts": documents.dump(ordered)}
    with guard_writes(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / FILE, json.dumps(data, indent=1) + "\n")
        write_atomically(folder / PAGE, page.render(ordered))
        if folder == context.project / "docs":
            _refresh_summary(folder / METHOD, page.summary(ordered))
    for finding in broken_promises(ordered):
        context.show.say(f"target missed: {finding.condition}: {page.with_target(finding)}")
    context.show.say(f"Written: {folder / PAGE}")
    return 0


def _refresh_summary(path: Path, table: str) -> None:
    """Replace the table between the marks of the page."""
    if path.exists():
        text = path.read_text(encoding="utf-8")
        fresh = page.put_into(text, table)
        if fresh != text:
            write_atomically(path, fresh)


def _parts(path: Path) -> dict[str, Part]:
    if not path.exists():
        return {}
    what = "The findings of earlier studies"
    hint = "Remove the file, and run each study again; or name another folder with --out."
    data = documents.read_json(path, what=what, hint=hint)
    if data.get("schema") != SCHEMA:
        where = f"{path}: its schema is {data.get('schema')!r}"
        raise DataError(f"{what} cannot be read.", where=where, hint=hint)
    parts = documents.typed(
        tuple[Part, ...], data.get("parts"), where=str(path), what=what, hint=hint
    )
    return {part.name: part for part in parts}


def _name(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".json")
