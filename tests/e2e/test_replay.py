"""An instance is killed while its connections are in the pool: what may be sent again goes to the next instance, and no
request fails that another one could have served."""
import itertools
import socket

import pytest
from support.config import config, route
from support.data import pattern, sha256
from support.thrift_peer import Peer

IDL = "service Echo { string Text(1: string text) }"
numbers = itertools.count()


def kill(server):
    """Nothing listens any more, and all connections end: as if its process were gone."""
    server.stopping = True
    server.listener.shutdown(socket.SHUT_RDWR)
    server.listener.close()
    for connection in list(server.open.values()):
        try:
            connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def http_pair(factory, unix=False):
    paths = [str(factory.folder / f"up{i}.sock") if unix else None for i in range(2)]
    return [factory.upstream(address=path) for path in paths]


def dies_at(path, server, before=""):
    """The server is killed when that request comes, which is not answered."""
    def handler(c, r):
        c.read_body(r)
        if before:
            c.send(before)
        kill(server)
        c.keep = False
    server.on(path, handler)


@pytest.mark.parametrize("unix", [False, True])
@pytest.mark.parametrize("method, size", [("GET", 0), ("HEAD", 0), ("PUT", 1), ("PUT", 10000), ("DELETE", 0)])
def test_http_to_the_next_instance(factory, method, size, unix):
    first, second = http_pair(factory, unix)
    gw = factory.gateway(config([route()], {"up": [first.address, second.address]}))
    path = f"/last/{next(numbers)}"
    dies_at(path, first)
    with gw.client() as c:
        assert [c.get("/echo").status for _ in range(4)] == [200] * 4
        c.request(method, path, body=pattern(size) if size else None)
        answer = c.response(method)
        assert answer.status == 200
        if method != "HEAD":
            assert answer.json["size"] == size and (not size or answer.json["sha256"] == sha256(pattern(size)))
        assert {c.get("/echo").status for _ in range(4)} == {200}
    assert [sum(r.path == path for r in s.requests) for s in (first, second)] == [1, 1]


def test_http_to_the_one_after_next(factory):
    """The next one is gone too, and its connections with it."""
    servers = [factory.upstream() for _ in range(3)]
    gw = factory.gateway(config([route()], {"up": [s.address for s in servers]}))
    def both(c, r):
        kill(servers[1])
        kill(servers[0])
        c.keep = False
    servers[0].on("/last", both)
    with gw.client() as c:
        assert [c.get("/echo").status for _ in range(3)] == [200] * 3
        assert c.get("/last").status == 200
        assert {c.get("/echo").status for _ in range(6)} == {200}


def test_http_nobody_is_left(factory):
    first, second = http_pair(factory)
    gw = factory.gateway(config([route()], {"up": [first.address, second.address]}))
    def both(c, r):
        kill(second)
        kill(first)
        c.keep = False
    first.on("/last", both)
    with gw.client() as c:
        assert [c.get("/echo").status for _ in range(2)] == [200] * 2
        answer = c.get("/last")
        assert answer.status == 502 and "GW5021" in answer.headers.get("Proxy-Status")


@pytest.mark.parametrize("method, size, before", [("POST", 10, ""), ("PUT", 20000, ""), ("GET", 0, "HTTP/1.1 2")])
def test_http_not_to_the_next_instance(factory, method, size, before):
    """What may have been done, was not held, or had begun to be answered."""
    first, second = http_pair(factory)
    gw = factory.gateway(config([route()], {"up": [first.address, second.address]}))
    dies_at("/last", first, before)
    with gw.client() as c:
        assert [c.get("/echo").status for _ in range(2)] == [200] * 2
        answer = c.get("/last", method=method, body=pattern(size) if size else None)
        assert answer.status == 502 and "GW5023" in answer.headers.get("Proxy-Status")
    assert not any(r.path == "/last" for r in second.requests)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_http_killed_between_requests(factory, method):
    """The closes have arrived before the request: whatever its method, nothing was sent yet."""
    first, second = http_pair(factory)
    gw = factory.gateway(config([route()], {"up": [first.address, second.address]}))
    clients = [gw.client() for _ in range(8)]
    for c in clients:
        c.request(target="/sleep/0.05")
    assert {c.response().status for c in clients} == {200}
    kill(first)
    for c in clients:
        c.request(method, "/echo", body=b"x" if method == "POST" else None)
    assert {c.response().status for c in clients} == {200}
    assert sum(r.path == "/echo" for r in second.requests) == 8


# calls of filters

@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_filters_call_to_the_next_instance(factory, method):
    first, second = http_pair(factory)
    up = factory.upstream()
    caller = {"caller": {"service": "asked", "target": "/check", "method": method, "body": "q" if method == "POST" else ""}}
    gw = factory.gateway(config([route("asks", "/asks", [caller])],
                                {"up": [up.address], "asked": [first.address, second.address]}, plugins=["caller"]))
    with gw.client() as c:
        assert [c.get("/asks").status for _ in range(2)] == [200] * 2
        dies_at("/check", first)
        assert {c.get("/asks").status for _ in range(4)} == {200}
    assert sum(r.path == "/check" for r in first.requests) == 2


# Thrift

def thrift_pair(factory):
    peers = [Peer(), Peer()]
    factory.upstreams += peers
    folder = factory.folder / "idl"
    folder.mkdir()
    (folder / "echo.thrift").write_text(IDL)
    endpoint = {"thrift": {"service": "echo", "method": "Text"}}
    gw = factory.gateway(config([route("text", "/text", endpoint=endpoint)], {"echo": [p.address for p in peers]},
                                idl={"folder": str(folder)}, decorators=[{"errors": {"format": "problem"}}]))
    return peers, gw


@pytest.mark.parametrize("method, status", [("PUT", 200), ("DELETE", 200), ("POST", 502)])
def test_thrift_to_the_next_instance(factory, method, status):
    """Where HTTP says that the method may be sent twice; else the call may have been carried out."""
    (first, second), gw = thrift_pair(factory)
    def last(call):
        kill(first)
        call.connection.keep = False
    with gw.client() as c:
        assert [c.post("/text", b'{"text":"a"}').status for _ in range(2)] == [200] * 2
        first.on("Text", last)
        answer = c.get("/text", method=method, body=b'{"text":"b"}')
        assert answer.status == status
        assert answer.json == "b" if status == 200 else answer.json["code"] == "GW5027"
        assert {c.post("/text", b'{"text":"c"}').status for _ in range(4)} == {200}
    assert [call.argument() for call in second.calls].count(b"b") == (status == 200)


def test_thrift_killed_between_calls(factory):
    (first, _), gw = thrift_pair(factory)
    with gw.client() as c:
        assert [c.post("/text", b'{"text":"a"}').status for _ in range(2)] == [200] * 2
        kill(first)
        assert {c.post("/text", b'{"text":"c"}').status for _ in range(4)} == {200}


def test_thrift_nobody_is_left(factory):
    (first, second), gw = thrift_pair(factory)
    def last(call):
        kill(second)
        kill(first)
        call.connection.keep = False
    with gw.client() as c:
        assert [c.post("/text", b'{"text":"a"}').status for _ in range(2)] == [200] * 2
        first.on("Text", last)
        answer = c.get("/text", method="PUT", body=b'{"text":"b"}')
        assert answer.status == 502 and answer.json["code"] == "GW5021"
