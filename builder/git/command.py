"""Starting git through GitPython; the only module that imports it, private to builder.git.

The effect of a command must not depend on the user who runs it: the configuration, hooks,
attributes and GIT_* variables of the caller are excluded, except for what is needed to reach a
remote (proxies, credentials).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from builder.errors import ToolError

# A remote that sends less than 1 kB/s for this long is given up.
_STALL_SECONDS = 30
# Variables that select another repository, index or configuration (git rev-parse
# --local-env-vars lists most): a hook or git bisect may have started patchbench.
_REMOVED_VARIABLES = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_NAMESPACE"),
    *("GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
    *("GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT", "GIT_SHALLOW_FILE"),
    *("GIT_GRAFT_FILE", "GIT_REPLACE_REF_BASE", "GIT_PREFIX", "GIT_INTERNAL_SUPER_PREFIX"),
    *("GIT_DEFAULT_HASH", "GIT_DEFAULT_REF_FORMAT", "GIT_TEMPLATE_DIR", "GIT_ATTR_SOURCE"),
    *("GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS", "GIT_QUARANTINE_PATH", "GIT_LITERAL_PATHSPECS"),
)
NO_SPACE = "No space left on device"
_QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": ""}
ISOLATED = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    # Reading a partial clone must not fetch: its configuration names the program that would.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
}
NEUTRAL = ("core.attributesFile=/dev/null", "core.hooksPath=/dev/null", "safe.directory=*")
NETWORK = (
    "core.hooksPath=/dev/null",
    "gc.auto=0",
    "http.lowSpeedLimit=1000",
    f"http.lowSpeedTime={_STALL_SECONDS}",
)


@dataclass(frozen=True, kw_only=True)
class Output:
    """The exit status and output of a git command."""

    returncode: int
    stdout: bytes
    stderr: str
    timed_out: bool = False


@contextlib.contextmanager
def running(
    arguments: Iterable[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    settings: Iterable[str] = NEUTRAL,
    stdin: int | IO[bytes] | None = None,
    keep_fds: tuple[int, ...] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """Start git in its own process group; kill it at the end of the block or of this process."""
    # Imported here: without git on the machine the import fails, and `doctor` has to run anyway.
    try:
        from git import Git
        from git.exc import GitCommandNotFound
    except ImportError as error:
        raise _no_git() from error
    setpriv = shutil.which("setpriv")
    argv = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
    # env(1) removes the caller's variables, then sets ours: GitPython can only add variables.
    argv += ["env", *(part for name in _REMOVED_VARIABLES for part in ("-u", name))]
    argv += [f"{name}={value}" for name, value in {**_QUIET, **env}.items()]
    argv += ["git", *(part for setting in settings for part in ("-c", setting))]
    try:
        handle: Any = Git(cwd).execute(
            [*argv, *arguments],
            istream=stdin,  # type: ignore[arg-type]  # any file with a descriptor works
            as_process=True,
            start_new_session=True,
            pass_fds=keep_fds,
        )
    except GitCommandNotFound as error:
        raise _no_git() from error
    process: subprocess.Popen[bytes] = handle.proc
    try:
        yield process
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


def _no_git() -> ToolError:
    return ToolError(
        "git cannot be started: not found.",
        where="git",
        hint="Install it (apt-get install git); `patchbench doctor` lists all that is missing.",
    )


def run(
    arguments: Iterable[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    settings: Iterable[str] = NEUTRAL,
    data: bytes | None = None,
    timeout: float | None = None,
    keep_fds: tuple[int, ...] = (),
) -> Output:
    """Run git to its end; kill it after `timeout` seconds."""
    stdin = subprocess.PIPE if data is not None else None
    with running(
        arguments, cwd=cwd, env=env, settings=settings, stdin=stdin, keep_fds=keep_fds
    ) as process:
        try:
            out, err = process.communicate(data, timeout)
        except subprocess.TimeoutExpired:
            return Output(returncode=-1, stdout=b"", stderr="", timed_out=True)
    return Output(returncode=process.returncode, stdout=out, stderr=err.decode("utf-8", "replace"))
