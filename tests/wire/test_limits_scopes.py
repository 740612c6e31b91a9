"""What a listener or a route says of a limit or timeout holds there, and the top's everywhere else."""
import itertools
import time

import pytest
from support.config import config, route

NARROW = [
    {"limits": {"line_bytes": 300, "head_bytes": 600, "headers": 3}, "timeouts": {"head": "250ms", "keep_alive": "250ms"}},
    {"limits": {"client_connections": 1}},
    {"limits": {"connections": 1}},
]
WIDE, HEADS, PER_CLIENT, ALL = range(4)  # listeners
PATIENT = {"stall": "10s", "response": "10s", "slow": "10s"}
numbers = itertools.count()


@pytest.fixture(scope="module")
def gate(module_factory, up):
    def narrow(name, filters=(), **more):
        return route(name, path=f"/{name}/**", filters=[{"strip_prefix": 1}, *filters], **more)
    routes = [
        narrow("body", limits={"body": 100}), narrow("buffer", ["whole"], limits={"body_buffer": 100}),
        narrow("replay", limits={"replay": 10}), narrow("slow", limits={"body_rate": 100_000}, timeouts={"slow": "200ms"}),
        narrow("response", timeouts={"response": "200ms"}), narrow("stall", timeouts={"stall": "200ms"}),
        narrow("total", timeouts={"total": "200ms"}), narrow("wide", ["whole"]), route("rest"),
    ]
    listeners = [{"address": "127.0.0.1:0", **more} for more in [{}, *NARROW]]
    return module_factory.gateway(config(routes, {"up": [up.address]}, plugins=["whole"], listeners=listeners,
                                         limits={"body_rate": 1}, timeouts=PATIENT))


HEAD = {
    "line_bytes": ("GET /echo?" + "a" * 300 + " HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "head_bytes": ("GET /echo HTTP/1.1\r\nHost: a\r\nX: " + "a" * 600 + "\r\n\r\n", 431),
    "headers": ("GET /echo HTTP/1.1\r\nHost: a\r\nX: 1\r\nX: 2\r\nX: 3\r\n\r\n", 431),
}


@pytest.mark.parametrize("name", HEAD)
def test_heads(gate, name):
    data, status = HEAD[name]
    for listener, expected in ((HEADS, status), (WIDE, 200), (PER_CLIENT, 200)):
        with gate.client(listener) as c:
            assert c.send(data).response().status == expected


def test_time_of_a_head(gate):
    with gate.client(HEADS) as narrow, gate.client(WIDE) as wide:
        narrow.send("GET /echo HT")
        wide.send("GET /echo HT")
        assert narrow.response().status == 408
        assert wide.send("TP/1.1\r\nHost: a\r\n\r\n").response().status == 200


def test_keep_alive(gate):
    with gate.client(HEADS) as narrow, gate.client(WIDE) as wide:
        assert narrow.get("/echo").status == wide.get("/echo").status == 200
        assert narrow.closed()
        assert wide.get("/echo").status == 200


def test_client_connections(gate):
    for listener, status in ((PER_CLIENT, 429), (WIDE, 200)):
        with gate.client(listener, source="127.0.0.9") as one, gate.client(listener, source="127.0.0.9") as two:
            assert one.get("/echo").status == 200
            assert (two.response() if status == 429 else two.get("/echo")).status == status


def test_connections(gate):
    with gate.client(ALL) as one, gate.client(ALL) as two, gate.client(WIDE) as three, gate.client(WIDE) as four:
        assert one.get("/echo").status == three.get("/echo").status == four.get("/echo").status == 200
        assert two.closed()


BODY = {  # route, method, target, size of the body, status
    "body": ("PUT", "/echo", 200, 413),
    "buffer": ("PUT", "/echo", 200, 413),
    "response": ("GET", "/sleep/0.7", None, 504),
    "total": ("GET", "/sleep/0.7", None, 504),
}


@pytest.mark.parametrize("name", BODY)
def test_bodies(gate, name):
    method, target, size, status = BODY[name]
    body = None if size is None else b"x" * size
    with gate.client() as narrow, gate.client() as wide:
        narrow.request(method, f"/{name}{target}", body=body)
        wide.request(method, "/wide" + target, body=body)
        assert narrow.response().status == status
        assert wide.response().status == 200


@pytest.mark.parametrize("name", ["slow", "stall"])
def test_bodies_that_are_late(gate, name):
    with gate.client() as narrow, gate.client() as wide:
        for c, path in ((narrow, f"/{name}/sink"), (wide, "/wide/sink")):
            c.send(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n" + "x" * 2000)
        assert narrow.response().status == 408
        wide.send("x" * 1000)
        assert wide.response().status == 200


@pytest.mark.parametrize("name, status", [("replay", 502), ("wide", 200)])
def test_replay(gate, up, name, status):
    """The first connection dies without a word."""
    path = f"/dies/{next(numbers)}"

    def handler(c, r):
        c.read_body(r)
        if sum(x.path == path for x in up.requests) == 1:
            c.close()
        else:
            c.answer(200, b"fine")
    up.on(path, handler)
    with gate.client() as c:
        assert c.get("/echo").status == 200
        assert c.request("PUT", f"/{name}{path}", body=b"x" * 20).response().status == status


def test_the_narrow_ones_serve(gate):
    """What is within the limits passes."""
    time.sleep(0.05)  # until connections of other tests are gone
    for listener in (HEADS, PER_CLIENT, ALL):
        with gate.client(listener) as c:
            assert c.get("/echo").status == 200
    for name in [*BODY, "slow", "stall", "replay"]:
        with gate.client() as c:
            assert c.request("PUT", f"/{name}/echo", body=b"x" * 9).response().status == 200
