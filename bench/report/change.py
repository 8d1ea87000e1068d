"""What a result is of, in words: the title of its reports, and each arm's change.

Texts of the result are not escaped here: the formats escape them. Results of older versions have no
changes; their arms have names and titles only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.report.wording import main_candidates
from bench.results import (
    KINDS,
    ArmResult,
    ChangeRecord,
    ChangeStep,
    FileChange,
    LineCount,
    Result,
)

# The name of an experiment that was composed of options and has no name of its own.
_NAMELESS = "adhoc"
_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class ReportChange:
    """The change of an arm: its steps and files in words, and its patch up to a limit.

    `place` says where the whole patch is, or is empty; `left_out` counts the lines that are not in
    `patch`, `more_steps` and `more_files` what is not listed.
    """

    subject: str
    steps: tuple[str, ...]
    more_steps: int
    files: tuple[FileChange, ...]
    more_files: int
    patch: str
    left_out: int
    place: str


def report_change(change: ChangeRecord) -> ReportChange:
    """The change of an arm as a report shows it."""
    whole = f"The whole patch: {change.patch_file}" if change.patch_file else ""
    return ReportChange(
        subject=change.subject,
        steps=tuple(step_words(step) for step in change.steps),
        more_steps=more_steps(change, len(change.steps)),
        files=change.files,
        more_files=change.count.files - len(change.files),
        patch=change.patch,
        left_out=change.left_out,
        place=f"{whole} in the results folder." if whole else "",
    )


def title_of(result: Result) -> str:
    """The title of a report: the experiment's own name, else what the change is."""
    own = result.experiment.name
    return change_title(result) if own == _NAMELESS else own


def change_title(result: Result) -> str:
    """What was changed, and against which base."""
    first, *more = main_candidates(result)
    others = f" and {len(more)} more" if more else ""
    return f"{arm_subject(first)}{others} against {base_label(result.base)}"


def arm_subject(arm: ArmResult) -> str:
    """The subject of an arm's change with what identifies it; else the arm's title."""
    change = arm.change
    if change is None:
        return arm.title if arm.runtime else f"{arm.name} ({arm.title})"
    identity = short_name(change.name)
    return (
        f"{change.subject} ({identity})" if identity not in ("", change.subject) else change.subject
    )


def short_name(name: str) -> str:
    """A name of a change, a full hash abbreviated."""
    is_hash = len(name) == 40 and set(name) <= set("0123456789abcdef")
    return name[:10] if is_hash else name


def base_label(base: ArmResult) -> str:
    """The base in a title: its version, or what it runs on."""
    return base.title if base.runtime else base.revision.version


def base_words(base: ArmResult) -> str:
    """The base in a sentence: its commit, and how it was chosen."""
    if base.runtime:
        return base.title
    commit = base.revision.commit[:10]
    patched = f" with {', '.join(base.series)}" if base.series else ""
    words = base.revision.origin or base.revision.ref
    chosen = f", {words}" if words else ""
    return f"{base.revision.version} ({commit}){patched}{chosen}" if commit else base.title


def written_by(change: ChangeRecord) -> str:
    """Who wrote it and when, of a change of one step: "Ann, 2019-07-17"; else ""."""
    if len(change.steps) != 1 or change.commits > 1:
        return ""
    step = change.steps[0]
    return ", ".join(text for text in (step.author, step.date) if text)


def line_count(count: LineCount) -> str:
    """A count of lines: +227 -218 lines in 2 files."""
    files = f"{count.files} file{'s' if count.files != 1 else ''}"
    return f"+{count.added} -{count.removed} lines in {files}"


def by_kind(change: ChangeRecord) -> str:
    """The lines of each kind of file: objects +226 -218, docs +1 -0."""
    return ", ".join(
        f"{kind} +{count.added} -{count.removed}"
        for kind in KINDS
        if (count := change.kinds.get(kind)) is not None
    )


def step_words(step: ChangeStep) -> str:
    """A commit or patch in a list: fb26504d14 optimize pymalloc (Ann, 2019-07-17)."""
    who = ", ".join(text for text in (step.author, step.date) if text)
    name = short_name(step.name)
    head = f"{name}: {step.subject}" if step.subject not in ("", name) else name
    return f"{head} ({who})" if who else head


def more_steps(change: ChangeRecord, shown: int) -> int:
    """How many commits and patches follow after the first `shown` steps."""
    patches = sum(1 for step in change.steps if short_name(step.name) == step.name)
    return max(0, change.commits + patches - shown, len(change.steps) - shown)


def is_outside_loop(change: ChangeRecord) -> bool:
    """Whether files of known kinds differ, and none of the evaluation loop."""
    return bool(change.kinds) and "loop" not in change.kinds


def about(result: Result) -> Iterator[str]:
    """What it is: each candidate's change with its commits and files, and the base."""
    candidates = main_candidates(result)
    base = f"against {base_words(result.base)}"
    if len(candidates) == 1:
        (arm,) = candidates
        yield _sentence(arm)
        yield base
        yield from (*_lines(arm), *_steps(arm), *_unsure(arm))
        return
    yield base
    for arm in candidates:
        # The commits of each are listed where the arm has its own place.
        lines = [_sentence(arm), *_lines(arm), *_unsure(arm)]
        yield f"{arm.name}: {'; '.join(lines)}"


def _sentence(arm: ArmResult) -> str:
    change = arm.change
    if change is None:
        return arm.title
    more = (arm_subject(arm), written_by(change), arm.revision.ref if change.commits else "")
    return ", ".join(text for text in more if text)


def _lines(arm: ArmResult) -> Iterator[str]:
    if arm.change is not None and arm.change.count.files:
        yield f"{line_count(arm.change.count)}: {by_kind(arm.change)}"


def _steps(arm: ArmResult) -> Iterator[str]:
    """The newest commits and the patches of a change that has several."""
    change = arm.change
    if change is not None and (len(change.steps) > 1 or change.commits > 1):
        shown = [step_words(step) for step in change.steps[:_SHOWN]]
        left = more_steps(change, len(shown))
        yield "; ".join(shown) + (f"; and {left} more" if left else "")


def _unsure(arm: ArmResult) -> Iterator[str]:
    """What makes the change another than its commits say."""
    change = arm.change
    if change is not None and change.lacking:
        commits = "commit" if change.lacking == 1 else "commits"
        yield f"it lacks {change.lacking} {commits} of the base, which count as taken back"
    if change is not None and change.note:
        yield change.note
