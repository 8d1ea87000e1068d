"""Random small trees, edits of them, other edits beside those, and the patches that git makes."""

from __future__ import annotations

import base64
import binascii
import random
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

# By path: the mode and the content.
Files = dict[str, tuple[str, bytes]]
PATHS = (
    "Python/ceval.c",
    "Python/opcodes.h",
    "Lib/os.py",
    "Lib/a file.py",
    "Modules/ö.c",
    "README",
)
WORDS = ("{", "}", "", "    break;", "    return x;", "    x += 1;", "if (x) {", "\treturn;")
_ENV = {
    "PATH": "/usr/bin:/bin",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
}


def tree(rng: random.Random) -> Files:
    """A tree of some files, with many equal lines."""
    files: Files = {}
    for path in PATHS:
        if path == PATHS[0] or rng.random() < 0.8:
            files[path] = (rng.choice(["100644"] * 4 + ["100755"]), _content(rng))
    if rng.random() < 0.2:
        files["Lib/data.bin"] = ("100644", rng.randbytes(40) + b"\0")
    return files


def _content(rng: random.Random) -> bytes:
    if rng.random() < 0.05:
        return b""
    lines = [_line(rng) for _ in range(rng.choice([1, 3, 12, 30, 60]))]
    if rng.random() < 0.4:  # a block several times, as the cases of a switch
        block = lines[: rng.randint(2, 12)]
        lines += [line for _ in range(rng.randint(1, 3)) for line in [*block, _line(rng)]]
    end = b"\r\n" if rng.random() < 0.15 else b"\n"
    return _joined(rng, [line + end for line in lines])


def _joined(rng: random.Random, lines: list[bytes]) -> bytes:
    data = b"".join(lines)
    return data.rstrip(b"\r\n") if rng.random() < 0.1 else data


def _line(rng: random.Random) -> bytes:
    if rng.random() < 0.4:
        return rng.choice(WORDS).encode()
    return f"    line {rng.randint(0, 10**6)};".encode()


def edited(rng: random.Random, files: Files, *, plain: bool) -> Files:
    """The tree after some edits; `plain`: those that `diff -u` can write."""
    after = dict(files)
    for _ in range(rng.randint(1, 3)):
        _edit(rng, after, plain)
    return after


def _edit(rng: random.Random, files: Files, plain: bool) -> None:
    path = rng.choice(sorted(files))
    mode, data = files[path]
    kind = rng.random()
    if kind < 0.75 or (plain and (not data or kind < 0.9)):
        if b"\0" in data:
            files[path] = (mode, rng.randbytes(30) + b"\0") if not plain else (mode, data)
        else:
            files[path] = (mode, _edited_lines(rng, data))
    elif kind < 0.8:
        files[path] = ("100755" if mode == "100644" else "100644", data)
    elif kind < 0.86 and data:  # a merge does not see that an empty file was renamed
        del files[path]
        files[f"Modules/moved{rng.randint(0, 99)}.c"] = (mode, data)
    elif kind < 0.9 and len(files) > 2:
        del files[path]
    elif kind < 0.93:
        files[f"Lib/copy{rng.randint(0, 99)}.py"] = ("100644" if plain else mode, data)
    else:
        content = _content(rng) or (b"x\n" if plain else b"")
        files[f"Python/new{rng.randint(0, 99)}.c"] = ("100644", content)


def _edited_lines(rng: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    ends = [line + b"\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    end = b"\r\n" if b"\r\n" in data else b"\n"
    for _ in range(rng.randint(1, 3)):
        if ends and not ends[-1].endswith(b"\n"):
            ends[-1] += b"\n" if rng.random() < 0.5 else b";\n"
        at = rng.choice([0, len(ends), rng.randint(0, len(ends)), rng.randint(0, len(ends))])
        new = [_line(rng) + end for _ in range(rng.randint(0, 3))]
        ends[at : at + rng.randint(0, 3)] = new
    return _joined(rng, ends)


def drifted(rng: random.Random, files: Files) -> Files:
    """The tree after changes by others: lines before, repeated blocks, other changes."""
    after = dict(files)
    for path, (mode, data) in files.items():
        if b"\0" in data or rng.random() < 0.3:
            continue
        lines = data.splitlines(keepends=True)
        at, size = rng.randint(0, len(lines)), rng.randint(1, 15)
        block = lines[at : at + size]
        kind = rng.random()
        if kind < 0.35:
            lines[:0] = [_line(rng) + b"\n" for _ in range(size)]
        elif kind < 0.65:  # a copy of a block before or after it
            where = rng.randint(0, len(lines))
            lines[where:where] = [line if line.endswith(b"\n") else line + b"\n" for line in block]
        elif kind < 0.85:
            lines[at:at] = [_line(rng) + b"\n" for _ in range(rng.randint(1, 3))]
        else:
            del lines[at : at + rng.randint(1, 4)]
        after[path] = (mode, b"".join(lines))
    return after


@dataclass(frozen=True, kw_only=True)
class StoredCase:
    """The commits of one case: base, the first half of the edit, the edit, the drifted base."""

    seed: int
    base: str
    half: str
    edit: str
    drift: str


def store(folder: Path, seeds: Iterable[int]) -> Iterator[StoredCase]:
    """Draw the trees of all cases and write them into a bare repository at once."""
    subprocess.run(["git", "init", "--bare", "-q", str(folder)], check=True, env=_ENV)
    seeds, stream = list(seeds), []
    for number, seed in enumerate(seeds):
        rng = random.Random(seed)
        base = tree(rng)
        half = edited(rng, base, plain=is_plain(seed))
        edit = edited(rng, half, plain=is_plain(seed))
        first = 4 * number + 1
        for at, (files, parent) in enumerate(
            [(base, 0), (half, first), (edit, first + 1), (drifted(rng, base), first)]
        ):
            stream.append(_commit(first + at, files, parent))
    marks = folder / "case.marks"
    subprocess.run(
        ["git", "fast-import", "--quiet", "--force", f"--export-marks={marks}"],
        input=b"".join(stream),
        check=True,
        cwd=folder,
        env=_ENV,
    )
    ids = dict(line.split() for line in marks.read_text().splitlines())
    for number, seed in enumerate(seeds):
        base, half, edit, drift = (ids[f":{4 * number + at}"] for at in range(1, 5))
        yield StoredCase(seed=seed, base=base, half=half, edit=edit, drift=drift)


def _commit(mark: int, files: Mapping[str, tuple[str, bytes]], parent: int) -> bytes:
    parts = [b"reset refs/heads/x\n"] if not parent else []
    head = f"commit refs/heads/x\nmark :{mark}\ncommitter T <t@t> 1700000000 +0000\n"
    parts.append(head.encode() + b"data 8\nSubject\n" + b"\n")
    if parent:
        parts.append(f"from :{parent}\n".encode())
    parts.append(b"deleteall\n")
    for path, (mode, data) in files.items():
        parts.append(f"M {mode} inline {path}\n".encode() + b"data %d\n" % len(data) + data + b"\n")
    return b"".join(parts)


def git(folder: Path, *arguments: str) -> bytes:
    """Run git in the repository."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=_ENV, check=True, capture_output=True
    )
    return done.stdout


def merged(folder: Path, case: StoredCase) -> str | None:
    """The tree of git's own merge of the edit into the drifted tree; None with a conflict."""
    merge = ("-c", "merge.directoryRenames=false", "merge-tree", "--write-tree")
    done = subprocess.run(
        ["git", *merge, case.drift, case.edit],
        cwd=folder,
        env=_ENV,
        check=False,
        capture_output=True,
        text=True,
    )
    return done.stdout.split()[0] if done.returncode == 0 else None


# The ways in which a patch is written; those with a note may be refused, see the test.
DIALECTS = (
    *("git", "renames", "binary", "mnemonic", "plain", "dated", "mails", "encoded"),
    *("crlf", "noprefix", "relative", "parent", "cut"),
)
_PLAIN = ("plain", "dated")


def dialect_of(seed: int) -> str:
    """The dialect of a case: all are drawn equally often."""
    return DIALECTS[seed % len(DIALECTS)]


def is_plain(seed: int) -> bool:
    """Whether the dialect of a case is that of diff -u."""
    return dialect_of(seed) in _PLAIN


def patch_of(folder: Path, case: StoredCase, context: int) -> bytes:
    """The edit of a case as a patch in its dialect; a cut one ends within the diff of a file."""
    dialect = dialect_of(case.seed)
    rng = random.Random(-case.seed)
    if dialect in ("mails", "encoded"):
        return _mails(folder, case, context, rng, dialect == "encoded")
    options = {
        "renames": ["-M", "-C", "--find-copies-harder"],
        "binary": ["--full-index", "--binary"],
        "mnemonic": ["--src-prefix=i/", "--dst-prefix=w/", "--binary"],
        "plain": ["--no-renames"],
        "dated": ["--no-renames"],
        "noprefix": ["--no-prefix"],
        "relative": ["--relative=Python"],
        "parent": ["--src-prefix=a/cpython/", "--dst-prefix=b/cpython/"],
    }.get(dialect, [])
    data = git(folder, "diff-tree", "-p", f"-U{context}", *options, case.base, case.edit)
    if dialect in _PLAIN:
        return _plain(data, dated=dialect == "dated")
    if dialect == "crlf":
        return data.replace(b"\n", b"\r\n")
    if dialect == "cut":
        lines = data.splitlines(keepends=True)
        # What is left by a cut before the next file, or after a mode, is a whole patch as well.
        ends = [
            n
            for n in range(1, len(lines))
            if not lines[n].startswith(b"diff --git ") and not lines[n - 1].startswith(b"new mode")
        ]
        return b"".join(lines[: rng.choice(ends or [0])])
    return data


def _plain(data: bytes, *, dated: bool) -> bytes:
    """A patch without the header lines of git, as diff -u writes it; with dates, if `dated`."""
    kept = []
    for line in data.splitlines(keepends=True):
        if line.startswith((b"diff --git ", b"index ", b"new file mode", b"deleted file mode")):
            continue
        if dated and line.startswith((b"--- ", b"+++ ")):
            line = _date(line)  # noqa: PLW2901
        kept.append(line)
    return b"".join(kept)


def _date(line: bytes) -> bytes:
    name = line.rstrip(b"\n\t")
    time = b"1970-01-01 00:00:00" if name.endswith(b"/dev/null") else b"2024-02-03 10:20:30"
    return name + b"\t" + time + b".000000000 +0000\n"


def _mails(
    folder: Path, case: StoredCase, context: int, rng: random.Random, encoded: bool
) -> bytes:
    options = ("--stdout", f"-U{context}", "--binary", "--full-index")
    if not encoded:
        cover = ("--cover-letter",) if rng.random() < 0.3 else ()
        return git(folder, "format-patch", *options, *cover, f"{case.base}..{case.edit}")
    mails = git(folder, "format-patch", *options, f"{case.base}..{case.edit}")
    pieces = mails.split(b"\nFrom ")
    name = rng.choice([b"base64", b"quoted-printable"])
    done = []
    for number, piece in enumerate(pieces):
        head, _, body = piece.partition(b"\n\n")
        first = b"From " if number else b""
        done.append(
            first + head + b"\nContent-Transfer-Encoding: " + name + b"\n\n" + _coded(name, body)
        )
    return b"\n".join(done)


def _coded(name: bytes, body: bytes) -> bytes:
    if name == b"base64":
        return base64.encodebytes(body + b"\n")
    # CR is content, as git send-email writes it.
    coded = binascii.b2a_qp(body.replace(b"\r", b"\x00"), istext=True)
    return coded.replace(b"=00", b"=0D") + b"\n"
