"""The fence around every test: no real cache, no HOME, no network, no settings of the caller's.

Tests with the mark `real` ask for the machine as it is: they keep the environment and the network,
and share one patchbench home, which is $PATCHBENCH_HOME or lasts as long as the session.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# A deadline is a timing assertion. In CI, the same examples every time.
settings.register_profile("patchbench", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("patchbench")

_KEPT = {"PATH", "TMPDIR", "LANG", "LC_ALL", "USER", "LOGNAME"}
_KEPT_PREFIXES = ("PYTEST_", "OPENBLAS_")
_FENCE = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ALLOW_PROTOCOL": "file",
    "GIT_TERMINAL_PROMPT": "0",
    "PIP_NO_INDEX": "1",
    # Port 9 discards; nothing listens there.
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
}
_CALLERS_HOME = os.environ.get("PATCHBENCH_HOME")


def pytest_addoption(parser: pytest.Parser) -> None:
    """--cases: how many cases a test with the mark `random` draws."""
    parser.addoption("--cases", type=int, default=200, help="cases of each random test")


@pytest.fixture
def cases(request: pytest.FixtureRequest) -> int:
    """How many cases a random test draws: 200, or what --cases says."""
    count: int = request.config.getoption("--cases")
    return count


@pytest.fixture(scope="session")
def real_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """patchbench's home for tests with the mark `real`: builds are shared between them."""
    if _CALLERS_HOME:
        return Path(_CALLERS_HOME)
    return tmp_path_factory.mktemp("real-home")


@pytest.fixture(autouse=True)
def _fence(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    if request.node.get_closest_marker("real"):
        monkeypatch.setenv("PATCHBENCH_HOME", str(request.getfixturevalue("real_home")))
        return
    if "real_home" in request.fixturenames:
        pytest.fail("real_home is for tests with the mark `real`")
    for name in os.environ:
        if name not in _KEPT and not name.startswith(_KEPT_PREFIXES):
            monkeypatch.delenv(name)
    for name, value in _FENCE.items():
        monkeypatch.setenv(name, value)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    # The host's own queue would make a test wait for whoever builds or measures on this machine.
    monkeypatch.setenv("PATCHBENCH_HOST_LOCK", str(home / "host.lock"))
    _fence_network(monkeypatch)


def _fence_network(monkeypatch: pytest.MonkeyPatch) -> None:
    connect, connect_ex, lookup = (
        socket.socket.connect,
        socket.socket.connect_ex,
        socket.getaddrinfo,
    )

    def fenced_connect(self: socket.socket, address: Any) -> None:
        _refuse_remote(self.family, address)
        connect(self, address)

    def fenced_connect_ex(self: socket.socket, address: Any) -> int:
        _refuse_remote(self.family, address)
        return connect_ex(self, address)

    def fenced_lookup(host: Any, *rest: Any, **named: Any) -> Any:
        _refuse_remote(socket.AF_INET, (host,))
        return lookup(host, *rest, **named)

    monkeypatch.setattr(socket.socket, "connect", fenced_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", fenced_connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", fenced_lookup)


def _refuse_remote(family: int, address: Any) -> None:
    if family not in {socket.AF_INET, socket.AF_INET6} or address[0] in {None, "", "localhost"}:
        return
    host = address[0].decode() if isinstance(address[0], bytes) else address[0]
    try:
        is_local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = False
    if not is_local:
        # Not an exception that code under test would take for a network that is down.
        pytest.fail(f"A test without the mark `real` reached for the network: {host}")
