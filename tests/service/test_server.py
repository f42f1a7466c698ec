"""The listening socket and what is said of it."""

import socket

import pytest

from kgtune.errors import UserError
from kgtune.service import server


def test_what_is_accepted_sends_small_packets_at_once():
    """An answer's head and body are two writes; with Nagle's algorithm the second waits 40 ms for a client's ACK."""
    with server.listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_an_address_is_told_as_curl_takes_it_and_whether_others_reach_it():
    with server.listen("127.0.0.1", 0) as loopback, server.listen("0.0.0.0", 0) as everywhere:
        assert server.address(loopback) == f"http://127.0.0.1:{loopback.getsockname()[1]}"
        assert (server.is_open(loopback), server.is_open(everywhere)) == (False, True)


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_an_address_that_is_not_this_machines_is_a_user_error(host):
    with pytest.raises(UserError, match=rf"service\.host={host}, service\.port=0: can't be listened on"):
        server.listen(host, 0)
