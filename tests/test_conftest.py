"""The fences of the test suite hold."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest


def test_a_socket_to_another_machine_is_refused():
    with socket.socket() as outgoing, pytest.raises(PermissionError, match="tests stay on this machine"):
        outgoing.connect(("192.0.2.1", 80))


def test_a_name_lookup_does_not_open_the_way_out():
    with pytest.raises(PermissionError, match="tests stay on this machine"):
        socket.create_connection(("192.0.2.1", 443), timeout=1)


def test_loopback_works():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


def test_home_is_an_empty_folder_of_its_own():
    assert Path.home() == Path(os.environ["HOME"])
    assert "kgtune-home-" in Path.home().name


def test_model_hubs_are_offline():
    assert os.environ["HF_HUB_OFFLINE"] == "1"
