from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.benchmarks import packages
from bench.util import INSIDE

SHIM = INSIDE / "run_pip.py"


def test_it_runs_the_pip_that_is_found(tmp_path: Path) -> None:
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "__init__.py").touch()
    (tmp_path / "pip" / "__main__.py").write_text("import sys; print(sys.argv[1:], sys.path[0])")
    done = subprocess.run(
        [sys.executable, str(SHIM), "install", "x y"],
        env={"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"['install', 'x y'] {tmp_path}\n"


def test_only_python_2_needs_it() -> None:
    source = packages.PackageSource()
    new = packages.pip_command(Path("/p"), ["install"], source)
    assert new.argv == ("/p", "-m", "pip", "install")
    old = packages.pip_command(Path("/p"), ["install"], source, python2=True)
    assert old.argv == ("/p", str(SHIM), "install")
