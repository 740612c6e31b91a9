"""What is too large or too slow is refused with the status that says so."""
import time

import pytest
from support.config import config, respond, route
from support.data import chunked, pattern

LIMITS = {"line_bytes": 1000, "head_bytes": 4000, "headers": 20, "body": 10000, "body_buffer": 5000}
TIMEOUTS = {"head": "300ms", "keep_alive": "5s", "stall": "400ms"}


@pytest.fixture(scope="module")
def limited(module_factory, up):
    routes = [
        route("hello", predicates={"path": "/hello"}, endpoint=respond("hello\n")),
        route("whole", predicates={"path": "/whole"}, filters=["whole"]),
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
