"""How long a connection lives, and in which order answers come on it."""
import time

import pytest
from support.config import config, respond, route
from support.data import pattern

GET = "GET {} HTTP/1.1\r\nHost: a\r\n{}\r\n"


def test_keeps_connection(client, up, send):
    before = len(up.requests)
    for i in range(5):
        send(client, GET.format(f"/echo?{i}", ""))
        answer = client.response()
        assert answer.status == 200 and answer.json["target"] == f"/echo?{i}"
        assert answer.headers.get("Connection", "keep-alive").lower() == "keep-alive"
    assert len(up.requests) == before + 5


def test_upstream_connection_is_reused(gw, up):
    numbers = set()
    with gw.client() as c:
        for _ in range(5):
            numbers.add(c.get("/echo").json["connection"])
    assert len(numbers) == 1


def test_close_is_honoured(client, send):
    send(client, GET.format("/echo", "Connection: close\r\n"))
    answer = client.response()
    assert answer.status == 200
    assert answer.headers.get("Connection", "").lower() == "close"
    assert client.closed()


def test_close_in_a_list_of_options(client):
    client.send(GET.format("/echo", "Connection: X-Some , CLOSE\r\n"))
    assert client.response().headers.get("Connection", "").lower() == "close"
    assert client.closed()


def test_upstream_close_does_not_close_the_client(client):
    answer = client.get("/bytes/1000?close")
    assert answer.body == pattern(1000) and answer.framing == "chunked"
    assert client.get("/echo").status == 200


def test_http10(client, send):
    send(client, "GET /bytes/5000 HTTP/1.0\r\nHost: a\r\n\r\n")
    answer = client.response()
    assert answer.status == 200 and answer.body == pattern(5000)
    assert client.closed()


def test_http10_without_host(client):
    client.send("GET /bytes/10 HTTP/1.0\r\n\r\n")
    assert client.response().body == pattern(10)


def test_http10_without_host_names_the_service(client):
    """HTTP/1.1 asks for a Host, and many servers take no empty one."""
    client.send("GET /echo HTTP/1.0\r\n\r\n")
    headers = client.response().json["headers"]
    assert [v for n, v in headers if n == "Host"] == ["up"]
    assert not [v for n, v in headers if n == "X-Forwarded-Host"], "nobody said so"


@pytest.mark.parametrize("target", ["/bytes/70000?chunked", "/bytes/70000?close"])
def test_http10_gets_no_chunks(client, target):
    client.send(f"GET {target} HTTP/1.0\r\nHost: a\r\n\r\n")
    answer = client.response()
    assert answer.framing == "close" and answer.body == pattern(70000)
    assert "Transfer-Encoding" not in answer.headers


def test_http10_gets_no_interim(client):
    client.send("GET /interim HTTP/1.0\r\nHost: a\r\n\r\n")
    answer = client.response()
    assert answer.interim == [] and answer.body == b"after hints"


def test_http10_upstream(client):
    answer = client.get("/http10/70000")
    assert answer.status == 200 and answer.body == pattern(70000)
    assert client.get("/echo").status == 200


def test_pipelining(client, up, send):
    before = len(up.requests)
    send(client, "".join(GET.format(f"/echo?{i}", "") for i in range(8)))
    assert [client.response().json["target"] for _ in range(8)] == [f"/echo?{i}" for i in range(8)]
    assert len(up.requests) == before + 8


def test_pipelining_with_bodies(client, send):
    data = b""
    for i in range(6):
        data += client.compose("POST", f"/echo?{i}", body=b"x" * i * 100, chunked=i % 2 == 1)
    send(client, data)
    for i in range(6):
        answer = client.response()
        assert answer.json["target"] == f"/echo?{i}" and answer.json["size"] == i * 100


def test_pipelining_in_random_pieces(client):
    data = b"".join(client.compose("POST", f"/echo?{i}", body=pattern(3000 + i), chunked=i % 2 == 0) for i in range(20))
    for i in range(20):
        answer = client.both_ways(data, seed=3, high=700) if i == 0 else client.response()
        assert answer.json["target"] == f"/echo?{i}" and answer.json["size"] == 3000 + i


def test_pipelining_of_what_needs_no_upstream(client):
    client.send(GET.format("/hello", "") * 50 + GET.format("/nothing-here\x7f", ""))
    for _ in range(50):
        assert client.response().body == b"hello\n"
    assert client.response().status == 400


def test_pipelining_large_answers(client):
    client.send(GET.format("/bytes/300000", "") * 4)
    for _ in range(4):
        assert client.response().body == pattern(300000)


def test_slow_first_answer_keeps_the_order(client):
    client.send(GET.format("/sleep/0.2", "") + GET.format("/hello", "") + GET.format("/echo", ""))
    assert client.response().body == b"awake"
    assert client.response().body == b"hello\n"
    assert client.response().json["target"] == "/echo"


def test_nothing_is_served_behind_a_close(client):
    client.send(GET.format("/hello", "Connection: close\r\n") + GET.format("/hello", ""))
    assert client.response().status == 200
    assert client.closed()


def test_empty_lines_before_a_request(client, send):
    send(client, "\r\n\r\n" + GET.format("/hello", ""))
    assert client.response().body == b"hello\n"


def test_head(client, send):
    full = client.get("/bytes/1234")
    send(client, "HEAD /bytes/1234 HTTP/1.1\r\nHost: a\r\n\r\n")
    answer = client.response("HEAD")
    assert answer.status == 200 and answer.body == b""
    assert answer.headers.get("Content-Length") == full.headers.get("Content-Length") == "1234"
    assert client.get("/hello").body == b"hello\n"


def test_head_of_chunked(client):
    answer = client.get("/bytes/1234?chunked", method="HEAD")
    assert answer.status == 200 and "Content-Length" not in answer.headers
    assert client.get("/hello").body == b"hello\n"


def test_head_of_a_reply(client):
    answer = client.get("/hello", method="HEAD")
    assert answer.status == 200 and answer.headers.get("Content-Length") == "6"
    assert client.get("/hello").body == b"hello\n"


@pytest.mark.parametrize("target, status, length", [
    ("/status/204", 204, None), ("/status/304", 304, None), ("/status/304?length=77", 304, "77")])
def test_answers_without_a_body(client, target, status, length):
    answer = client.get(target)
    assert answer.status == status and "Transfer-Encoding" not in answer.headers
    assert answer.headers.get("Content-Length") == length
    assert client.get("/hello").body == b"hello\n"


@pytest.mark.parametrize("status", [200, 201, 299, 400, 404, 418, 500, 503])
def test_status_passes(client, status):
    answer = client.get(f"/status/{status}")
    assert answer.status == status and answer.reason == "Chosen" and answer.body == b""


def test_idle_connection_is_closed(gateway):
    gw = gateway(config([route(endpoint=respond())], timeouts={"keep_alive": "200ms"}))
    with gw.client() as c:
        start = time.monotonic()
        assert c.get().status == 200
        assert c.closed(5)
        assert 0.15 < time.monotonic() - start < 4


def test_dead_pooled_connection_is_not_used(gw, up):
    """The upstream closed it while it was idle: the next request gets a fresh one."""
    with gw.client() as c:
        for _ in range(3):
            assert c.get("/echo").status == 200
            up.drop_connections()
            time.sleep(0.05)
        assert c.get("/echo").status == 200
