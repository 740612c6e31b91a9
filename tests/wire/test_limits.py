"""What is too large or too slow is refused with the status that says so."""
import os
import re
import select
import threading
import time

import pytest
from support.client import Cut
from support.config import config, respond, route
from support.data import chunked, pattern
from support.gateway import eventually

LIMITS = {"line_bytes": 1000, "head_bytes": 4000, "headers": 20, "body": 10000, "body_buffer": 5000}
TIMEOUTS = {"head": "300ms", "keep_alive": "5s", "stall": "400ms"}


@pytest.fixture(scope="module")
def limited(module_factory, up):
    routes = [
        route("hello", predicates={"path": "/hello"}, endpoint=respond("hello\n")),
        route("whole", predicates={"path": "/whole"}, filters=["whole"]),
        route("unlimited", predicates={"path": "/unlimited/**"}, filters=[{"strip_prefix": 1}], limits={"body": 0}),
        route("rest"),
    ]
    return module_factory.gateway(config(routes, {"up": [up.address]}, plugins=["whole"], limits=LIMITS,
                                         timeouts=TIMEOUTS))


def refused(gw, data, status):
    with gw.client() as c:
        try:
            c.send(data)
        except OSError:
            pass
        answer = c.response()
        assert answer.status == status, answer
        assert c.closed()


def test_uri_too_long(limited):
    refused(limited, f"GET /{'a' * 2000} HTTP/1.1\r\nHost: a\r\n\r\n", 414)


def test_uri_too_long_before_its_end_came(limited):
    refused(limited, f"GET /{'a' * 2000}", 414)


def test_uri_just_right(limited):
    with limited.client() as c:
        line = "GET /hello?" + "a" * (1000 - len("GET /hello? HTTP/1.1")) + " HTTP/1.1"
        assert len(line) == 1000
        c.send(line + "\r\nHost: a\r\n\r\n")
        assert c.response().status == 200


def test_head_too_large(limited):
    refused(limited, "GET / HTTP/1.1\r\nHost: a\r\n" + f"X: {'a' * 4500}\r\n\r\n", 431)


def test_head_too_large_before_its_end_came(limited):
    refused(limited, "GET / HTTP/1.1\r\nHost: a\r\n" + f"X: {'a' * 4500}", 431)


def test_too_many_headers(limited):
    refused(limited, "GET / HTTP/1.1\r\nHost: a\r\n" + "X: a\r\n" * 20 + "\r\n", 431)


@pytest.mark.parametrize("head, status", [("GET /" + "a" * 9000, 414), ("GET / HTTP/1.1\r\nHost: a\r\nX: " + "a" * 9000, 431),
                                          ("GET / HTTP/1.1\r\nHost: a\r\n" + "X: a\r\n" * 40, 431)])
def test_too_large_in_small_pieces(limited, head, status):
    """Which are not parsed for each of them."""
    with limited.client() as c:
        for at in range(0, len(head), 50):
            if select.select([c.sock], [], [], 0)[0]:
                break
            c.send(head[at:at + 50])
        assert c.response().status == status


def test_headers_just_right(limited):
    with limited.client() as c:
        c.send("GET /hello HTTP/1.1\r\nHost: a\r\n" + "X: a\r\n" * 19 + "\r\n")
        assert c.response().status == 200


def test_trailers_too_large(limited):
    with limited.client() as c:
        c.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + f"X: {'a' * 9000}\r\n\r\n")
        assert c.response().status in (400, 431)
        assert c.closed()


@pytest.mark.parametrize("part", ["", "GET / HT", "GET / HTTP/1.1\r\nHost: a\r\nX-Slow"])
def test_slow_head(limited, part):
    with limited.client() as c:
        start = time.monotonic()
        if part:
            c.send(part)
            assert c.response().status == 408
        assert c.closed(10)
        assert 0.2 < time.monotonic() - start < 8


def test_slow_head_of_a_head_request(limited):
    """Its 408 has no body either."""
    with limited.client() as c:
        c.send("HEAD / HTTP/1.1\r\nHost: a\r\nX-Slow")
        assert c.response("HEAD").status == 408
        assert c.reader.rest() == b""


def test_head_that_trickles_for_ever(limited):
    with limited.client() as c:
        start = time.monotonic()
        try:
            c.trickle("GET / HTTP/1.1\r\nHost: a\r\nX: " + "a" * 100, delay=0.02)
        except OSError:
            pass
        assert time.monotonic() - start < 8
        try:
            assert c.response().status == 408
        except ConnectionResetError:
            pass  # sent on after the refusal


def test_stalled_upload(limited):
    """A body that stops coming ends in 408, and frees the upstream."""
    with limited.client() as c:
        c.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
        assert c.response().status == 408
        assert c.closed()


def test_body_too_large_by_its_length(limited, up):
    before = len(up.requests)
    refused(limited, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10001\r\n\r\n", 413)
    assert len(up.requests) == before


def test_connection_that_ends_says_so(limited):
    """More is to come than is read behind an answer."""
    with limited.client() as c:
        c.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4294967301\r\n\r\nabc")
        answer = c.response()
        assert answer.status == 413 and answer.headers.get("Connection") == "close"


def test_body_too_large_is_said_before_it_is_sent(limited):
    """With Expect no 100 comes, but the refusal."""
    with limited.client() as c:
        c.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 10001\r\n\r\n")
        answer = c.response()
        assert answer.interim == [] and answer.status == 413


def test_chunked_body_too_large(limited):
    with limited.client() as c:
        head = b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer = c.both_ways(head + chunked(pattern(20000), high=3000))
        assert answer.status == 413


@pytest.mark.parametrize("as_chunks", [False, True])
def test_body_just_right(limited, as_chunks):
    with limited.client() as c:
        answer = c.post("/echo", pattern(10000), chunked=as_chunks)
        assert answer.status == 200 and answer.json["size"] == 10000


@pytest.mark.parametrize("as_chunks", [False, True])
def test_body_without_a_limit(limited, as_chunks):
    with limited.client() as c:
        answer = c.post("/unlimited/echo", pattern(30000), chunked=as_chunks)
        assert answer.status == 200 and answer.json["size"] == 30000


@pytest.mark.parametrize("as_chunks", [False, True])
def test_whole_body_too_large(limited, as_chunks):
    with limited.client() as c:
        assert c.post("/whole", pattern(5001), chunked=as_chunks).status == 413


@pytest.mark.parametrize("as_chunks", [False, True])
def test_whole_body_just_right(limited, as_chunks):
    with limited.client() as c:
        answer = c.post("/whole", b"a" * 5000, chunked=as_chunks)
        assert answer.status == 200 and answer.json["size"] == 5001


def test_refused_upload_gets_its_answer(limited):
    """The refusal arrives although the client is still sending: no reset swallows it."""
    with limited.client() as c:
        answer = c.both_ways(c.compose("POST", "/echo", body=pattern(2000000)))
        assert answer.status == 413


# connections

def test_last_request_of_a_connection(gateway, up):
    gw = gateway(config([route()], {"up": [up.address]}, limits={"requests": 3}))
    with gw.client() as c:
        for i in range(3):
            answer = c.get("/echo")
            assert answer.status == 200 and (answer.headers.get("Connection") == "close") == (i == 2)
        assert c.closed()
    with gw.client() as c:  # pipelined: the rest is left to the client
        c.send(c.compose(target="/echo") * 5)
        assert [c.response().headers.get("Connection") for _ in range(3)] == [None, None, "close"]
        assert c.closed()


def test_a_listener_may_say_how_many_requests(gateway):
    listeners = ["127.0.0.1:0", {"address": "127.0.0.1:0", "limits": {"requests": 1}}]
    gw = gateway(config([route(endpoint=respond())], listeners=listeners))
    with gw.client() as many, gw.client(1) as one:
        for _ in range(5):
            assert many.get().headers.get("Connection") is None
        assert one.get().headers.get("Connection") == "close" and one.closed()


@pytest.fixture(scope="module")
def crowded(module_factory):
    """Two connections an address; the log tells who was refused. Peers of 127.0.0.8 are trusted proxies."""
    listeners = ["127.0.0.1:0", "[::1]:0", "unix:crowded.sock"]
    return module_factory.gateway(config([route(endpoint=respond("hello\n"))], listeners=listeners,
                                         limits={"client_connections": 2}, trusted_proxies=["127.0.0.8"],
                                         decorators=[{"access_log": {"path": "access.log"}},
                                                     {"errors": {"format": "problem"}}]))


def test_connections_of_one_address(crowded):
    with crowded.client(source="127.0.0.3") as a, crowded.client(source="127.0.0.3") as b:
        assert a.get().status == b.get().status == 200
        with crowded.client(source="127.0.0.3") as c:  # at once, nothing was sent
            answer = c.response()
            assert answer.status == 429 and answer.json["code"] == "GW4291"
            assert answer.headers.get("Proxy-Status") == 'gateway; error=http_request_denied; details="GW4291"'
            assert answer.headers.get("Connection") == "close" and c.closed()
        with crowded.client(source="127.0.0.4") as other:
            assert other.get().status == 200
        assert a.get().status == b.get().status == 200
        a.close()
        def again():
            with crowded.client(source="127.0.0.3") as c:
                c.request()
                return c.response().status == 200
        eventually(again)
    def logged():
        if not os.path.exists(crowded.file("access.log")):
            return False
        with open(crowded.file("access.log")) as f:
            return [x for x in f.read().splitlines() if '"status":429' in x and "127.0.0.3:" in x]
    assert eventually(logged)
    assert eventually(lambda: told(crowded, r"over limits\.client_connections: 429", 1))
    assert crowded.status()["workers"][0]["refused_connections"]["client_limit"] >= 1


def test_refused_connection_that_sends_all_the_same(crowded):
    with crowded.client(source="127.0.0.5") as a, crowded.client(source="127.0.0.5") as b:
        assert a.get().status == b.get().status == 200
        with crowded.client(source="127.0.0.5") as c:
            c.send(c.compose() * 3)
            assert c.response().status == 429
            assert c.closed()


def test_connections_of_one_ipv6_address(crowded):
    with crowded.client(1) as a, crowded.client(1) as b:
        assert a.get().status == b.get().status == 200
        with crowded.client(1) as c:
            assert c.response().status == 429


@pytest.mark.parametrize("index, source", [(0, "127.0.0.8"), (2, None)])
def test_proxies_and_unix_sockets_may_have_all(crowded, index, source):
    clients = [crowded.client(index, source=source) for _ in range(6)]
    assert [c.get().status for c in clients] == [200] * 6


def test_connections_of_many_addresses(crowded):
    """The table grows, and forgets who has left."""
    for _ in range(2):
        clients = [crowded.client(source=f"127.2.{i % 5}.{i}") for i in range(1, 120)]
        assert {c.get().status for c in clients} == {200}
        for c in clients:
            c.close()


def test_connections_over_the_limit_are_closed(gateway):
    begun = time.monotonic()
    gw = gateway(config([route(endpoint=respond())], limits={"connections": 2}))
    with gw.client() as a, gw.client() as b:
        assert a.get().status == b.get().status == 200  # so that both have been accepted before any other
        with gw.client() as c:
            assert c.closed()
        flood = [gw.client() for _ in range(50)]
        assert all(x.closed() for x in flood)
        assert gw.status()["workers"][0]["refused_connections"] == {"limit": 51, "client_limit": 0, "memory": 0}
        a.close()
        def again():
            try:
                return gw.get().status == 200
            except (OSError, Cut):
                return False
        eventually(again)
    lines = eventually(lambda: told(gw, r"over limits\.connections: closed", 51))
    assert len(lines) <= 2 + time.monotonic() - begun, "one a second at most"


def told(gw, what, count):
    """The log's lines of refused connections, once so many (or more, of tries since) were told of."""
    lines = [int(n) for n in re.findall(rf"refused connections: (\d+) {what}", gw.stderr())]
    return lines if sum(lines) >= count else None


# exchanges in flight

def test_in_flight(gateway, upstream):
    gate = threading.Event()
    upstream.on("/held", lambda c, r: (c.read_body(r), gate.wait(20), c.answer(200, b"done")))
    gw = gateway(config([route()], {"up": [upstream.address]}, limits={"in_flight": 2},
                        decorators=[{"access_log": {"path": "access.log"}}, {"errors": {"format": "problem"}}]))
    with gw.client() as a, gw.client() as b, gw.client() as c:
        a.request(target="/held")
        b.request(target="/held")
        eventually(lambda: len(upstream.requests) == 2)
        start = time.monotonic()
        for method in ("GET", "POST"):
            answer = c.get("/echo", method=method, body=b"x" * 100 if method == "POST" else None)
            assert answer.status == 503 and answer.headers.get("Retry-After") == "1"
            assert answer.json["code"] == "GW5034" and "GW5034" in answer.headers.get("Proxy-Status")
        assert time.monotonic() - start < 2
        assert gw.admin().status == 200
        gate.set()
        assert a.response().body == b.response().body == b"done"
        assert c.get("/echo").status == 200
    assert not [r for r in upstream.requests if r.path == "/echo" and r.method == "POST"]


# bodies and whole exchanges that take too long

@pytest.fixture(scope="module")
def slow(module_factory, up):
    routes = [
        route("free", predicates={"path": "/sink/free"}, limits={"body_rate": 0}),
        route("patient", predicates={"path": "/sink/patient"}, timeouts={"slow": "1500ms"}),
        route("whole", predicates={"path": "/whole"}, filters=["whole"]),
        route("long total", predicates={"path": "/long/**"}, timeouts={"total": "1500ms"}, filters=[{"strip_prefix": 1}]),
        route("total", predicates={"path": "/total/**"}, timeouts={"total": "500ms"}, filters=[{"strip_prefix": 1}]),
        route("rest"),
    ]
    return module_factory.gateway(config(routes, {"up": [up.address]}, plugins=["whole"], limits={"body_rate": 1000},
                                         timeouts={"slow": "400ms", "stall": "5s", "response": "5s"},
                                         decorators=[{"access_log": {"path": "access.log"}}]))


def upload(c, target, size, pieces, delay, chunks=False):
    """Sends a body in pieces with pauses; stops where the connection breaks."""
    framing = "Transfer-Encoding: chunked" if chunks else f"Content-Length: {size * pieces}"
    c.send(f"POST {target} HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n")
    try:
        for _ in range(pieces):
            time.sleep(delay)
            c.send((f"{size:x}\r\n" if chunks else "") + "x" * size + ("\r\n" if chunks else ""))
        if chunks:
            c.send("0\r\n\r\n")
    except OSError:
        pass


@pytest.mark.parametrize("chunks", [False, True])
@pytest.mark.parametrize("target", ["/sink", "/whole"])
def test_body_that_trickles(slow, target, chunks):
    """It never stalls, but comes at 100 bytes a second."""
    with slow.client() as c:
        start = time.monotonic()
        upload(c, target, 5, 20, 0.05, chunks)
        answer = c.response()
        assert answer.status == 408 and "GW4081" in answer.headers.get("Proxy-Status")
        assert answer.headers.get("Connection") == "close" and c.closed()
        assert 0.35 < time.monotonic() - start < 4


@pytest.mark.parametrize("chunks", [False, True])
def test_body_that_is_fast_enough(slow, chunks):
    with slow.client() as c:
        upload(c, "/sink/patient", 400, 20, 0.1, chunks)
        answer = c.response()
        assert answer.status == 200 and answer.json["size"] == 8000


def test_body_that_may_trickle(slow):
    with slow.client() as c:
        upload(c, "/sink/free", 5, 20, 0.05)
        assert c.response().json["size"] == 100


def test_body_that_begins_fast(slow):
    with slow.client() as c:
        c.send("POST /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + "x" * 50000)
        start = time.monotonic()
        assert c.response().status == 408
        assert time.monotonic() - start < 4


def test_slow_upstream_is_not_the_clients_fault(slow):
    """The gateway reads no more, since the upstream does not: the rate is not measured meanwhile."""
    with slow.client() as c:
        answer = c.both_ways(c.compose("POST", "/late-sink/1.2", body=pattern(12_000_000)))
        assert answer.status == 200 and answer.json["size"] == 12_000_000


def test_total_before_the_answer(slow):
    start = time.monotonic()
    answer = slow.get("/total/sleep/3")
    assert answer.status == 504 and "GW5043" in answer.headers.get("Proxy-Status")
    assert 0.4 < time.monotonic() - start < 2.5


def test_total_in_the_answer(slow):
    with slow.client() as c:
        start = time.monotonic()
        c.request(target="/total/half-then-sleep/3")
        with pytest.raises((Cut, ConnectionResetError)):
            c.response()
        assert 0.4 < time.monotonic() - start < 2.5


def test_total_in_a_body(slow):
    with slow.client() as c:
        start = time.monotonic()
        upload(c, "/total/sink", 100, 30, 0.05)
        assert c.response().status == 408
        assert 0.4 < time.monotonic() - start < 4


def test_total_is_not_reached(slow):
    """It is of each request, not of the connection."""
    with slow.client() as c:
        assert c.get("/long/sleep/0.01").status == 200
        time.sleep(1.6)
        assert c.get("/long/sleep/0.01").status == 200


def test_first_byte_and_between_bytes(gateway, up):
    gw = gateway(config([route()], {"up": [up.address]}, timeouts={"response": "300ms", "stall": "600ms"},
                        decorators=[{"access_log": {"path": "access.log"}}]))
    assert "GW5041" in gw.get("/sleep/2").headers.get("Proxy-Status")
    with gw.client() as c:
        start = time.monotonic()
        c.request(target="/half-then-sleep/3")
        with pytest.raises((Cut, ConnectionResetError)):
            c.response()
        assert 0.5 < time.monotonic() - start < 2.5
    def logged():
        with open(gw.file("access.log")) as f:
            return '"cut":"deadline"' in f.read()
    eventually(logged)
