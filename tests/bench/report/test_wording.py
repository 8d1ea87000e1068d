"""How facts are put into words: what is not known is unknown, in every format."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bench.report import view_of, wording
from bench.report.formats import mail, markdown, submission
from bench.report.sections import sections
from bench.results.result import parse_document
from bench.results.shape import Result
from tests.golden.specimen import specimen


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        (None, "unknown"),
        (False, "off"),
        (True, "on"),
        (0, "0"),
        ("", ""),
        ("powersave", "powersave"),
    ],
)
def test_only_what_is_known_to_be_off_is_off(fact: object, words: str) -> None:
    assert wording.fact_text(fact) == words


@pytest.mark.parametrize(
    ("active", "hypervisor", "words"),
    [
        (False, "", "off"),
        (False, "KVM", "unknown"),
        (None, "KVM", "unknown"),
        (None, "", "unknown"),
        (True, "KVM", "on"),
    ],
)
def test_a_guest_does_not_know_of_smt(active: bool | None, hypervisor: str, words: str) -> None:
    assert wording.smt(active, hypervisor) == words


def _silent(**host: Any) -> Result:
    """A result of a guest whose kernel says nothing more than it must."""
    result = copy.deepcopy(specimen())
    for key in ("turbo", "smt", "aslr", "cores", "memory", "governor", "microcode"):
        result["host"][key] = None
    result["host"].pop("frequency_readable", None)
    result["host"].pop("quota", None)
    result["host"] |= {"smt": False, "hypervisor": "KVM", **host}
    return parse_document(result)


def test_a_silent_host_is_unknown_in_every_section() -> None:
    (machine,) = (one for one in sections(_silent()) if one.title == "Machine")
    words = {one.label: one.text for one in machine.facts}
    assert words["firmware"] == "turbo unknown, SMT unknown, microcode unknown"
    assert (
        words["frequency"] == "governor unknown, unknown whether the current frequency is readable"
    )
    assert words["ASLR"] == "unknown"
    assert "(cores: unknown), memory unknown" in words["hardware"]


def test_a_silent_host_is_unknown_on_a_page() -> None:
    words = dict(view_of(_silent()).host)
    for label in ("microcode", "cores", "CPU quota", "turbo", "frequency governor", "memory"):
        assert words[label] == "unknown"
    assert words["SMT (Hyper-Threading)"] == "unknown"
    assert words["hypervisor"] == "KVM"


@pytest.mark.parametrize("render", [markdown.render, mail.render, submission.render])
def test_no_format_says_off_of_a_silent_host(render: Any) -> None:
    text = render(_silent())
    assert "SMT unknown" in " ".join(text.split())
    assert "SMT off" not in text


def test_a_host_that_says_that_there_is_no_quota_has_none() -> None:
    assert dict(view_of(_silent(quota=None)).host)["CPU quota"] == "none"
