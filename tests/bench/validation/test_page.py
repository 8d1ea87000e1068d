"""docs/validation.md, rendered from findings."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bench.util import documents
from bench.validation import page
from bench.validation.findings import ERROR, FALSE, HPT, OURS, PYPERF, Part, StudyFinding
from tests.pipeline import PROJECT

DATA = PROJECT / "docs" / "validation.json"


def rate(procedure: str, hits: int, condition: str = "quiet", **more: object) -> StudyFinding:
    finding = StudyFinding(
        quantity=FALSE, condition=condition, procedure=procedure, hits=hits, of=200
    )
    return replace(finding, **more)  # type: ignore[arg-type]


FINDINGS = (
    rate(OURS, 10, most=0.055, headline="any call"),
    rate(PYPERF, 40, headline="any call"),
    rate(OURS, 12, "drift", most=0.055, headline="any call"),
    rate(HPT, 1, "suite", note="a | note"),
    StudyFinding(quantity=ERROR, condition="rms", procedure=OURS, value=0.5, unit="%", most=1.0),
)
PARTS = [Part(name="simulated", setup=("how",), findings=FINDINGS)]


def test_the_summary_shows_ranges() -> None:
    head, rule, row = page.summary(PARTS).splitlines()
    assert head.split(" | ")[1:3] == [OURS, PYPERF]
    assert rule.count("---") == 5
    assert row == "| any call | 5.0% to 6.0% | 20.0% |  | at most 5.5% **missed** |"


def test_one_missed_target_is_enough() -> None:
    reverse = [replace(PARTS[0], findings=tuple(reversed(FINDINGS)))]
    assert "at most 5.5% **missed** |" in page.summary(reverse)


def test_the_page_has_every_figure_and_names_what_is_broken() -> None:
    text = page.render(PARTS)
    assert "Of 3 figures with a target, 1 miss it" in text
    assert "- drift: 6.0%, target at most 5.5%" in text
    assert "| quiet | 5.0% (10 of 200; 2.4% to 9.0%) | 20.0% (40 of 200; " in text
    assert "0.50% (1 of 200; 0.01% to 2.8%), a / note |" in text
    assert "| rms | 0.5 % | at most 1 % |" in text
    assert "Not done yet: `study recorded`, `study real`." in text
    assert "- how\n" in text


def test_targets_that_are_met_are_counted() -> None:
    kept = [replace(PARTS[0], findings=FINDINGS[:2])]
    assert "All 1 figures with a target meet it." in page.render(kept)


@pytest.mark.parametrize(
    ("share", "shown"), [(0.0, "0%"), (1.0, "100%"), (0.9999, "99.99%"), (0.0004, "0.04%")]
)
def test_rates_are_not_rounded_to_certainty(share: float, shown: str) -> None:
    assert page._percent(share) == shown


def test_the_table_is_put_between_its_marks() -> None:
    first, last = page.MARKS
    method = f"a\n{first}\nold\n{last}\nb\n"
    assert page.put_into(method, "new\n") == f"a\n{first}\nnew\n{last}\nb\n"
    assert page.put_into("no marks\n", "new\n") == "no marks\n"
    assert page.put_into(f"only {first}\n", "new\n") == f"only {first}\n"


def committed() -> list[Part]:
    return [documents.load(Part, one) for one in json.loads(DATA.read_text("utf-8"))["parts"]]


@pytest.mark.skipif(not DATA.exists(), reason="no study was run yet")
def test_the_committed_page_is_what_its_data_says() -> None:
    parts = committed()
    assert DATA.with_name("validation.md").read_text("utf-8") == page.render(parts)
    method = DATA.with_name("method.md").read_text("utf-8")
    assert all(mark in method for mark in page.MARKS)
    assert page.put_into(method, page.summary(parts)) == method


@pytest.mark.skipif(not DATA.exists(), reason="no study was run yet")
def test_the_sentence_of_the_readme_has_the_figures_of_the_data() -> None:
    readme = " ".join((PROJECT / "README.md").read_text("utf-8").split())
    ours, pyperf = (
        next(
            finding
            for part in committed()
            for finding in part.findings
            if finding.procedure == name
            and finding.condition == "all comparisons: called different"
        )
        for name in (OURS, PYPERF)
    )
    assert f"in {ours.hits} of {ours.of}" in readme
    assert f"in {pyperf.hits} of {pyperf.of}" in readme
