"""A ticket: a file that says who holds a lock or waits for it.

    <lock>.<number>.<exclusive|shared>.<waiting|holding>

The file is itself locked by its owner as long as it counts. That tells dead from alive for every
user and across process namespaces, where a process number says nothing; and whoever waits for its
owner waits for that lock, without looking again and again, which would disturb a timing.

It is written under another name and renamed, so that no ticket is ever seen without its lock. Its
user is the owner of the file.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from builder.files import user_name

_NAME = re.compile(
    r"(?P<lock>[0-9a-f]+-[0-9a-f]+)\.(?P<number>[0-9]{1,30})"
    r"\.(?P<share>exclusive|shared)\.(?P<state>waiting|holding)"
)
_UNFINISHED = ".new-"
_MOST_BYTES = 4096
_LONGEST_COMMAND = 80


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """One place in the queue of a lock. Tickets with lower numbers are first.

    `doing` is what its owner does with the lock, a verb: "builds". `since` is when it began to wait
    or, if `holding`, when it got the lock. `start` is the process's start in ticks since the
    system's, `namespace` its process namespace: with both, `pid` means that process and no other.
    """

    lock: str
    number: int
    shared: bool
    holding: bool = False
    user: str = ""
    command: str = ""
    doing: str = ""
    since: float = 0.0
    pid: int = 0
    start: int = 0
    namespace: int = 0

    @property
    def name(self) -> str:
        """The name of its file."""
        share = "shared" if self.shared else "exclusive"
        state = "holding" if self.holding else "waiting"
        return f"{self.lock}.{self.number:08d}.{share}.{state}"

    def content(self) -> bytes:
        """What its file holds."""
        keys = ("command", "doing", "since", "pid", "start", "namespace")
        return json.dumps({key: getattr(self, key) for key in keys}).encode()


@dataclass(frozen=True, kw_only=True)
class OpenTicket:
    """The ticket of another owner, with the descriptor on which to wait for it."""

    ticket: Ticket
    descriptor: int

    def wait(self) -> None:
        """Wait until its owner gives it back, changes it or ends."""
        fcntl.flock(self.descriptor, fcntl.LOCK_SH)


def lock_name(descriptor: int) -> str:
    """The name of a lock in those of its tickets: the same for every path to its file."""
    state = os.fstat(descriptor)
    return f"{state.st_dev:x}-{state.st_ino:x}"


def own(lock: str, number: int, *, shared: bool, doing: str) -> Ticket:
    """A ticket of this process."""
    return Ticket(
        lock=lock,
        number=number,
        shared=shared,
        command=command_line(sys.argv),
        doing=doing,
        since=time.time(),
        pid=os.getpid(),
        start=start_of(os.getpid()),
        namespace=_namespace(),
    )


def publish(folder: int, ticket: Ticket) -> int:
    """Write a ticket; return the descriptor that keeps it alive. The caller locks the folder."""
    temporary = _UNFINISHED + ticket.name
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary, dir_fd=folder)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o644, dir_fd=folder)
    try:
        os.fchmod(descriptor, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(descriptor, ticket.content())
        os.rename(temporary, ticket.name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def withdraw(folder: int, ticket: Ticket, descriptor: int) -> None:
    """Remove a ticket of this process, and let those go on who wait for it."""
    with contextlib.suppress(OSError):  # the folder may be gone
        os.unlink(ticket.name, dir_fd=folder)
    os.close(descriptor)


def sweep(folder: int) -> None:
    """Remove the tickets of dead owners, as far as one may. The caller locks the folder."""
    for name in os.listdir(folder):
        if name.startswith(_UNFINISHED) or _NAME.fullmatch(name):
            with contextlib.suppress(OSError):
                descriptor = _open(folder, name)
                try:
                    if not _is_alive(descriptor):
                        os.unlink(name, dir_fd=folder)
                finally:
                    os.close(descriptor)


def last_number(folder: int, lock: str) -> int:
    """The highest number of a lock's tickets, 0 without any."""
    return max((parsed.number for parsed in _parsed(folder, lock)), default=0)


@contextlib.contextmanager
def living(folder: int, lock: str, below: int) -> Iterator[list[OpenTicket]]:
    """The tickets of a lock with a number below that one whose owners live, the first first."""
    with contextlib.ExitStack() as stack:
        tickets = []
        for parsed in sorted(_parsed(folder, lock), key=lambda one: (one.number, not one.holding)):
            if parsed.number >= below:
                continue
            try:
                descriptor = _open(folder, parsed.name)
            except OSError:  # given back meanwhile, or closed to others
                continue
            stack.callback(os.close, descriptor)
            if _is_alive(descriptor):
                tickets.append(OpenTicket(ticket=_read(parsed, descriptor), descriptor=descriptor))
        yield tickets


def _parsed(folder: int, lock: str) -> Iterator[Ticket]:
    for name in os.listdir(folder):
        match = _NAME.fullmatch(name)
        if match and match["lock"] == lock:
            yield Ticket(
                lock=lock,
                number=int(match["number"]),
                shared=match["share"] == "shared",
                holding=match["state"] == "holding",
            )


def _open(folder: int, name: str) -> int:
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    return os.open(name, flags, dir_fd=folder)


def _is_alive(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False


def _read(parsed: Ticket, descriptor: int) -> Ticket:
    """The ticket with what its file says; whatever another user wrote there must do no harm."""
    user = user_name(os.fstat(descriptor).st_uid)
    try:
        data = json.loads(os.read(descriptor, _MOST_BYTES))
        return replace(
            parsed,
            user=user,
            command=_one_line(str(data["command"])),
            doing=_one_line(str(data["doing"])),
            since=float(data["since"]),
            pid=int(data["pid"]),
            start=int(data["start"]),
            namespace=int(data["namespace"]),
        )
    except (OSError, ValueError, LookupError, TypeError, OverflowError, RecursionError):
        return replace(parsed, user=user)


def is_process(ticket: Ticket) -> bool:
    """Whether `pid` is, for this process, the number of the ticket's owner."""
    is_ours = 0 != ticket.namespace == _namespace()
    return is_ours and 0 != ticket.start == start_of(ticket.pid)


def start_of(pid: int) -> int:
    """When a process began, in ticks since the system's start; 0 without such a process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return int(text.rpartition(")")[2].split()[19])
    except (OSError, ValueError, LookupError):
        return 0


def _namespace() -> int:
    try:
        return Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return 0


def command_line(argv: Sequence[str]) -> str:
    """The command line as other users may see it: short, without --home, passwords, folders."""
    words = list(argv[1:])
    for index, word in enumerate(words[:-1]):
        if word == "--home":
            del words[index : index + 2]
            break
    words = [word for word in words if not word.startswith("--home=")]
    text = " ".join(["patchbench", shlex.join(map(_public, words))]).strip()
    return _one_line(text)


def _public(word: str) -> str:
    if "://" in word:
        return re.sub(r"(?<=://)[^/@\s]+@", "", word).partition("?")[0]
    return re.sub(r"^(-[^=]*=)?/.*/", r"\1", word)


def _one_line(text: str) -> str:
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shown if len(shown) <= _LONGEST_COMMAND else f"{shown[: _LONGEST_COMMAND - 3]}..."
