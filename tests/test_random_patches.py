"""Random edits as patches in many dialects, on the same tree and on trees that others changed.

The tree after the patch is the one that git itself has, or the patch is refused: git's own tree of
the edit, or its merge for a tree that was changed. What a patch alone cannot show, that it was cut
at the end of a hunk or counted in another file, is said in the notes.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import pytest

from builder.errors import PatchError
from builder.git.repository import Repository
from builder.patches.apply import apply_series
from builder.patches.catalogue import adhoc
from tests.builder.patches import random_trees
from tests.builder.patches.random_trees import StoredCase, dialect_of

pytestmark = [pytest.mark.random, pytest.mark.slow]

# Refused on the very tree that they were made from, and why.
REFUSED = {
    "crlf": "CR LF|only line ends",
    "noprefix": "no a/ and b/",
    "relative": "begin below the top|has no diff|is empty",
    "parent": "begin above the tree",
    "cut": "cut|no hunks|is empty|no diff|only line ends|removal patch leaves|changes nothing",
}
ANYWHERE = "binary change is listed without its content|cancel each other out|is empty"
# Dialects that do not say which version they were made from.
WITHOUT_HASHES = ("plain", "dated")
# What a patch cannot show, and the words in which it is said.
SAID = {
    "relative": "in the top folder",
    "cut": "edited or cut",
    "renames": "is a copy of",  # of the other version
    **dict.fromkeys(WITHOUT_HASHES, "only place|also at|number alone"),
}


def outcome(repository: Repository, case: StoredCase, context: int) -> tuple[str, str]:
    """What became of a case: right, refused or noted, with the reason; or else wrong."""
    is_drifted = random.Random(f"tree {case.seed}").random() < 0.5
    data = random_trees.patch_of(repository.path, case, context)
    tree = repository.tree(case.drift if is_drifted else case.base)
    try:
        done = apply_series(repository, tree, [adhoc("my.diff", data)])
    except PatchError as error:
        return "refused on another tree" if is_drifted else "refused", str(error)
    right = random_trees.merged(repository.path, case) if is_drifted else repository.tree(case.edit)
    if done.tree == right:
        return "right on another tree" if is_drifted else "right", ""
    notes = " ".join(done.notes)
    words = SAID.get(dialect_of(case.seed), "")
    is_unknown = is_drifted or dialect_of(case.seed) not in (*WITHOUT_HASHES, "renames")
    noted = is_unknown and words and re.search(words, notes)
    return ("noted" if noted else "wrong"), notes or "nothing was noted"


def test_every_patch_gives_gits_tree_or_is_refused(tmp_path: Path, cases: int) -> None:
    stored = random_trees.store(tmp_path / "cases.git", range(cases))
    repository = Repository(tmp_path / "cases.git")
    counts: Counter[tuple[str, str]] = Counter()
    wrong = []
    for case in stored:
        dialect, context = (
            dialect_of(case.seed),
            random.Random(f"context {case.seed}").randint(0, 10),
        )
        what, why = outcome(repository, case, context)
        counts[dialect, what] += 1
        expected = re.search(f"{REFUSED.get(dialect, 'nothing')}|{ANYWHERE}", why)
        if what == "wrong" or (what == "refused" and context >= 3 and not expected):
            wrong.append(f"seed {case.seed} ({dialect}, -U{context}): {what}: {why}")
    print(*sorted(f"{' '.join(key)}: {count}" for key, count in counts.items()), sep="\n")
    assert not wrong, "\n".join(wrong[:20])
    for dialect in set(random_trees.DIALECTS) - set(REFUSED):
        assert counts[dialect, "right"] > counts[dialect, "refused"], dialect
    assert sum(n for key, n in counts.items() if key[1] == "right on another tree") > cases // 20
    noted = sum(counts[dialect, "noted"] for dialect in WITHOUT_HASHES)
    assert noted <= cases // 50
