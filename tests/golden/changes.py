"""Results made by hand of a commit as the candidate, and of several arms that nobody tested."""

from __future__ import annotations

import copy
from typing import Any

from tests.golden.specimen import specimen

PATCH = """\
diff --git a/Objects/obmalloc.c b/Objects/obmalloc.c
--- a/Objects/obmalloc.c
+++ b/Objects/obmalloc.c
@@ -1,3 +1,4 @@
 /* a comment */
-static int old;
+static int first;
+static int second;
 /* `ticks` and ``` fences */
diff --git a/Misc/NEWS b/Misc/NEWS
--- a/Misc/NEWS
+++ b/Misc/NEWS
@@ -1 +1,2 @@
 News
+* Faster.
"""
COMMIT = {
    "subject": "bpo-37543: optimize pymalloc (#14674)",
    "name": "fb26504d14a08fcd61bb92bb989b6d2b12188535",
    "steps": [
        {
            "name": "fb26504d14a08fcd61bb92bb989b6d2b12188535",
            "subject": "bpo-37543: optimize pymalloc (#14674)",
            "author": "Inada Naoki",
            "date": "2019-07-17",
        }
    ],
    "commits": 1,
    "lacking": 0,
    "files": [
        {"path": "Objects/obmalloc.c", "kind": "objects", "added": 2, "removed": 1},
        {"path": "Misc/NEWS", "kind": "docs", "added": 1, "removed": 0},
    ],
    "count": {"files": 2, "added": 3, "removed": 1},
    "kinds": {
        "objects": {"files": 1, "added": 2, "removed": 1},
        "docs": {"files": 1, "added": 1, "removed": 0},
    },
    "patch": PATCH,
    "left_out": 0,
    "patch_file": "changes/fb26504d14.diff",
    "note": "",
}


def commit() -> dict[str, Any]:
    """A commit against its parent: one candidate, the gate passed, nothing slower."""
    content = specimen()
    content["experiment"]["name"] = "adhoc"
    base, candidate = content["base"], content["candidates"][0]
    parent = "7036e1de3a87d36c7ef41b8a2b44ed6fc4d34be2"
    base["revision"] |= {"version": "3.9.0a0", "commit": parent, "name": parent[:12]}
    base["revision"]["origin"] = "first parent of fb26504d14, which is on master"
    base["title"] = "3.9.0a0 7036e1de3a plain"
    candidate |= {"name": "fb26504d14", "title": "3.9.0a0 fb26504d14 plain", "series": []}
    candidate["revision"] |= {"version": "3.9.0a0", "commit": COMMIT["name"], "name": "fb26504d14"}
    candidate |= {"change": copy.deepcopy(COMMIT), "differences": [], "warnings": []}
    candidate["gate"] |= {"tests": 423, "flaky": [], "base_failed": []}
    candidate["build"]["facts"] |= {"indirect_jumps": 230, "eval_bytes": 61464}
    base["build"]["code_bytes"], candidate["build"]["code_bytes"] = 2_345_678, 2_346_702
    candidate["comparisons"] = [
        row for row in candidate["comparisons"] if row["verdict"] not in ("slower", "undecided")
    ]
    content["candidates"] = [candidate]
    content["warnings"] = []
    return content


def several() -> dict[str, Any]:
    """Three arms without a gate, each with a change of its own, two of the same weakness."""
    content = specimen()
    first = content["candidates"][0] | {"gate": None, "differences": []}
    arms = []
    for name, title in (("fast-add", "Fast add"), ("fast-sub", "Fast sub"), ("lto", "")):
        arm = copy.deepcopy(first) | {"name": name, "series": [f"3.13/{name}"] if title else []}
        arm["title"] = f"3.13.5 plain + 3.13/{name}" if title else "3.13.5 lto"
        arm["change"] = {"subject": title or "flavor lto against plain"}
        if title:
            steps = [
                {"name": f"3.13/{name}/000{n}.patch", "subject": f"{title}, part {n}"}
                for n in (1, 2)
            ]
            arm["change"] |= {
                "name": f"3.13/{name}",
                "steps": steps,
                "files": [{"path": "Python/bytecodes.c", "kind": "loop", "added": 9, "removed": 2}],
                "count": {"files": 1, "added": 9, "removed": 2},
                "kinds": {"loop": {"files": 1, "added": 9, "removed": 2}},
                "patch": PATCH,
                "left_out": 1234,
                "patch_file": f"patches/{name}/",
            }
        arms.append(arm)
    content["candidates"] = arms
    return content
