from __future__ import annotations

import pytest

from builder.generators.makefile import Makefile

TEXT = """
AST_H_DIR=\tInclude
AST_H=\t\t$(AST_H_DIR)/Python-ast.h
AST_ASDL=\t$(srcdir)/Parser/Python.asdl
OPCODETARGETS_H= \\
\t\t$(srcdir)/Python/opcode_targets.h
FLAGS ?= x
GRAMMAR_H=\t$(srcdir)/Include/graminit.h
GRAMMAR_C=\t$(srcdir)/Python/graminit.c

$(AST_H): $(AST_ASDL)
\t$(ASDLGEN) -h $(AST_H_DIR) $(AST_ASDL)

$(OPCODETARGETS_H): $(srcdir)/Lib/opcode.py
\tpython $@

$(GRAMMAR_H) $(GRAMMAR_C): Grammar/Grammar

.PHONY: regen-ast
regen-ast:
\t# from Parser/Python.asdl
\t$(PYTHON_FOR_REGEN) $(srcdir)/Parser/asdl_c.py \\
\t\t$(AST_ASDL) -H $(srcdir)/Include/internal/pycore_ast.h.new
\t$(UPDATE_FILE) $(srcdir)/Lib/written.py $(srcdir)/Lib/written.py.new
\t$(PYTHON_FOR_REGEN) $(srcdir)/Tools/build/update_file.py

regen-names: all Programs/_testembed
\t$(PYTHON_FOR_REGEN) $(srcdir)/Tools/build/names.py

regen-re: $(BUILDPYTHON)
\t./$(BUILDPYTHON) $(srcdir)/Tools/build/casefix.py
"""


@pytest.mark.parametrize(
    "target",
    [
        "regen-ast",
        "Include/Python-ast.h",
        "Python/opcode_targets.h",
        "Include/graminit.h",
        "Python/graminit.c",
    ],
)
def test_has_a_target_by_its_name_or_by_a_variable(target: str) -> None:
    assert Makefile(TEXT).has(target)


@pytest.mark.parametrize("target", ["", "regen", "regen-cases", "FLAGS", "Parser/Python.asdl"])
def test_has_no_other(target: str) -> None:
    assert not Makefile(TEXT).has(target)


def test_generating_targets_are_those_that_run_without_a_finished_build() -> None:
    assert Makefile(TEXT).generating() == ("regen-ast",)


def test_what_a_target_reads_is_not_what_it_writes() -> None:
    assert Makefile(TEXT).reads("regen-ast") == {"Parser/asdl_c.py", "Parser/Python.asdl"}


def test_an_empty_makefile() -> None:
    assert Makefile("").generating() == ()
