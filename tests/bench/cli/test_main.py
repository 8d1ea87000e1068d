"""From arguments and an environment to an exit code: endings, errors, the home, what pip gets."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.cli import main
from bench.context import Context
from bench.jobs.inventory import builds
from builder import errors
from builder.errors import BuildError, StoreError, UsageError

Ending = Callable[[Any], int]


@pytest.fixture(autouse=True)
def _signals() -> Any:
    """Those that a command takes for itself are as before after each test."""
    names = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(name) for name in names]
    yield
    for name, handler in zip(names, before, strict=True):
        signal.signal(name, handler)


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    """A command that ends as it is told to: by a function of its context, or an exception."""

    def run(how: Ending | BaseException, *words: str) -> int:
        def job(context: Context, **_named: object) -> int:
            if isinstance(how, BaseException):
                raise how
            return how(context)

        monkeypatch.setattr(builds, "builds", job)
        return main.main(["--home", str(tmp_path / "home"), "builds", *words])

    return run


# -- endings -------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 1, 14])
def test_the_exit_code_is_the_commands(code: int, ending: Callable[..., int]) -> None:
    assert ending(lambda _context: code) == code


@pytest.mark.parametrize("kind", [BuildError, StoreError, UsageError])
def test_an_error_of_the_family_is_shown_with_its_code(
    kind: type[errors.PatchbenchError],
    ending: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = kind("It went \x1b[31mwrong.", where="here", hint="Do that.")
    assert ending(error) == kind.exit_code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("patchbench: It went ")
    assert "here" in err
    assert "Do that." in err
    assert "\x1b" not in err


def test_a_reader_that_is_gone_is_no_error(
    ending: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ending(BrokenPipeError()) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("how", "code"),
    [
        (KeyboardInterrupt(), errors.EXIT_INTERRUPTED),
        (lambda _context: os.kill(os.getpid(), signal.SIGINT), errors.EXIT_INTERRUPTED),
        (lambda _context: os.kill(os.getpid(), signal.SIGTERM), errors.EXIT_TERMINATED),
    ],
    ids=["exception", "SIGINT", "SIGTERM"],
)
def test_an_interrupt_has_the_code_of_its_signal(
    how: Any, code: int, ending: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    assert ending(how) == code
    assert "Interrupted" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_error_that_a_signal_has_become_is_no_bug(
    number: signal.Signals, ending: Callable[..., int], tmp_path: Path
) -> None:
    """As NumPy's import makes an ImportError of an exception in it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def importing(_context: Any) -> int:
        try:
            os.kill(os.getpid(), number)
        except BaseException as error:
            raise ImportError("something else") from error
        raise AssertionError("the signal has not come")

    assert ending(importing) == 128 + number
    assert not (tmp_path / "home" / "crashes").exists()


def test_an_ignored_interrupt_stays_ignored(ending: Callable[..., int]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def interrupted(_context: Any) -> int:
        os.kill(os.getpid(), signal.SIGINT)
        return 0

    assert ending(interrupted) == 0


@pytest.mark.parametrize("name", ["run", "ladder", "calibrate", "study", "bisect", "nightly"])
def test_what_can_be_continued_is_said_to(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    main._interrupted(argparse.Namespace(name=name), 130)
    continued = capsys.readouterr().err
    main._interrupted(argparse.Namespace(name="builds"), 130)
    plain = capsys.readouterr().err
    assert "same command" in continued
    assert "same command" not in plain


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EMFILE])
def test_what_the_system_refuses_is_not_our_bug(
    number: int, ending: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = OSError(number, os.strerror(number), "/some/file")
    assert ending(error) == StoreError.exit_code
    err = capsys.readouterr().err
    assert os.strerror(number) in err
    assert "/some/file" in err
    assert not (tmp_path / "home" / "crashes").exists()


# -- what nobody has foreseen -------------------------------------------------------------------

BUG = AssertionError("nobody\nwould have thought it")


@pytest.mark.parametrize("bug", [BUG, OSError(errno.ESRCH, "no such process")])
def test_a_bug_is_logged_and_shown_without_a_traceback(
    bug: Exception, ending: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ending(bug) == errors.EXIT_BUG
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("patchbench: This is a bug")
    assert type(bug).__name__ in err.splitlines()[0]
    assert "Traceback" not in err
    (log,) = tmp_path.glob("home/crashes/*.log")
    assert f"log: {log}" in err
    assert log.stat().st_mode & 0o777 == 0o600
    assert str(bug).splitlines()[-1] in log.read_text()
    assert "'builds'" in log.read_text()


def test_a_log_that_cannot_be_saved_is_said_so(
    ending: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "crashes").write_text("a file where the folder would be")
    assert ending(BUG) == errors.EXIT_BUG
    err = capsys.readouterr().err
    assert "File exists" in err
    assert "--verbose" in err


def test_a_bug_shows_where_when_asked(
    ending: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    def fails_here(_context: Any) -> int:
        raise BUG

    assert ending(fails_here, "--verbose") == errors.EXIT_BUG
    assert "fails_here" in capsys.readouterr().err


# -- under git bisect ----------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["--step", "--step=abc"])
@pytest.mark.parametrize(
    ("code", "expected"),
    [(0, 0), (1, 1), (125, 125), (2, 128), (8, 128), (70, 128), (130, 130), (143, 143)],
)
def test_a_step_gives_git_codes_that_it_understands(step: str, code: int, expected: int) -> None:
    assert main._for_git(code, ["bisect", "a", "b", step]) == expected
    assert main._for_git(code, ["bisect", "a", "b"]) == code
    assert main._for_git(code, ["run", step]) == code


def test_a_mistake_on_the_command_line_of_a_step_stops_git(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for words, code in (
        (["bisect", "a", "b", "--step", "--blocks=x"], errors.EXIT_STOP),
        (["bisect", "a", "b", "--blocks=x"], UsageError.exit_code),
    ):
        with pytest.raises(SystemExit) as end:
            main.main(words)
        assert end.value.code == code
    assert "--blocks" in capsys.readouterr().err


# -- streams -------------------------------------------------------------------------------------


def test_closed_streams_get_a_place_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    main._open_streams()
    opened = [sys.stdin, sys.stdout, sys.stderr]
    for stream in opened:
        assert os.fstat(stream.fileno()).st_rdev == Path(os.devnull).stat().st_rdev
        stream.close()


# -- the environment -----------------------------------------------------------------------------


def test_home_is_the_option_else_the_variable_else_the_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert main._home(None).name == "patchbench"
    monkeypatch.setenv("PATCHBENCH_HOME", str(tmp_path / "variable"))
    assert main._home(None) == tmp_path / "variable"
    assert main._home(str(tmp_path / "option")) == tmp_path / "option"


@pytest.mark.parametrize("name", ["a b", "a'b", "a$b", "a:b", "a;b", "a\tb", "a(b)"])
def test_a_home_that_make_would_take_apart_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        main._home(str(tmp_path / name))
    assert name in caught.value.where
    assert "--home" in caught.value.hint


def test_a_home_of_nobody_is_refused() -> None:
    with pytest.raises(UsageError, match="home"):
        main._home("~nobody-of-this-name/x")


def test_a_command_gets_what_pip_needs_of_the_environment(
    ending: Callable[..., int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://example.org/simple")
    monkeypatch.setenv("SECRET_TOKEN", "hush")
    monkeypatch.setenv("PATCHBENCH_HOST_LOCK", str(tmp_path / "lock"))
    contexts: list[Context] = []

    def keep(context: Context) -> int:
        contexts.append(context)
        return 0

    assert ending(keep) == 0
    (context,) = contexts
    assert context.pip_environment["PIP_INDEX_URL"] == "https://example.org/simple"
    assert "HOME" in context.pip_environment
    assert not {"SECRET_TOKEN", "PATH"} & set(context.pip_environment)
    assert context.home.root == tmp_path / "home"
    assert context.home.host_lock == tmp_path / "lock"
    assert context.arguments == ("--home", str(tmp_path / "home"), "builds")
    assert Path(os.environ["MPLCONFIGDIR"]).is_relative_to(tmp_path / "home")


def test_all_homes_of_a_host_share_one_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PATCHBENCH_HOST_LOCK")
    lock = main._host_lock()
    assert lock.is_absolute()
    assert lock.name == "patchbench.lock"
    assert os.access(lock.parent, os.W_OK)
