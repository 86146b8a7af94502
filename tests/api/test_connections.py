"""A real server on a real socket: nobody can hold a connection by doing nothing."""

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import StreamingResponse

from api import guards, protocol
from api.app import create_app
from api.protocol import BoundedProtocol
from ingestor.config import Settings

Address = tuple[str, int]


@pytest.fixture
def server(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Address]:
    for module, name, value in (
        (protocol, "HEAD_S", 0.4), (protocol, "REST_S", 0.4), (protocol, "READER_S", 0.4), (guards, "_GRACE_S", 0.4),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, value)
    app = create_app(settings)

    @app.post("/taken")
    async def taken(request: Request) -> int:
        return len(await request.body())

    @app.get("/endless")
    async def endless() -> StreamingResponse:
        async def pieces() -> object:
            for _ in range(2000):
                yield b"x" * 65536

        return StreamingResponse(pieces())

    @app.get("/broken")
    async def broken() -> StreamingResponse:
        async def pieces() -> object:
            yield b"first,second\n"
            raise OSError(5, "the disk went away")

        return StreamingResponse(pieces())

    config = uvicorn.Config(app, port=0, http=BoundedProtocol, ws="none", log_config=None, access_log=False)
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield running.servers[0].sockets[0].getsockname()[:2]
    running.should_exit = True
    thread.join()


def _connected(address: Address) -> socket.socket:
    return socket.create_connection(address, timeout=5)


def _rest(connection: socket.socket) -> bytes:
    """Return what still comes until the other side ends the connection."""
    found = b""
    try:
        while piece := connection.recv(65536):
            found += piece
    except ConnectionResetError:
        pass
    return found


def _time_until_cut_off(connection: socket.socket, drips: bytes) -> float:
    """Send byte after byte; return the seconds until the other side had enough."""
    started = time.monotonic()
    for letter in drips:
        try:
            connection.sendall(bytes([letter]))
        except OSError:
            break
        time.sleep(0.02)
    return time.monotonic() - started


@pytest.mark.parametrize("begun", [b"", b"GET /health HTT", b"GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: 1"])
def test_a_head_that_never_ends_loses_its_connection(server: Address, begun: bytes) -> None:
    with _connected(server) as connection:
        connection.sendall(begun)
        started = time.monotonic()
        assert _rest(connection) == b""
        assert time.monotonic() - started < 2


def test_a_byte_now_and_then_does_not_help(server: Address) -> None:
    with _connected(server) as connection:
        drips = b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 100
        assert _time_until_cut_off(connection, drips) < 2


def test_a_slow_body_is_answered_408_and_the_connection_ends(server: Address) -> None:
    with _connected(server) as connection:
        connection.sendall(b"POST /taken HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nab")
        answer = _rest(connection)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"too_slow"' in answer


def test_a_steady_line_is_given_its_time(server: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "_LEAST_BYTES_A_SECOND", 50)
    with _connected(server) as connection:
        connection.sendall(b"POST /taken HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n")
        for _ in range(20):
            connection.sendall(b"abcde")
            time.sleep(0.05)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


def test_a_body_that_goes_on_after_the_answer_loses_its_connection(server: Address) -> None:
    with _connected(server) as connection:
        connection.sendall(b"POST /logout HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 401")
        assert _time_until_cut_off(connection, b"x" * 500) < 2


def test_somebody_who_does_not_read_loses_the_connection(server: Address) -> None:
    with _connected(server) as connection:
        connection.sendall(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(0.9)
        assert len(_rest(connection)) < 2000 * 65536


def test_somebody_who_reads_gets_everything(server: Address) -> None:
    client = http.client.HTTPConnection(*server)
    client.request("GET", "/endless")
    assert len(client.getresponse().read()) == 2000 * 65536
    client.close()


def test_half_open_connections_do_not_keep_others_waiting(server: Address) -> None:
    with ExitStack() as many:
        for _ in range(300):
            many.enter_context(_connected(server)).sendall(b"GET /health HTTP/1.1\r\n")
        times = []
        for _ in range(5):
            client = http.client.HTTPConnection(*server)
            started = time.monotonic()
            client.request("GET", "/health")
            assert client.getresponse().status == 200
            times.append(time.monotonic() - started)
            client.close()
    assert sorted(times)[2] < 0.1


def test_one_connection_serves_many_requests(server: Address) -> None:
    client = http.client.HTTPConnection(*server)
    for _ in range(3):
        client.request("POST", "/taken", body=b"x" * 5000)
        answer = client.getresponse()
        assert (answer.status, answer.read()) == (200, b"5000")
        time.sleep(0.5)
    client.close()


def test_a_stream_that_breaks_is_not_taken_for_whole(server: Address) -> None:
    client = http.client.HTTPConnection(*server)
    client.request("GET", "/broken")
    answer = client.getresponse()
    with pytest.raises(http.client.IncompleteRead):
        answer.read()
    client.close()


def test_a_head_of_two_hundred_kilobytes_is_refused(server: Address) -> None:
    with _connected(server) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 200_000 + b"\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 4")
