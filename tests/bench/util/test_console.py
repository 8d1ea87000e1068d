from __future__ import annotations

import io

from rich.console import Console

from bench.util.console import Show


def test_messages_go_to_the_stream_and_markup_is_text() -> None:
    stream = io.StringIO()
    show = Show(stream=stream)
    show.say("[red]x[/red] \x1b[1m")
    show.detail("gcc -c a.c")
    assert stream.getvalue() == "[red]x[/red] ?[1m\n"


def test_verbose_shows_commands_and_quiet_nothing() -> None:
    stream = io.StringIO()
    Show(stream=stream, verbose=True).detail("gcc -c a.c")
    assert "$ gcc -c a.c" in stream.getvalue()
    silent = io.StringIO()
    show = Show(stream=silent, quiet=True, verbose=True)
    show.say("x")
    show.detail("y")
    with show.bar("z", 2) as bar:
        bar.advance(2, "note")
    assert silent.getvalue() == ""


def test_off_a_terminal_progress_is_plain_and_rare() -> None:
    stream = io.StringIO()
    with Show(stream=stream).bar("measuring", 100) as bar:
        for _ in range(100):
            bar.advance()
    assert "\x1b" not in stream.getvalue()
    assert stream.getvalue().count("\n") <= 1


def test_on_a_terminal_there_is_a_bar_that_leaves_nothing_behind() -> None:
    stream = io.StringIO()
    show = Show(stream=stream)
    show.console = Console(file=stream, force_terminal=True, width=100)
    with show.bar("measuring", 4) as bar:
        bar.advance(2, "richards [1]")
        assert show.bars is not None
        assert show.bars.tasks[0].completed == 2
    assert show.bars is None


def test_where_there_is_no_bar_a_line_tells_what_was_reached() -> None:
    stream = io.StringIO()
    with Show(stream=stream).bar("measuring", 4) as bar:
        bar.advance(2)
        bar.report("1 of 2 decided")
    assert stream.getvalue().startswith("measuring: 1 of 2 decided, about ")


def test_a_bar_is_as_long_as_what_is_expected() -> None:
    stream = io.StringIO()
    show = Show(stream=stream)
    show.console = Console(file=stream, force_terminal=True, width=100)
    with show.bar("measuring", 40) as bar:
        bar.advance(note="0 of 2 decided; hexiom: block 1", left=9)
        bar.report("for those without a bar")
        assert show.bars is not None
        (task,) = show.bars.tasks
        assert (task.completed, task.total) == (1, 10)
        assert task.fields["note"] == "0 of 2 decided; hexiom: block 1"
    assert "without" not in stream.getvalue()


def test_a_bar_of_an_unknown_number_counts_and_gets_its_total_later() -> None:
    stream = io.StringIO()
    show = Show(stream=stream)
    show.console = Console(file=stream, force_terminal=True, width=100)
    with show.bar("make", None) as bar:
        assert bar.is_drawn
        bar.set(7, None, "compiling")
        assert show.bars is not None
        show.bars.refresh()
        bar.set(8, 212, "compiling; about 3 min left")
        show.bars.refresh()
    text = stream.getvalue()
    assert "7/" not in text
    assert "8/212" in text
    assert "about 3 min left" in text


def test_a_count_is_not_printed_where_there_is_no_bar() -> None:
    stream = io.StringIO()
    with Show(stream=stream).bar("make", None) as bar:
        bar.set(7, 212, "compiling")
        assert not bar.is_drawn
    assert stream.getvalue() == ""
