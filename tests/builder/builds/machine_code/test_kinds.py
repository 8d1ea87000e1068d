"""What facts tell, those of older versions included."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from builder.builds.machine_code import Dispatch, dispatch_of, in_effect, reason_of
from tests.builder.builds.test_store import FACTS

CLANG = "Debian clang version 19.1.7"


@pytest.mark.parametrize(
    ("changes", "kind", "pgo"),
    [
        # Of older versions: no kind.
        ({"indirect_jumps": 93}, Dispatch.GOTOS, False),
        ({"indirect_jumps": 19}, Dispatch.MERGED, False),
        ({"computed_gotos": False}, Dispatch.SWITCH, False),
        ({"computed_gotos": False, "compiler": CLANG, "options": ""}, Dispatch.UNKNOWN, None),
        (
            {"indirect_jumps": 93, "compiler": CLANG, "options": "-fprofile-use", "pgo": True},
            Dispatch.GOTOS,
            True,
        ),
        # Of this one.
        ({"dispatch": "tail calls", "compiler": CLANG, "pgo": None}, Dispatch.TAIL_CALLS, None),
        ({"dispatch": "switch", "compiler": CLANG, "options": "-O2"}, Dispatch.SWITCH, False),
        ({"dispatch": "unknown", "computed_gotos": None}, Dispatch.UNKNOWN, False),
        ({"dispatch": "of a newer version"}, Dispatch.UNKNOWN, False),
    ],
)
def test_kinds(changes: dict[str, Any], kind: Dispatch, pgo: bool | None) -> None:
    facts = replace(FACTS, **changes)
    assert dispatch_of(facts) is kind
    assert in_effect(facts, "pgo") is pgo


def test_reasons() -> None:
    assert reason_of(replace(FACTS, reasons={"lto": "why"}), "lto") == "why"
    assert reason_of(FACTS, "lto") == ""
    older = replace(FACTS, compiler=CLANG, options="", computed_gotos=False)
    assert "older version" in reason_of(older, "dispatch")
