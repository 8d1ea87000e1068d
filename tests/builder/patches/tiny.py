"""A tiny tree, and patches that change it."""

from __future__ import annotations

import difflib

EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


CEVAL = [f"line {number}\n" for number in range(1, 41)]


FILES: dict[str, str | bytes] = {
    "Python/ceval.c": "".join(CEVAL),
    "Python/compile.c": "".join(f"compile {number}\n" for number in range(1, 11)),
    "Lib/crlf.txt": "a\r\nb\r\nc\r\n",
    "Lib/latin1.py": b"# -*- coding: latin-1 -*-\nname = '\xe9'\n",
    "Modules/tabs.c": "{\n\tint x;\n\tint y;\n}\n",
    "Include/end.h": "one\ntwo\nlast",
}


def created(path: str, content: str | bytes, mode: str = "100644") -> bytes:
    """A patch that creates a file."""
    data = content.encode() if isinstance(content, str) else content
    lines = data.split(b"\n")
    whole = lines.pop() if lines[-1] == b"" else None
    body = b"".join(b"+" + line + b"\n" for line in lines)
    end = b"" if whole is not None else b"\\ No newline at end of file\n"
    head = f"diff --git a/{path} b/{path}\nnew file mode {mode}\n--- /dev/null\n+++ b/{path}\n"
    return head.encode() + f"@@ -0,0 +1,{len(lines)} @@\n".encode() + body + end


def change(path: str, old: str, new: str, context: int = 3) -> bytes:
    """A patch that makes `new` of `old`, as diff -u writes it."""
    lines = difflib.unified_diff(
        old.splitlines(keepends=True),
        new.splitlines(keepends=True),
        f"a/{path}",
        f"b/{path}",
        n=context,
    )
    return "".join(lines).encode()


def edit(number: int, text: str = "changed", context: int = 3) -> bytes:
    """A patch that changes one line of Python/ceval.c."""
    lines = [*CEVAL[: number - 1], f"{text}\n", *CEVAL[number:]]
    return change("Python/ceval.c", "".join(CEVAL), "".join(lines), context)
