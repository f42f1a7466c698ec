"""What every test may count on: no network but loopback, no model hub, a home folder of its own.

Knows nothing about the tests.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import tempfile
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent

# Before anything is imported that reads them; subprocesses inherit them.
_HOME = tempfile.TemporaryDirectory(prefix="kgtune-home-")
for _name in [name for name in os.environ if name.startswith(("HF_", "MODELSCOPE_", "TRANSFORMERS_", "XDG_"))]:
    del os.environ[_name]
os.environ.update(
    HOME=_HOME.name,
    USERPROFILE=_HOME.name,
    HF_HUB_OFFLINE="1",
    HF_DATASETS_OFFLINE="1",
    TOKENIZERS_PARALLELISM="false",
    # coloured or wrapped help texts would make golden texts depend on the terminal
    COLUMNS="100",
    NO_COLOR="1",
)


def is_local(address: Any) -> bool:
    """Say whether a socket address stays on this machine."""
    if not isinstance(address, tuple):
        return True  # a Unix socket's path
    try:
        return ipaddress.ip_address(address[0].split("%")[0]).is_loopback
    except ValueError:
        return address[0] in {"localhost", ""}


def _guarded(connect: Any) -> Any:
    def guard(self: socket.socket, address: Any) -> Any:
        if not is_local(address):
            raise PermissionError(f"a test tried to reach {address!r}; tests stay on this machine")
        return connect(self, address)

    return guard


socket.socket.connect = _guarded(socket.socket.connect)  # type: ignore[method-assign]
socket.socket.connect_ex = _guarded(socket.socket.connect_ex)  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start every test in the repository, as a user does: relative paths of config.yaml begin there."""
    monkeypatch.chdir(REPOSITORY)
