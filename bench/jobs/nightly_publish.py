"""The doors through which a night is told: the site and the mail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bench.delivery import deliver
from bench.history.store import History
from bench.jobs.context import Context
from bench.night import NightReport
from bench.nightly import Nightly
from bench.nightmail import compose

Step = Callable[[Context, Nightly, History, NightReport, datetime], None]


def site(
    context: Context, config: Nightly, history: History, _report: NightReport, now: datetime
) -> None:
    """Bring the site up to date, where one is wished for."""
    from bench.site.build import build  # loads matplotlib, which takes a second

    if config.site is None:
        return
    with context.show.bar("site", 1) as bar:
        done = build(
            history,
            config.site,
            now=now,
            cache=config.cache,
            tell=lambda at, of: bar.advance(left=of - at),
            say=context.show.say,
        )
    context.show.say(f"Site: {config.site / 'index.html'}; {done.made} of {done.pages} pages new")


def mail(
    context: Context, config: Nightly, _history: History, report: NightReport, _now: datetime
) -> None:
    """Send the night's mail, where somebody wishes to have it."""
    if config.mail is not None:
        went = deliver(
            compose(report),
            config.mail,
            runner=context.runner,
            environment=context.environment,
        )
        context.show.say(went)
