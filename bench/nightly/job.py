"""The nightly job: measure every branch and flavor of a nightly file, then update the site and send
the mail.

What a night was to measure is settled when it begins, and every step is on disk before the next
one: a night that was killed goes on where it stood when it, or the next one, is started.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

from bench.context import Context
from bench.history import History
from bench.host import read_host
from bench.nightly import retention as keeping
from bench.nightly import status as showing
from bench.nightly.config import Branch, Nightly
from bench.nightly.line import LineJob
from bench.nightly.mail import compose_mail, deliver
from bench.nightly.report import BAD, NightReport, Revised
from bench.nightly.state import LineState, Nights, NightState, missing, report
from bench.run import Sources
from bench.site import build_site
from builder.errors import EXIT_VERDICT, PatchbenchError, SourceError, UsageError
from builder.files import guard_writes
from builder.git import Repository

# An unfinished night that is older is given up: it stays as it is.
_GOES_ON = 10


@dataclass(frozen=True, kw_only=True)
class NightRequest:
    """`day` None: today's night. `catch_up`: the missed ones before it as well. The caller's
    `environment` holds the password of the mail server, where the nightly file names a variable.
    """

    day: date | None = None
    catch_up: bool = False
    as_json: bool = False
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


def nightly(context: Context, config: Nightly, request: NightRequest) -> int:
    """Run the night, and before it what is unfinished; the exit code of `exit_code`.

    Raises BusyError while another night of this file is at work, and errors of the family for what
    stops all of it.
    """
    context.home.prepare()
    nights = Nights(config.folder)
    with guard_writes(config.folder):
        config.folder.mkdir(parents=True, exist_ok=True)
    today = request.day or datetime.now().astimezone().date()
    with nights.alone(), History.open(config.history) as history:
        done = []
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
            done.append(job.go())
        reports = [reported(config, nights, night) for night in done]
        showing.show(context, reports, as_json=request.as_json)
        # Last: whatever refuses to go has no part in what was measured.
        keeping.tidy(context, config, nights)
    return max((exit_code(night) for night in done), default=0)


def exit_code(night: NightState) -> int:
    """What failed first; else whether a slowdown was confirmed; else whether all was published."""
    failed = [task.code for task in night.tasks if task.code]
    bad = any(task.result is not None and task.result.outcome == BAD for task in night.tasks)
    return failed[0] if failed else EXIT_VERDICT if bad else night.code


def reported(config: Nightly, nights: Nights, night: NightState) -> NightReport:
    """What a night gave, for those who tell of it."""
    return report(
        night,
        name=config.name,
        host=read_host().name,
        site=config.address,
        margin=config.branches[0].conditions.session.margin,
        now=datetime.now(UTC),
        folder=nights.place(night.date),
    )


def _days(nights: Nights, today: date, *, catch_up: bool) -> list[date]:
    """The nights to run, in order: unfinished ones, those to catch up with, and today's."""
    known = nights.dates()
    if known and today < known[-1] and today not in known:
        raise UsageError(
            f"The night of {today} is over: {known[-1]} was measured since.",
            where=f"--date {today}",
            hint="Missed nights are measured by --catch-up, before a later one.",
        )
    unfinished = []
    for day in known[-_GOES_ON:]:
        night = nights.read(day) if day < today else None
        if night is not None and night.ended is None:
            unfinished.append(day)
    missed = missing(known, today) if catch_up else ()
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

    def go(self) -> NightState:
        """The night, measured and told; one that is over already is only told again."""
        night = self.nights.read(self.day)
        if night is None:
            night = self._begun()
        elif night.ended is None:
            self.context.show.say(f"The night of {self.day} goes on where it stood.")
        else:
            self.context.show.say(f"The night of {self.day} is over; this is what it gave.")
        for task in night.tasks:
            if task.result is None:
                night = self._with_line(night, task)
        return self._published(night)

    def _begun(self) -> NightState:
        """A new night, its heads settled. A branch without a head has failed already."""
        missed = missing(self.nights.dates(), self.day)
        if missed:
            told = f"{missed[0]} to {missed[-1]}" if len(missed) > 1 else str(missed[0])
            self.context.show.say(
                f"{len(missed)} missed since the last night ({told}); --catch-up measures them."
            )
        tasks: list[LineState] = []
        for branch in self.config.branches:
            own = [
                LineState(branch=branch.name, flavor=flavor.name) for flavor in self.config.flavors
            ]
            try:
                head = self._head(branch)
                tasks += [replace(task, head=head) for task in own]
            except PatchbenchError as error:
                tasks += [self._line().failed(task, error) for task in own]
        night = NightState(date=self.day, tasks=tuple(tasks), missed=missed)
        self.nights.write(night)
        return night

    def _head(self, branch: Branch) -> Revised:
        source = self.sources.provide(branch.source)
        found = source.resolve(branch.revision)
        if self.caught_up:
            found = source.resolve(self._then(source.history((found.commit,)), found.commit))
        self.context.show.say(f"{branch.name}: {found.version} ({found.commit[:12]})")
        return Revised(
            commit=found.commit, version=found.version, name=branch.revision, date=self.day
        )

    def _then(self, history: Repository | None, head: str) -> str:
        """The head as it was at the end of a day that was missed, in local time."""
        end = datetime.combine(self.day + timedelta(days=1), time()).astimezone()
        found = history.head_before(head, int(end.timestamp()) - 1) if history else None
        if found is None:
            raise SourceError(
                f"What the head was on {self.day} cannot be told.",
                hint="Only git has that history, and a shallow clone lacks it.",
            )
        return found

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
        lines = {(one.name, flavor.name): (one, flavor) for one, flavor in self.config.lines}
        known = lines.get((task.branch, task.flavor))
        if known is None:
            error = UsageError(
                f"{task.branch} {task.flavor} is no longer in the nightly file.",
                where=str(self.config.file),
            )
            done = self._line().failed(task, error)
        else:
            self.context.show.say(f"{self.day}: {task.branch} {task.flavor}")
            done = self._line().go(task, *known)
        night = night.with_task(done)
        self.nights.write(night)
        return night

    # -- telling ---------------------------------------------------------------------------------

    def _published(self, night: NightState) -> NightState:
        """The night after its site and mail; each is done once, and what fails is told."""
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
            told = tuple(dict.fromkeys((*night.told, error.what)))
            night = replace(night, told=told, code=error.exit_code)
        else:
            night = replace(night, **{name: True})  # type: ignore[arg-type]
        self.nights.write(night)
        return night

    def _report(self, night: NightState) -> NightReport:
        return reported(self.config, self.nights, night)


Step = Callable[[Context, Nightly, History, NightReport, datetime], None]


def site(
    context: Context, config: Nightly, history: History, _report: NightReport, now: datetime
) -> None:
    """Bring the site up to date, where one is wished for."""
    if config.site is None:
        return
    with context.show.bar("site", 1) as bar:
        done = build_site(
            history,
            config.site,
            now=now,
            cache=config.cache,
            on_progress=lambda at, of: bar.advance(left=of - at),
            say=context.show.say,
        )
    context.show.say(f"Site: {config.site / 'index.html'}; {done.made} of {done.pages} pages new")


def mail(
    environment: Mapping[str, str],
    context: Context,
    config: Nightly,
    _history: History,
    report: NightReport,
    _now: datetime,
) -> None:
    """Send the night's mail, where somebody wishes to have it."""
    if config.mail is not None:
        went = deliver(
            compose_mail(report),
            config.mail,
            runner=context.runner,
            environment=environment,
        )
        context.show.say(went)
