"""The nightly job: measure every branch and flavor of a nightly file, then update the site and send
the mail.

The heads to measure are resolved when a night begins, and every step is written to disk before the
next one. A night that was killed is continued when it, or the next night, is started.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

from bench.context import Context
from bench.history import History
from bench.host import read_host
from bench.nightly import retention, status
from bench.nightly.config import Branch, Nightly
from bench.nightly.line import LineJob
from bench.nightly.mail import compose_mail, deliver
from bench.nightly.report import BAD, NightReport, Revised
from bench.nightly.state import LineState, Nights, NightState, missing, report
from bench.planning import Sources, uncommitted_notices
from bench.site import build_site
from builder.errors import EXIT_VERDICT, PatchbenchError, SourceError, UsageError
from builder.files import guard_writes
from builder.git import Repository

# Of so many last nights, unfinished ones are continued; older ones stay unfinished.
_MAX_CONTINUED = 10


@dataclass(frozen=True, kw_only=True)
class NightRequest:
    """`day` None means today. `catch_up`: run the missed nights before it as well. The caller's
    `environment` has the password of the mail server if the nightly file names a variable.
    """

    day: date | None = None
    catch_up: bool = False
    as_json: bool = False
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


def nightly(context: Context, config: Nightly, request: NightRequest) -> int:
    """Run the night, after unfinished earlier nights; return the highest `exit_code` of them.

    Raises BusyError while another night of this file is running, and other PatchbenchErrors for
    what stops all lines.
    """
    context.home.prepare()
    nights = Nights(config.folder)
    with guard_writes(config.folder):
        config.folder.mkdir(parents=True, exist_ok=True)
    today = request.day or datetime.now().astimezone().date()
    with nights.lock(context.home.queue), History.open(config.history) as history:
        finished = []
        for day in _days(nights, today, catch_up=request.catch_up):
            job = _Night(
                context=context,
                config=config,
                nights=nights,
                history=history,
                sources=Sources(context),
                day=day,
                caught_up=day not in (today, *nights.dates()),
                environment=request.environment,
            )
            finished.append(job.run())
        reports = [night_report(config, nights, night) for night in finished]
        status.show(context, reports, as_json=request.as_json)
        # Last, so that an error in removing files cannot affect the measurements.
        retention.tidy(context, config, nights)
    return max((exit_code(night) for night in finished), default=0)


def exit_code(night: NightState) -> int:
    """The code of the first line that failed, else EXIT_VERDICT if a slowdown was confirmed, else
    that of the site or mail.
    """
    failed = [task.code for task in night.tasks if task.code]
    bad = any(task.result is not None and task.result.outcome == BAD for task in night.tasks)
    return failed[0] if failed else EXIT_VERDICT if bad else night.code


def night_report(config: Nightly, nights: Nights, night: NightState) -> NightReport:
    """The report of a night, with what the nightly file and this host add to it."""
    return report(
        night,
        name=config.name,
        host=read_host().name,
        site=config.address,
        margin=config.branches[0].conditions.session.margin,
        now=datetime.now(UTC),
        folder=nights.folder_of(night.date),
    )


def _days(nights: Nights, today: date, *, catch_up: bool) -> list[date]:
    """The dates of the nights to run, in order: unfinished ones, missed ones, and today's."""
    dates = nights.dates()
    if dates and today < dates[-1] and today not in dates:
        raise UsageError(
            f"The night of {today} cannot be measured: {dates[-1]} is measured already.",
            where=f"--date {today}",
            hint="--catch-up measures missed nights, before a later one is measured.",
        )
    unfinished = []
    for day in dates[-_MAX_CONTINUED:]:
        night = nights.read(day) if day < today else None
        if night is not None and night.ended is None:
            unfinished.append(day)
    missed = missing(dates, today) if catch_up else ()
    return sorted({*unfinished, *missed, today})


@dataclass(frozen=True, kw_only=True)
class _Night:
    context: Context
    config: Nightly
    nights: Nights
    history: History
    sources: Sources
    day: date
    caught_up: bool
    environment: Mapping[str, str] = field(repr=False)

    def run(self) -> NightState:
        """Measure the lines without a result, then update site and mail where that was not done."""
        night = self.nights.read(self.day)
        if night is None:
            night = self._new()
        elif night.ended is None:
            self.context.show.say(f"Continuing the night of {self.day}.")
        else:
            self.context.show.say(
                f"The night of {self.day} is complete: showing the stored result."
            )
        for task in night.tasks:
            if task.result is None:
                night = self._with_line(night, task)
        return self._published(night)

    def _new(self) -> NightState:
        """Create the night and resolve the heads; lines of a branch without a head fail here."""
        missed = missing(self.nights.dates(), self.day)
        if missed:
            days = f"{missed[0]} to {missed[-1]}" if len(missed) > 1 else str(missed[0])
            self.context.show.say(
                f"Nights missed since the last one: {len(missed)} ({days}). "
                "--catch-up measures them."
            )
        tasks: list[LineState] = []
        for branch in self.config.branches:
            lines = [
                LineState(branch=branch.name, flavor=flavor.name) for flavor in self.config.flavors
            ]
            try:
                head = self._head(branch)
                tasks += [replace(task, head=head) for task in lines]
            except PatchbenchError as error:
                tasks += [self._line().failed(task, error) for task in lines]
        for source in self.sources.known:
            for line in uncommitted_notices(source).values():
                self.context.show.say(line)
        night = NightState(date=self.day, tasks=tuple(tasks), missed=missed)
        self.nights.write(night)
        return night

    def _head(self, branch: Branch) -> Revised:
        source = self.sources.provide(branch.source)
        head = source.head(branch.revision)
        if self.caught_up:
            head = source.resolve(self._past_head(source.history((head.commit,)), head.commit))
        self.context.show.say(f"{branch.name}: {head.version} ({head.commit[:12]})")
        return Revised(
            commit=head.commit, version=head.version, name=branch.revision, date=self.day
        )

    def _past_head(self, history: Repository | None, head: str) -> str:
        """The commit that was the head at the end of a missed day, in local time."""
        end = datetime.combine(self.day + timedelta(days=1), time()).astimezone()
        commit = history.head_before(head, int(end.timestamp()) - 1) if history else None
        if commit is None:
            raise SourceError(
                f"The head of {self.day} is not known.",
                hint="That needs a git source with full history; a shallow clone lacks it.",
            )
        return commit

    def _line(self) -> LineJob:
        return LineJob(
            context=self.context,
            config=self.config,
            nights=self.nights,
            history=self.history,
            sources=self.sources,
            day=self.day,
        )

    def _with_line(self, night: NightState, task: LineState) -> NightState:
        lines = {(line[0].name, line[1].name): line for line in self.config.lines}
        line = lines.get((task.branch, task.flavor))
        if line is None:
            error = UsageError(
                f"{task.branch} {task.flavor} is no longer in the nightly file.",
                where=str(self.config.file),
            )
            measured = self._line().failed(task, error)
        else:
            self.context.show.say(f"{self.day}: {task.branch} {task.flavor}")
            measured = self._line().run(task, *line)
        night = night.with_task(measured)
        self.nights.write(night)
        return night

    # -- publishing ------------------------------------------------------------------------------

    def _published(self, night: NightState) -> NightState:
        """Update the site and send the mail, each once per night; record the errors of both."""
        now = datetime.now(UTC)
        if not (night.site and night.mailed):
            night = replace(night, told=(), code=0)
        if not night.site:
            night = self._step(night, "site", site, now)
        if not night.mailed:
            night = self._step(night, "mailed", partial(mail, self.environment), now)
        if night.ended is None:
            night = replace(night, ended=now)
            self.nights.write(night)
        return night

    def _step(self, night: NightState, name: str, step: Step, now: datetime) -> NightState:
        try:
            step(self.context, self.config, self.history, self._report(night), now)
        except PatchbenchError as error:
            self.context.show.say(str(error))
            messages = tuple(dict.fromkeys((*night.told, error.what)))
            night = replace(night, told=messages, code=error.exit_code)
        else:
            night = replace(night, **{name: True})  # type: ignore[arg-type]
        self.nights.write(night)
        return night

    def _report(self, night: NightState) -> NightReport:
        return night_report(self.config, self.nights, night)


Step = Callable[[Context, Nightly, History, NightReport, datetime], None]


def site(
    context: Context, config: Nightly, history: History, _report: NightReport, now: datetime
) -> None:
    """Update the site, if the nightly file has one."""
    if config.site is None:
        return
    with context.show.bar("site", 1) as bar:
        built = build_site(
            history,
            config.site,
            queue=context.home.queue,
            now=now,
            cache=config.cache,
            on_progress=lambda at, of: bar.advance(left=of - at),
            say=context.show.say,
        )
    context.show.say(
        f"Site: {config.site / 'index.html'}; {built.made} of {built.pages} pages are new"
    )


def mail(
    environment: Mapping[str, str],
    context: Context,
    config: Nightly,
    _history: History,
    report: NightReport,
    _now: datetime,
) -> None:
    """Send the mail of the night, if the nightly file has [mail]."""
    if config.mail is not None:
        message = deliver(
            compose_mail(report),
            config.mail,
            runner=context.runner,
            environment=environment,
        )
        context.show.say(message)
