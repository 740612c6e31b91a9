"""Clients that are slow to read: they get all of their answer, and no more memory than it takes."""
import time

import pytest
from support.client import Client
from support.config import config, respond, route
from support.data import pattern, sha256

HUGE = 12_000_000  # more than what a kernel keeps for a socket
ROUTES = [route("huge", predicates={"path": "/huge"}, endpoint=respond("x" * HUGE)),
          route("large", predicates={"path": "/large"}, endpoint=respond("x" * 60_000)), route("up", path="/**")]


@pytest.fixture(scope="module")
def gw(module_factory):
    up = module_factory.upstream()
    return module_factory.gateway(config(ROUTES, {"up": [up.address]},
                                         timeouts={"stall": "4s", "keep_alive": "2s"}))


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1"])
def test_pause_before_the_end_of_a_closing_answer(gw, version):
    """Longer than connections linger, shorter than the stall timeout."""
    with gw.client(receive_buffer=4096) as c:
        c.request(target="/huge", headers=[("Connection", "close")], version=version)
        c.reader.until(b"\r\n\r\n", "head")
        time.sleep(2.5)
        assert len(c.slow_rest(1 << 20, 0, HUGE)) == HUGE
        assert c.closed()


def test_half_closed_behind_the_answer(gw):
    """The request is answered in full already; what the client has not read yet still comes."""
    size = 150_000
    with gw.client(receive_buffer=4096) as c:
        c.request(target=f"/bytes/{size}")
        c.reader.until(b"\r\n\r\n", "head")
        time.sleep(0.3)
        c.half_close()
        time.sleep(0.3)
        assert len(c.slow_rest(4096, 0, size)) == size


def unsent_bytes(port):
    """That the kernel holds for the clients of a port: sent and not acknowledged, or not sent yet."""
    with open("/proc/net/tcp") as f:
        rows = [line.split() for line in f.read().splitlines()[1:]]
    return sum(int(row[4].partition(":")[0], 16) for row in rows if int(row[1][-4:], 16) == port and row[3] == "01")


@pytest.mark.parametrize("read", [0, 3_000_000])
def test_what_the_kernel_holds_for_a_slow_reader(gw, read):
    """Not the megabytes that a send buffer may grow to."""
    with gw.client(receive_buffer=4096) as c:
        c.request(target="/bytes/20000000")
        c.reader.until(b"\r\n\r\n", "head")
        for _ in range(read // 1000):
            c.sock.recv(1000)
        time.sleep(0.5)
        assert 0 < unsent_bytes(gw.port) < 400_000


@pytest.mark.plain
def test_requests_without_end_and_nothing_read(gw):
    """Pipelined requests are served as their answers are read, not faster."""
    gw.get("/large")
    before = gw.rss_kib()
    with gw.client(receive_buffer=4096, timeout=1) as c:
        request = c.compose(target="/large")
        try:
            for _ in range(400):
                c.send(request * 20)
        except OSError:
            pass
        time.sleep(0.5)
        assert gw.rss_kib() - before < 4096


def test_all_pipelined_answers_come(gw):
    with gw.client(receive_buffer=4096) as c:
        c.send(c.compose(target="/large") * 100)
        time.sleep(0.2)
        for _ in range(100):
            assert len(c.response().body) == 60_000
        assert c.get("/bytes/10").body == pattern(10)


def test_stop_does_not_wait_for_idle_connections(gateway, upstream):
    """A connection whose answer was under way when the stop came is closed behind it."""
    def slow(c, r):
        c.send("HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + "x" * 1000)
        time.sleep(0.5)
        c.send("x" * 1000)
    upstream.on("/slow", slow)
    gw = gateway(config([route("up", path="/**")], {"up": [upstream.address]}))
    c = Client(gw.port)
    c.request(target="/slow")
    c.reader.until(b"\r\n\r\n", "head")
    start = time.monotonic()
    gw.stop()
    assert time.monotonic() - start < 3
    assert c.reader.exactly(2000, "body") and c.closed()


@pytest.mark.parametrize("target", ["/huge", f"/bytes/{HUGE}", f"/bytes/{HUGE}?chunked"])
def test_reader_that_trickles_is_cut(module_factory, target):
    """A few bytes now and then are no progress: the socket takes nothing more from the gateway meanwhile."""
    up = module_factory.upstream()
    gw = module_factory.gateway(config(ROUTES, {"up": [up.address]}, timeouts={"stall": "500ms"}))
    gw.get("/bytes/10")
    time.sleep(0.3)  # until that connection is gone
    before = gw.descriptors()
    with gw.client(receive_buffer=4096) as c:
        c.request(target=target)
        c.reader.until(b"\r\n\r\n", "head")
        assert gw.descriptors() > before
        start = time.monotonic()
        while gw.descriptors() > before:
            assert time.monotonic() - start < 1.5  # the timeout and a second
            c.sock.recv(10)
            time.sleep(0.02)
    assert gw.get("/bytes/10").body == pattern(10)
