"""A client, or an upstream, that leaves at each step. No exchange stays, on_end runs once, the upstream side is let go;
the sanitizers say the rest when the gateway ends."""
import time

import pytest
from support.config import config, route
from support.data import pattern

POST = b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"

# What the client sends before it leaves, and how long it waits first.
STEPS = {
    "before a byte": (b"", 0),
    "in the request line": (b"GET /by", 0),
    "in the head": (b"GET /bytes/10 HTTP/1.1\r\nHost: a\r\nX-A: b", 0),
    "right after the head": (b"GET /bytes/10 HTTP/1.1\r\nHost: a\r\n\r\n", 0),
    "while the upstream thinks": (b"GET /sleep/0.3 HTTP/1.1\r\nHost: a\r\n\r\n", 0.05),
    "before the body": (POST % b"/sink", 0.02),
    "in the body": (POST % b"/sink" + bytes(1000), 0.02),
    "in a chunk size": (b"POST /sink HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1", 0.02),
    "in a chunk": (b"POST /sink HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc", 0.02),
    "in the trailers": (b"POST /sink HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ", 0.02),
    "after the body": (POST % b"/late-sink/0.2" + bytes(100000), 0.05),
    "in the answer": (b"GET /bytes/10000000 HTTP/1.1\r\nHost: a\r\n\r\n", 0.05),
    "in a chunked answer": (b"GET /bytes/10000000?chunked HTTP/1.1\r\nHost: a\r\n\r\n", 0.05),
    "after two requests": (b"GET /sleep/0.1 HTTP/1.1\r\nHost: a\r\n\r\n" * 2, 0.02),
    "waiting for 100": (b"POST /sink HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n", 0.02),
}
HOSTS = {"plain": "a", "filters": "b", "held": "c", "blocked": "d", "called": "e", "whole": "f"}


@pytest.fixture(scope="module")
def up(module_factory):
    return module_factory.upstream(receive_buffer=65536)  # or the kernel swallows what nobody reads


@pytest.fixture(scope="module")
def gw(module_factory, up):
    def at(name, filters):
        return route(name, predicates={"path": "/**", "host": HOSTS[name]}, filters=["counter_heads", *filters])
    routes = [
        route("counts", predicates={"path": "/counts"}, endpoint={"counts": {}}),
        at("plain", []),
        at("filters", [{"jitter": {"seed": 1}}, "counter", {"jitter": {"seed": 2}}]),
        at("held", [{"holder": {"after": "60ms", "times": 2}}, {"holder": {"where": "response", "after": "60ms"}}]),
        at("blocked", [{"blocker": {"pause": "60ms"}}]),
        at("called", [{"caller": {"service": "up", "target": "/sleep/0.06"}}]),
        at("whole", [{"jitter": {"seed": 4}}, "whole"]),
    ]
    return module_factory.gateway(config(
        routes, {"up": [up.address]}, plugins=["counter", "jitter", "holder", "blocker", "caller", "whole"],
        timeouts={"response": "3s", "stall": "3s"}))


def settled(gw):
    """Waits until all exchanges have ended; returns the counts."""
    end = time.monotonic() + 15
    while True:
        counts = gw.get("/counts").json
        if counts["requests"] == counts["ends"] == counts["deferred"]:
            return counts
        assert time.monotonic() < end, counts
        time.sleep(0.02)


@pytest.mark.threads
@pytest.mark.parametrize("kind", HOSTS)
@pytest.mark.parametrize("step", STEPS)
def test_client_gone(gw, kind, step):
    data, wait = STEPS[step]
    data = data.replace(b"Host: a", b"Host: " + HOSTS[kind].encode())
    for how in ("close", "reset"):
        c = gw.client(receive_buffer=8192)
        c.send(data)
        time.sleep(wait)
        getattr(c, how)()
    counts = settled(gw)
    assert counts["wrong"] == 0
    with gw.client() as c:
        assert c.get("/bytes/1000", host=HOSTS["filters"]).body == pattern(1000)


def test_upstream_is_let_go_when_the_client_leaves(gw, up):
    """The gateway closes the upstream connection of an answer nobody reads, at once and not at a deadline."""
    settled(gw)
    c = gw.client(receive_buffer=8192)
    c.request(target="/bytes/50000000", host="a")
    c.reader.until(b"\r\n\r\n", "head")
    time.sleep(0.05)
    start = time.monotonic()
    c.reset()
    settled(gw)
    assert time.monotonic() - start < 2


def test_client_that_leaves_while_paused_is_noticed(gw, up):
    """Its upload is paused by an upstream that does not read, so no read event tells."""
    def never_read(connection, request):
        time.sleep(1.5)
        connection.close()
    up.on("/never-read", never_read)
    c = gw.client()
    c.sock.setblocking(False)
    data = c.compose("POST", "/never-read", body=bytes(40_000_000), host="a")
    sent, end = 0, time.monotonic() + 0.3
    while time.monotonic() < end and sent < len(data):
        try:
            sent += c.sock.send(data[sent:sent + 65536])
        except BlockingIOError:
            time.sleep(0.01)
    assert sent < len(data), "nothing pushed back"
    start = time.monotonic()
    c.reset()
    settled(gw)
    assert time.monotonic() - start < 1.4


UPSTREAM_STEPS = ["/close", "/reset", "/reset-head", "/reset-body", "/cut", "/cut-chunked", "/vanish-in-body",
                  "/early-close/200", "/garbage", "/bad-chunk"]


@pytest.mark.parametrize("kind", HOSTS)
@pytest.mark.parametrize("target", UPSTREAM_STEPS)
def test_upstream_gone(gw, kind, target):
    for body in (None, pattern(70000)):
        with gw.client(timeout=8) as c:
            data = c.compose("GET" if body is None else "POST", target, body=body, host=HOSTS[kind])
            try:
                answer = c.both_ways(data)
                assert answer.status in (200, 502)
            except (Exception,) as e:
                assert type(e).__name__ in ("Cut", "ConnectionResetError"), e
    assert settled(gw)["wrong"] == 0


def test_no_descriptor_is_left(gw, up):
    settled(gw)
    up.drop_connections()
    time.sleep(0.1)
    gw.get("/counts")
    before = gw.descriptors()
    for step in STEPS:
        c = gw.client()
        c.send(STEPS[step][0])
        c.reset()
    settled(gw)
    end = time.monotonic() + 5
    while gw.descriptors() > before and time.monotonic() < end:
        up.drop_connections()  # of the pool; some were still being made
        time.sleep(0.02)
    assert gw.descriptors() <= before
