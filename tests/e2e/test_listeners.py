"""Listeners: several, on Unix sockets, and with several workers."""
import socket
import threading

import pytest
from support.config import config, respond, route
from support.data import pattern
from support.gateway import eventually, unused_port
from support.thrift_peer import Peer


def test_two_listeners(gateway, upstream):
    gw = gateway(config([route()], {"up": [upstream.address]}, listeners=["127.0.0.1:0", "127.0.0.1:0"]))
    assert len(set(gw.ports)) == 2
    for _ in range(2):  # each keeps its own
        assert gw.reload().status == 200
    for index in range(2):
        with gw.client(index) as c:
            assert c.get("/bytes/1000").body == pattern(1000)


def test_unix_listener(gateway, upstream, factory):
    path = factory.folder / "front.sock"
    gw = gateway(config([route()], {"up": [upstream.address]}, listeners=[f"unix:{path}"], workers=2))
    clients = [gw.client() for _ in range(8)]
    for c in clients:
        answer = c.get("/echo")
        assert answer.status == 200
        assert not any(n == "X-Forwarded-For" and v == "127.0.0.1" for n, v in answer.json["headers"])
        assert c.post("/sink", pattern(200000)).json["size"] == 200000
    gw.stop()
    assert not path.exists()


def test_stale_unix_socket_is_replaced(gateway, factory):
    import socket
    path = str(factory.folder / "front.sock")
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(path)
    stale.close()
    gw = gateway(config([route(endpoint=respond())], listeners=[f"unix:{path}"]))
    assert gw.get("/").status == 200


@pytest.fixture
def ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 on this machine")


def test_ipv6(gateway, ipv6):
    gw = gateway(config([route(endpoint=respond("six"))], listeners=["[::1]:0"]))
    with socket.create_connection(("::1", gw.port), 10) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n")
        data = b""
        while True:
            part = s.recv(4096)
            if not part:
                break
            data += part
    assert data.endswith(b"six")


def test_all_addresses(gateway, ipv6):
    """Those of IPv4 and of IPv6 are two listeners, which may have the same port."""
    port = unused_port()
    gw = gateway(config([route(endpoint=respond())], listeners=[f":{port}", f"[::]:{port}"]))
    for host in ("127.0.0.1", "127.0.0.2", "::1"):
        with socket.create_connection((host, port), 10) as s:
            s.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert s.recv(100).startswith(b"HTTP/1.1 200")
    assert gw.addresses == [f"0.0.0.0:{port}", f"[::]:{port}"]


def test_limits_of_a_listener(gateway):
    gw = gateway(config([route(endpoint=respond())], listeners=[
        {"address": "127.0.0.1:0", "limits": {"line_bytes": 300}}, "127.0.0.1:0"]))
    target = "/" + "a" * 500
    with gw.client(0) as c:
        assert c.get(target).status == 414
    with gw.client(1) as c:
        assert c.get(target).status == 200


@pytest.mark.threads
def test_two_workers(gateway, upstream):
    gw = gateway(config([route("hello", path="/hello", endpoint=respond()), route(filters=["jitter", "counter"])],
                        {"up": [upstream.address]}, workers=2, plugins=["jitter", "counter"]))
    wrong = []

    def run(number):
        for i in range(10):
            with gw.client() as c:
                for size in (10, 3000, 100000):
                    if c.get(f"/bytes/{size}").body != pattern(size):
                        wrong.append(("get", number, i, size))
                    if c.post("/sink", pattern(size), chunked=i % 2 == 0).json["size"] != size:
                        wrong.append(("post", number, i, size))
                if c.get("/hello").body != b"hello":
                    wrong.append(("hello", number, i))
    threads = [threading.Thread(target=run, args=(n,)) for n in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert not wrong


def test_many_connections(gateway):
    gw = gateway(config([route(endpoint=respond())], workers=2))
    clients = [gw.client() for _ in range(400)]
    for c in clients:
        c.request()
    assert all(c.response().status == 200 for c in clients)
    for c in clients:
        c.request(target="/again")
    assert all(c.response().status == 200 for c in clients)


def test_most_connections(gateway):
    """Over the limit a connection is refused or waits; those within it are served."""
    gw = gateway(config([route(endpoint=respond())], limits={"connections": 5}, workers=1))
    clients = [gw.client() for _ in range(5)]
    assert all(c.get().status == 200 for c in clients)
    with gw.client(timeout=0.5) as extra:
        try:
            assert extra.get().status == 503
        except Exception as e:
            assert isinstance(e, (OSError, AssertionError)) or type(e).__name__ == "Cut"
    assert all(c.get().status == 200 for c in clients)
    clients[0].close()
    from support.gateway import eventually

    def served():
        try:
            with gw.client(timeout=1) as c:
                return c.get().status == 200
        except Exception:
            return False
    eventually(served, what="a place for another connection")


@pytest.mark.parametrize("kind", ["ipv6", "unix"])
def test_instances_at_every_kind_of_address(gateway, factory, kind):
    """HTTP and Thrift; a dead one beside is passed over, and a closed connection is replaced."""
    (factory.folder / "idl").mkdir()
    (factory.folder / "idl" / "echo.thrift").write_text("service Echo { string Text(1: string text) }")
    if kind == "unix":
        dead, paths = f"unix:{factory.folder}/dead.sock", [str(factory.folder / name) for name in ("http.sock", "thrift.sock")]
        up, peer = factory.upstream(address=paths[0]), Peer(address=paths[1])
    else:
        dead = f"[::1]:{unused_port()}"
        up, peer = factory.upstream(host="::1"), Peer(address=("::1", 0))
    factory.upstreams.append(peer)
    gw = gateway(config([route("text", path="/text", endpoint={"thrift": {"service": "echo", "method": "Text"}}), route()],
                        {"up": [dead, up.address], "echo": [dead, peer.address]}, idl={"folder": str(factory.folder / "idl")},
                        decorators=[{"access_log": {"path": "access.log"}}]))
    with gw.client() as c:
        for _ in range(3):
            assert c.post("/echo", b"x" * 100_000).json["size"] == 100_000
            assert c.post("/text", b'{"text":"a"}').json == "a"
            up.drop_connections()
            peer.drop_connections()

    eventually(lambda: {x["upstream"] for x in gw.log()} == {up.address, peer.address})
