"""Every format of the registry, with text that would do something if a format let it."""

from __future__ import annotations

import re

import pytest

from bench.report.formats import catalogue
from bench.report.formats.catalogue import FORMATS, OF_A_RUN, PRINTED
from tests.bench.report.hostile import HOSTILE, hostile
from tests.bench.results.given import given
from tests.golden.specimen import specimen

render_all = given(catalogue.render_all)

# Beside line ends: what steers a terminal, or the direction of text.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
TEXTS = [name for name in FORMATS if name != "png"]


def test_a_run_leaves_its_reports() -> None:
    files = render_all(specimen())
    assert {"report.html", "report.md", "mail.txt"} <= set(files)
    assert all(files.values())


def test_no_two_formats_write_the_same_file() -> None:
    names = [name for make in FORMATS.values() for name in given(make)(specimen())]
    assert len(names) == len(set(names))
    assert set(OF_A_RUN) <= set(FORMATS)
    assert not set(PRINTED) & set(FORMATS)


@pytest.mark.parametrize("format_", TEXTS)
def test_hostile_text_passes_harmlessly(format_: str) -> None:
    for made in given(FORMATS[format_])(hostile()).values():
        assert isinstance(made, str)
        assert not CONTROL.search(made)
        assert made.encode()
        assert HOSTILE not in made
        if format_ in ("html", "svg"):
            assert "<script>alert" not in made
            assert "<img" not in made
