"""What editors, commit hooks and CI use is what `make check` and `.ci/run` use."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_hooks_run_the_tools_of_make_check_and_fetch_nothing() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    tools = [Path(entry).name for entry in re.findall(r"entry: (\S+.*)", hooks)]
    makefile = (ROOT / "Makefile").read_text("utf-8")
    check = makefile.partition("\ncheck:")[2].partition("\n\n")[0]
    wanted = [line.strip().removeprefix("$(BIN)/") for line in check.splitlines()[1:]]
    assert [tool.replace(" --force-exclude", "") for tool in tools] == [
        line.replace(" --check", "").removesuffix(" .") for line in wanted if "pytest" not in line
    ]
    assert set(re.findall(r"entry: (.*/)", hooks)) == {".venv/bin/"}
    assert re.findall(r"repo: (.*)", hooks) == ["local"]
    assert set(re.findall(r"language: (.*)", hooks)) == {"system"}


def test_ci_runs_all_tests_and_installs_a_wheel_elsewhere() -> None:
    workflow = (ROOT / ".github/workflows/ci.yml").read_text("utf-8")
    assert "      - run: .ci/run\n" in workflow
    assert set(re.findall(r"container: (.*)", workflow)) == {"debian:12"}
    assert "pip wheel --no-deps" in workflow
    assert "working-directory: /tmp\n" in workflow


def test_editors_keep_to_the_line_length_of_the_formatter() -> None:
    (length,) = re.findall(r"^line-length = (\d+)", (ROOT / "pyproject.toml").read_text(), re.M)
    assert f"max_line_length = {length}\n" in (ROOT / ".editorconfig").read_text()
