"""Tests without the mark `real` can reach neither the caller's home nor the network."""

from __future__ import annotations

import os
import pwd
import socket
from pathlib import Path

import platformdirs
import pytest


def test_home_and_cache_are_not_the_callers() -> None:
    callers = Path(pwd.getpwuid(os.getuid()).pw_dir)

    assert Path.home() != callers
    assert not Path(platformdirs.user_cache_dir("patchbench")).is_relative_to(callers / ".cache")
    assert "PATCHBENCH_HOME" not in os.environ


@pytest.mark.parametrize("host", ["192.0.2.1", "example.invalid"])
def test_the_network_is_out_of_reach(host: str) -> None:
    with pytest.raises(pytest.fail.Exception, match="reached for the network"):
        socket.create_connection((host, 80), timeout=1)


def test_this_machine_itself_is_in_reach() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
