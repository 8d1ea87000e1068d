"""Changed files from which nothing was built: a patch to them cannot have an effect here.

The evidence is the finished build's own: its object files and the commands in its logs name the C
files, the #include lines of these name the headers, the installed files are compared byte by byte,
and `builder.generators` knows which files were generated from which. Conditions of the
preprocessor are not evaluated, so that a file that is included, and code that is compiled, only
elsewhere counts as built: silence is no proof of an effect. Compiler flags stay as they are, and
neither ccache nor debug information is needed.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from builder.generators import Requirement

DOCUMENTATION, TESTS, UNKNOWN = "documentation", "tests", "unknown"


@dataclass(frozen=True, kw_only=True)
class UnbuiltChange:
    """A changed file from which nothing was built, its kind, and why nothing was.

    With the kind UNKNOWN it is not known whether something was built from it.
    """

    path: str
    kind: str
    reason: str


_KINDS = (
    (TESTS, "tests", r"Lib/(?:test|.*/tests?)/|Modules/(?:_decimal|expat)/tests?/"),
    ("Windows", "for Windows", r"PC/|PCbuild/|Tools/(?:msi|nuget|buildbot)/|.*\.(?:bat|ps1)$"),
    ("macOS", "for macOS", r"Mac/"),
    ("platform", "for another platform", r"(?:Android|iOS|Apple|Platforms|Tools/wasm)/"),
    (
        DOCUMENTATION,
        "documentation",
        r"Doc/|Misc/|InternalDocs/|.*\.(?:rst|md|gv|png)$|(?!Lib/)(?:.*\.txt|(?:.*/)?README[^/]*)$",
    ),
    ("tools", "a tool that building does not use", r"Tools/|Demo/|Parser/.*\.py$|\."),
)
_SOURCES = (".c", ".cc", ".cpp", ".S", ".s", ".m")
_BUILD_SYSTEM = re.compile(
    r"(?:configure|Makefile\.pre\.in|pyconfig\.h\.in|setup\.py|install-sh|config\.(?:sub|guess)|"
    r"Modules/(?:Setup.*|makesetup|config\.c\.in)|(?:.*/)?(?:configure\.(?:ac|in)|.*\.m4))$"
)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"\n]+)[>"]', re.MULTILINE)
_COMPUTED_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]+[A-Za-z_]", re.MULTILINE)
_SOURCE_WORD = re.compile(r"[\w./+-]+\.(?:c|cc|cpp|S)(?=[\s'\";)]|$)")


class Evidence:
    """What a finished build left: its tree, the installed files, and the logs of its steps."""

    def __init__(self, *, tree: Path, prefix: Path, logs: Path) -> None:
        self.tree = tree
        self._prefix = prefix
        self._logs = logs

    @cached_property
    def _files(self) -> tuple[str, ...]:
        return tuple(
            str((Path(root) / name).relative_to(self.tree))
            for root, _, names in os.walk(self.tree)
            for name in names
        )

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        paths = defaultdict(list)
        for path in self._files:
            paths[PurePosixPath(path).name].append(path)
        return paths

    @cached_property
    def _log(self) -> str:
        names = ("make.log", "install.log")
        return "\n".join(_text(self._logs / name) for name in names)

    @cached_property
    def compiled(self) -> frozenset[str]:
        """The sources of all object files, and those that a command of the build names."""
        sources = {self._relative(word) for word in _SOURCE_WORD.findall(self._log)}
        for path in self._files:
            if path.endswith(".o"):
                stem = self._relative(re.sub(r"^build/temp[^/]*/", "", path)).removesuffix(".o")
                sources.update(stem + suffix for suffix in _SOURCES)
        return frozenset(sources.intersection(self._files))

    def _relative(self, name: str) -> str:
        """A path of the tree in the forms that make and setup.py give it."""
        for start in (f"{self.tree}/", f"{self.tree}/".lstrip("/")):
            name = name.removeprefix(start)
        return os.path.normpath(name)

    @cached_property
    def included(self) -> frozenset[str]:
        """All that `compiled` includes, directly or not, whatever the conditions."""
        return frozenset(self._scan[0])

    @property
    def computes_includes(self) -> bool:
        """Whether a name to include is computed, so that `included` may be incomplete."""
        return self._scan[1]

    @cached_property
    def _scan(self) -> tuple[set[str], bool]:
        reached, computed = set(self.compiled), False
        waiting = list(reached)
        while waiting:
            path = waiting.pop()
            text = _text(self.tree / path)
            computed = computed or _COMPUTED_INCLUDE.search(text) is not None
            for other in set(self._resolved(path, text)) - reached:
                reached.add(other)
                waiting.append(other)
        return reached, computed

    def _resolved(self, path: str, text: str) -> Iterator[str]:
        """The files of the tree that the #include lines of a file may mean."""
        for name in set(_INCLUDE.findall(text)):
            near = os.path.normpath(str(PurePosixPath(path).parent / name))
            end = "/" + name.lstrip("./")
            for candidate in self._by_name.get(PurePosixPath(name).name, ()):
                if candidate == near or f"/{candidate}".endswith(end):
                    yield candidate

    @cached_property
    def _installed(self) -> dict[str, list[Path]]:
        paths = defaultdict(list)
        for root, _, names in os.walk(self._prefix):
            for name in names:
                paths[name].append(Path(root) / name)
        return paths

    def is_installed(self, path: str) -> bool:
        """Whether a file with the same name and content was installed."""
        content = (self.tree / path).read_bytes()
        same_name = self._installed.get(PurePosixPath(path).name, ())
        return any(other.is_file() and other.read_bytes() == content for other in same_name)

    def is_used(self, path: str) -> bool:
        """Whether configure or make used a file by its name."""
        if _BUILD_SYSTEM.match(path):
            return True
        if path.endswith(".in") and (self.tree / path.removesuffix(".in")).is_file():
            return True
        return self._names(path, self._log)

    def is_in_makefile(self, path: str) -> bool:
        """Whether the Makefile names a file."""
        return self._names(path, _text(self.tree / "Makefile"))

    @staticmethod
    def _names(path: str, text: str) -> bool:
        # Logs are long, and most paths are not in them at all.
        return path in text and (
            re.search(rf"(?<![\w.-]){re.escape(path)}(?![\w-]|\.\w)", text) is not None
        )


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("latin-1")
    except OSError:
        return ""


def changes(
    evidence: Evidence,
    changed: Sequence[str],
    *,
    required: Requirement,
    regenerated: Sequence[str],
    trained: bool,
) -> tuple[UnbuiltChange, ...]:
    """The paths of `changed` from which nothing was built, or of which that is not known.

    `required` are the generators that ran, and `regenerated` what they changed. `trained`: the
    build is one with PGO, whose profile comes from CPython's own tests.
    """
    verdicts = []
    for path in changed:
        doubt = dict(required.doubts).get(path)
        if doubt:
            verdicts.append(UnbuiltChange(path=path, kind=UNKNOWN, reason=doubt))
        elif not (path in required.inputs and _has_output(required, regenerated, changed)):
            verdict = _verdict(evidence, path, trained)
            if verdict and path in required.inputs:
                reason = "its generators ran, and changed nothing"
                verdict = UnbuiltChange(path=path, kind="generator", reason=reason)
            verdicts += [verdict] if verdict else []
    return tuple(verdicts)


def _has_output(required: Requirement, regenerated: Sequence[str], changed: Sequence[str]) -> bool:
    return bool(regenerated) or any(
        generator.writes(path) for generator in required.generators for path in changed
    )


def _verdict(evidence: Evidence, path: str, trained: bool) -> UnbuiltChange | None:
    """None if something was built from a path."""
    kind, reason = _kind(path)
    if not (evidence.tree / path).is_file():
        return _of_deleted(path, kind)
    if path in evidence.compiled or path in evidence.included or (kind == TESTS and trained):
        return None
    if kind != TESTS and (evidence.is_installed(path) or evidence.is_used(path)):
        if not path.endswith(".h"):
            return None
        kind, reason = "header", "a header, installed, that nothing here includes"
    elif evidence.computes_includes and not kind:
        kind, reason = UNKNOWN, "a compiled file computes the names of what it includes"
    elif not kind or kind == "tools":
        kind, reason = _of_source(evidence, path, kind, reason)
    return UnbuiltChange(path=path, kind=kind, reason=reason)


def _kind(path: str) -> tuple[str, str]:
    for kind, reason, pattern in _KINDS:
        if re.match(pattern, path):
            return kind, reason
    return "", ""


def _of_deleted(path: str, kind: str) -> UnbuiltChange:
    if kind:
        return UnbuiltChange(path=path, kind=kind, reason=f"{kind}, deleted")
    reason = "it is deleted, and what was built from it before is not looked at"
    return UnbuiltChange(path=path, kind=UNKNOWN, reason=reason)


def _of_source(evidence: Evidence, path: str, kind: str, reason: str) -> tuple[str, str]:
    """The kind of a file that is none of _KINDS, or a tool."""
    module = _module(evidence, path)
    if module:
        return "module", f"of the module {module}, not built here"
    if path.endswith((".h", ".inc")):
        return "header", "a header that nothing here includes"
    if path.endswith(_SOURCES):
        return "source", "not compiled here"
    if evidence.is_in_makefile(path):
        return UNKNOWN, "the Makefile names it, and building did not"
    return kind or "other", reason or "neither compiled, installed nor run"


def _module(evidence: Evidence, path: str) -> str:
    """The name of the extension module that a file belongs to if none of that was compiled."""
    parts = PurePosixPath(path).parts
    if parts[0] != "Modules" or len(parts) < 2:
        return ""
    if len(parts) == 2 or parts[1] == "clinic":
        path = f"{parts[-1].split('.')[0]}.c" if parts[1] == "clinic" else path
        return PurePosixPath(path).stem.removesuffix("module") if path.endswith(_SOURCES) else ""
    folder = "/".join(parts[:2]) + "/"
    return "" if any(source.startswith(folder) for source in evidence.compiled) else parts[1]


# -- in words -------------------------------------------------------------------------------------


def summary(verdicts: Sequence[UnbuiltChange]) -> tuple[str, ...]:
    """What is told after the build, a line for what is known and one for what is not."""
    lines = []
    known = [verdict for verdict in verdicts if verdict.kind != UNKNOWN]
    if known:
        lines.append(
            f"changes {_listing(known)}, and nothing that was built comes from {_it(known)}"
        )
    return (*lines, *_unknown(verdicts))


def warnings(verdicts: Sequence[UnbuiltChange], changed: Sequence[str]) -> tuple[str, ...]:
    """The warnings of an arm.

    Documentation and tests belong to most patches: alone they are no reason to warn, unless there
    is nothing else in the patch.
    """
    known = [verdict for verdict in verdicts if verdict.kind != UNKNOWN]
    loud = [verdict for verdict in known if verdict.kind not in (DOCUMENTATION, TESTS)]
    lines = [f"unknown-effect: {line}" for line in _unknown(verdicts)]
    if changed and len(known) == len(changed):
        text = f"nothing that was built comes from what the patch changes: {_listing(known)}"
        lines.insert(0, f"no-effect: {text}")
    elif loud:
        text = f"changes {_listing(loud)}, and nothing that was built comes from {_it(loud)}"
        lines.insert(0, f"no-effect: {text}")
    return tuple(lines)


def _unknown(verdicts: Sequence[UnbuiltChange]) -> tuple[str, ...]:
    return tuple(
        f"whether anything that was built comes from {verdict.path} is not known: {verdict.reason}"
        for verdict in verdicts
        if verdict.kind == UNKNOWN
    )


def _it(verdicts: Sequence[UnbuiltChange]) -> str:
    return "it" if len(verdicts) == 1 else "them"


def _listing(verdicts: Sequence[UnbuiltChange], most: int = 8) -> str:
    shown = [f"{verdict.path} ({verdict.reason})" for verdict in verdicts[:most]]
    more = [f"{len(verdicts) - most} more"] if len(verdicts) > most else []
    return ", ".join([*shown, *more])
