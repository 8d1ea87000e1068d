"""General helpers: console output, JSON documents, TOML, text, anonymizing of results."""

from typing import TYPE_CHECKING, Any

from bench.util import documents
from bench.util.anonymize import published
from bench.util.console import Bar, Show, cell, print_json, print_table, stdout_console
from bench.util.documents import read_json
from bench.util.places import DATA, INSIDE, KERNELS_MANIFEST, ROOT
from bench.util.text import COLUMNS, command, cut, harmless, paragraph, plain, safe, slug
from bench.util.toml import (
    DURATION,
    NAME,
    Keys,
    as_name,
    is_duration,
    is_name,
    kind_of,
    seconds_of,
)

if TYPE_CHECKING:
    from bench.util.tables import TextTable

__all__ = [
    "COLUMNS",
    "DATA",
    "DURATION",
    "INSIDE",
    "KERNELS_MANIFEST",
    "NAME",
    "ROOT",
    "Bar",
    "Keys",
    "Show",
    "TextTable",
    "as_name",
    "cell",
    "command",
    "cut",
    "documents",
    "harmless",
    "is_duration",
    "is_name",
    "kind_of",
    "paragraph",
    "plain",
    "print_json",
    "print_table",
    "published",
    "read_json",
    "safe",
    "seconds_of",
    "slug",
    "stdout_console",
]


def __getattr__(name: str) -> Any:
    """Import what makes tables when it is used first: most commands print none."""
    if name == "TextTable":
        from bench.util.tables import TextTable

        return TextTable
    raise AttributeError(name)
