"""Which tests a selection has, by what the tree of a build has.

CPython's tests are renamed, split into packages and added from version to version. A selection
names those of every version; what a tree does not have is left out, and listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.versions import is_python2

# Tests of the interpreter: evaluation loop, compiler, built-in types, tracing, threads and memory.
CORE = (
    "test_grammar test_opcodes test_compile test_dis test_peepholer test_code test_builtin "
    "test_generators test_genexps test_coroutines test_exceptions test_raise test_with test_scope "
    "test_class test_descr test_super test_property test_call test_extcall test_funcattrs "
    "test_int test_long test_float test_complex test_bool test_str test_unicode test_bytes "
    "test_string test_list test_tuple test_dict test_set test_slice test_range test_xrange "
    "test_iter test_itertools test_enumerate test_unpack test_unpack_ex test_listcomps "
    "test_binop test_augassign test_compare test_richcmp test_contains test_global test_dynamic "
    "test_operator test_functools test_weakref test_gc test_sys test_sys_settrace "
    "test_sys_setprofile test_trace test_thread test_threading test_signal test_import "
    "test_marshal test_pickle test_copy test_json test_re test_struct test_decimal"
).split()

# What the loops of Python 3 have besides: inline caches and specialization, sys.monitoring, the
# optimizer of traces, frames, patterns, exception groups, interpreters of one process, and the C
# API as far as it creates frames, calls, and watches what the optimizer relies on. Of packages
# whose other parts take long, only those parts are named.
CORE_OF_3 = (
    "test_opcache test_monitoring test_generated_cases test_optimizer test_type_cache test_patma "
    "test_frame test_except_star test_exception_group test_named_expressions test_yield_from "
    "test_asyncgen test_keywordonlyarg test_positional_only_arg test_type_params test__opcode "
    "test_compiler_codegen test_compiler_assemble test_thread_local_bytecode test_tstring "
    "test_interpreters.test_api test_interpreters.test_lifecycle "
    "test_capi.test_opt test_capi.test_eval test_capi.test_eval_code_ex test_capi.test_watchers "
    "test_capi.test_frame test_capi.test_function test_capi.test_object test_capi.test_type "
    "test_capi.test_list test_capi.test_dict test_capi.test_tuple test_capi.test_long "
    "test_capi.test_immortal test_capi.test_exceptions"
).split()

# What only builds without the GIL need: on others it takes long and says little.
FREE_THREADED = ("test_free_threading",)

# For further layouts of a source that was tested already: checks that the build was linked well.
SHORT = (
    "test_grammar test_opcodes test_builtin test_generators test_exceptions test_descr test_int "
    "test_long test_float test_list test_tuple test_dict test_set test_gc test_sys test_struct"
).split()


@dataclass(frozen=True, kw_only=True)
class Selected:
    """The tests of a selection that a tree has, and those that it has not."""

    names: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def selected(
    folder: Path, selection: str, *, version: str, free_threaded: bool = False
) -> Selected:
    """The tests of a selection in a tree's folder of tests; `version` is that of its Python."""
    if selection == "full":
        return Selected(names=tuple(sorted(available(folder))))
    wanted = _names(selection, version, free_threaded)
    names = {name for name in wanted if has_test(folder, name)}
    return Selected(names=tuple(sorted(names)), left_out=tuple(sorted(set(wanted) - names)))


def available(folder: Path) -> set[str]:
    """The names of all tests; a test is a module or a package.

    Data files such as 2.7's test_doctest3.txt are left out.
    """
    return {path.stem for path in folder.glob("test_*") if has_test(folder, path.stem)}


def has_test(folder: Path, name: str) -> bool:
    """Whether there is a test of this name, which may be a part of a package (test_a.test_b)."""
    path = folder.joinpath(*name.split("."))
    return path.with_name(f"{path.name}.py").is_file() or (path / "__init__.py").is_file()


def _names(selection: str, version: str, free_threaded: bool) -> Sequence[str]:
    if selection == "short":
        return SHORT
    if is_python2(version):
        return CORE
    return (*CORE, *CORE_OF_3, *(FREE_THREADED if free_threaded else ()))
