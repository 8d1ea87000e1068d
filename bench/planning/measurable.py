"""Which benchmarks a plan can measure, and the true reason where there are none.

Decided before anything is built: a build takes minutes to an hour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.benchmarks import Missing, Selection, Suite, suites
from bench.context import Context
from bench.experiments import Plan
from bench.planning.fitting import lacking
from builder.errors import MeasureError

# Of a plan that is built and not measured, for a Python that nothing can measure.
_NOTHING = Suite(name="none", release="none", version="", benchmarks=())


def chosen(
    context: Context, version: str, words: Sequence[str], *, measures: bool
) -> tuple[Suite, Selection]:
    """The suite for a version and what `words` select of it.

    Raises MeasureError if the version cannot be measured or fits none of the benchmarks. Without
    `measures` (the arms are only built) there are none then.
    """
    try:
        suite = suites.load(version, words, home=context.home)
        selection = suites.select(suite, words)
        if not selection.benchmarks:
            raise _none(suite, selection)
    except MeasureError:
        if measures:
            raise
        return _NOTHING, Selection(benchmarks=(), missing=())
    return suite, selection


def _none(suite: Suite, selection: Selection) -> MeasureError:
    return MeasureError(
        f"None of the chosen benchmarks of {suite.release} can be measured on Python "
        f"{suite.version}.",
        where="\n".join(missing_lines(selection.missing)),
        hint="Choose benchmarks that have no such reason, or another revision.",
    )


def missing_lines(missing: Iterable[Missing]) -> list[str]:
    """A line for each reason, with the benchmarks that it concerns."""
    by_reason: dict[str, list[str]] = {}
    for entry in missing:
        by_reason.setdefault(entry.reason, []).append(entry.benchmark)
    return [f"{', '.join(names)}: {reason}" for reason, names in by_reason.items()]


def check_variants(plan: Plan, selection: Selection) -> None:
    """Raise MeasureError, before anything is built, unless at least one benchmark has the variants
    of the base and of a watched arm; a calibration has the base alone.
    """
    watched = [arm for arm in plan.arms if arm.name in plan.watched] or [plan.base]
    problems = []
    for benchmark in selection.benchmarks:
        of_base = lacking(benchmark, plan.base.variant)
        reasons = [lacking(benchmark, arm.variant) for arm in watched]
        if not of_base and not all(reasons):
            return
        problems.append(f"{benchmark.name}: {of_base or '; '.join(dict.fromkeys(reasons))}")
    if not selection.benchmarks:
        return  # only built
    raise MeasureError(
        "No benchmark can be measured: none has the requested variants.",
        where="\n".join(problems),
        hint="Choose other benchmarks: kernels (--suite kernels) have cython and typed variants.",
    )
