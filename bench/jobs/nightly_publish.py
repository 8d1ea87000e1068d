"""The doors through which a night is told: the site and the mail."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from bench.history.store import History
from bench.jobs.context import Context
from bench.night import NightReport
from bench.nightly import Nightly
from builder.errors import UsageError

Step = Callable[[Context, Nightly, History, NightReport, datetime], None]


def check(config: Nightly) -> None:
    """Read the mail's settings before anything is measured. ExperimentError for what is wrong."""
    if config.mail is not None:
        _door("bench.delivery", "[mail]").read_mail(config.keys, config.mail)


def site(
    context: Context, config: Nightly, history: History, _report: NightReport, now: datetime
) -> None:
    """Write the site, where one is wished for."""
    if config.site is not None:
        context.show.say(f"Writing the site: {config.site}")
        _door("bench.site.build", "[site]").build(history, config.site, now=now)


def mail(
    _context: Context, config: Nightly, _history: History, report: NightReport, _now: datetime
) -> None:
    """Send the night's mail, where somebody wishes to have it."""
    if config.mail is not None:
        settings = _door("bench.delivery", "[mail]").read_mail(config.keys, config.mail)
        message = _door("bench.nightmail", "[mail]").compose(report)
        _door("bench.delivery", "[mail]").deliver(message, settings)


def _door(module: str, key: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"This patchbench has no {module}.", where=key, hint=f"Leave {key} out."
        ) from error
