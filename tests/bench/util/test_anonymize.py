from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.util.anonymize import published

PLACES = {
    Path("/home/ann"): "~",
    Path("/home/ann/.cache/bench"): "HOME",
    Path("/opt/b+c"): "OPT",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/ann", "~"),
        ("cat /home/ann/x", "cat ~/x"),
        ("see /home/ann.", "see ~."),
        ("/home/ann/.cache/bench/envs", "HOME/envs"),
        ("/home/ann/.cache/benches", "~/.cache/benches"),
        ("-I/home/ann/x -L/home/ann:/home/ann/.cache/bench", "-I~/x -L~:HOME"),
        ("/home/anna/x /home/ann-b/y /home/ann_c", "/home/anna/x /home/ann-b/y /home/ann_c"),
        ("/opt/b+c/x /opt/bbc/x", "OPT/x /opt/bbc/x"),
        ("nothing", "nothing"),
    ],
)
def test_folders_become_names_by_whole_parts_the_longest_first(text: str, expected: str) -> None:
    assert published(text, PLACES) == expected


def test_the_root_replaces_nothing() -> None:
    assert published("https://example.org/a", {Path("/"): "~"}) == "https://example.org/a"


def test_a_name_is_no_template() -> None:
    assert published("/a/b", {Path("/a"): r"\1\g<0>"}) == r"\1\g<0>/b"


def test_every_string_of_a_structure_but_no_key() -> None:
    content = {"/home/ann": [1, None, True, ("/home/ann", 2.5)]}
    assert published(content, PLACES) == {"/home/ann": [1, None, True, ["~", 2.5]]}
    assert content == {"/home/ann": [1, None, True, ("/home/ann", 2.5)]}


def test_the_hosts_name_is_replaced_where_pyperf_puts_it() -> None:
    content = {"hostname": "secret", "runs": [{"metadata": {"hostname": "secret"}}]}
    assert published(content, {}, "c0ffee") == {
        "hostname": "c0ffee",
        "runs": [{"metadata": {"hostname": "c0ffee"}}],
    }
    assert published(content, {}) == content


def test_bytes_that_are_no_text_can_be_written() -> None:
    odd = b"/home/ann/\xff".decode("utf-8", "surrogateescape")
    assert json.dumps(published([odd], PLACES), ensure_ascii=False).encode() == b'["~/\\\\udcff"]'
