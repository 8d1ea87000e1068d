"""CPython's versions: names of releases, and what the version of a tree means.

A tree's version is PY_VERSION of its Include/patchlevel.h, or the beginning of sys.version:

    3.13.5       a release                     3.13.5+      commits after 3.13.5, before 3.13.6
    3.16.0a2+    commits after that alpha      3.15.0rc1    a release candidate
    2.7.18.4     a release of a fork           3.9.10-fork  a fork that names itself

None of the forms with "+" or a fork's name is a version of PEP 440, so that `packaging` alone
refuses them, and each module that read them by itself refused others. Two questions have different
answers:

- Which *language* is it? `numbers`, `language`, `minor`, `supports`: three numbers and no more, as
  sys.version_info[:3], which is also what pip compares with `requires-python`. 3.15.0a0 satisfies
  >=3.15 and not <3.15: who writes >=3.15 means what 3.15 can do, and an alpha has that already.
- Which *code* is it? `pep440`, `order`: 3.15.0a1 is before 3.15.0, for `applies_to` of a series and
  for sorting. Development after a release counts as that release, since no version lies between
  3.13.5 and 3.13.6; in order it comes just after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from packaging.specifiers import SpecifierSet
from packaging.version import Version

_RELEASE = re.compile(r"v?(\d+(?:\.\d+){1,3})(?:(a|b|rc)(\d+))?")
_BRANCH = re.compile(r"\d+\.\d+")
_HASH = re.compile(r"[0-9a-f]{4,40}", re.IGNORECASE)
_VERSION = re.compile(
    rb'^[ \t]*#[ \t]*define[ \t]+PY_VERSION[ \t]+"([0-9][0-9A-Za-z.+_-]*)"', re.MULTILINE
)
# A release, then what a fork or a distribution adds, then "+" for commits since.
_TREE = re.compile(
    r"(?P<release>\d+(?:\.\d+)*(?:(?:a|b|rc|c)\d+)?)"
    r"(?P<local>(?:[-+._ ]?[A-Za-z][\w.+-]*)?)(?P<plus>\+?)"
)
_THREADED = frozenset({"--disable-gil", "--disable-gil=yes"})
_DEBUG = frozenset({"--with-pydebug", "--with-pydebug=yes"})
_UCS4 = "--enable-unicode=ucs4"


def version_key(version: str) -> tuple[tuple[int, ...], int, int]:
    """Sort key of a release: 3.9.2 before 3.13.0rc1 before 3.13.0. A prefix v is allowed.

    A name that is not a release sorts first.
    """
    match = _RELEASE.fullmatch(version)
    if match is None:
        return (), 0, 0
    numbers, stage, count = match.groups()
    stages = {"a": 0, "b": 1, "rc": 2, None: 3}
    return tuple(map(int, numbers.split("."))), stages[stage], int(count or 0)


def is_release(name: str) -> bool:
    """Whether a name is that of one exact release (2.7.18, v3.13.0rc1), which never moves."""
    key = version_key(name)
    return len(key[0]) >= 3 or (len(key[0]) == 2 and name.startswith("v"))


def is_final(name: str) -> bool:
    """Whether a name is that of a release that is not an alpha, beta or release candidate."""
    return is_release(name) and version_key(name)[1] == 3


def is_branch_version(name: str) -> bool:
    """Whether a name is a language version (2.7, 3.13)."""
    return _BRANCH.fullmatch(name) is not None


def is_hash(name: str) -> bool:
    """Whether a name can be a commit hash or the beginning of one."""
    return _HASH.fullmatch(name) is not None


def newest(branch: str, versions: Iterable[str]) -> list[str]:
    """The releases of a language version, newest first; pre-releases after all final releases."""
    prefix = tuple(map(int, branch.split(".")))
    names = [name for name in versions if version_key(name)[0][:2] == prefix and is_release(name)]
    return sorted(names, key=lambda name: (is_final(name), version_key(name)), reverse=True)


def version_of(header: bytes) -> str | None:
    """PY_VERSION in the content of Include/patchlevel.h; None without one."""
    match = _VERSION.search(header)
    return match[1].decode() if match else None


def numbers(version: str) -> str:
    """The three numbers of a version, as sys.version_info has them: 2.7.10 of "2.7.10+"."""
    match = re.match(r"\d+\.\d+(?:\.\d+)?", version)
    return match.group() if match else version


def language(version: str) -> str:
    """The language version: 3.16 of "3.16.0a2+"; the version itself where it has no such form."""
    match = re.match(r"\d+\.\d+", version)
    return match.group() if match else version


def minor(version: str) -> tuple[int, int]:
    """The language version as numbers: (3, 16); (0, 0) for what is no version."""
    match = re.match(r"(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def is_python2(version: str) -> bool:
    """Whether a version is one of Python 2."""
    return minor(version)[0] == 2


def pep440(version: str) -> Version | None:
    """A tree's version for a comparison of code; None for what is no version.

    "3.13.5+" is 3.13.5, "3.16.0a2+" is 3.16.0a2; what a fork adds is left out.
    """
    match = _TREE.fullmatch(version.strip())
    return Version(match["release"]) if match else None


def supports(specifier: str, version: str) -> bool:
    """Whether a `requires-python` admits the language of a tree; an empty one admits any."""
    return SpecifierSet(specifier).contains(numbers(version), prereleases=True)


def is_between(version: str) -> bool:
    """Whether a tree's version says less than its commit: development, an alpha or beta, a fork."""
    match = _TREE.fullmatch(version)
    if match is None:
        return True
    return bool(match["plus"] or match["local"] or re.search("[ab]", match["release"]))


def order(version: str) -> tuple[bool, Version, bool, str]:
    """A sort key for trees: 3.13.0a1, 3.13.0, 3.13.0+, 3.13.1; what is no version comes first."""
    parsed = pep440(version)
    if parsed is None:
        return False, Version("0"), False, version
    return True, parsed, version.endswith("+"), version


def abi_flags(version: str, configure: Sequence[str]) -> str:
    """The ABI flags (sys.abiflags) of a tree configured with these options: t, d, m, mu, ...

    For Python 2, which has no sys.abiflags, those of its wheels.
    """
    chosen, at = set(configure), minor(version)
    debug = "d" if chosen & _DEBUG else ""
    if at >= (3, 8):
        return ("t" if at >= (3, 13) and chosen & _THREADED else "") + debug
    wide = "u" if at < (3, 3) and _UCS4 in chosen else ""
    return f"{debug}m{wide}"
