"""What of a message reaches the other side, and what the gateway adds."""
import pytest
from support.client import Headers
from support.data import pattern, sha256


def seen(client, target="/echo", headers=(), **kw):
    answer = client.get(target, headers, **kw)
    assert answer.status == 200, answer
    return answer.json, Headers([tuple(h) for h in answer.json["headers"]])


def test_end_to_end_headers_pass_in_order(client):
    sent = [("X-A", "1"), ("x-b", "two words"), ("X-A", "3"), ("X-Empty", ""), ("Accept", "text/*;q=0.1, */*"),
            ("X-Obs", "caf\xe9"), ("Cookie", "a=b; c=d")]
    _, headers = seen(client, headers=sent)
    kept = [(n, v) for n, v in headers if n.lower() in {s.lower() for s, _ in sent}]
    assert kept == sent


def test_hop_by_hop_request_headers_stay(client):
    _, headers = seen(client, headers=[
        ("Connection", "X-Private, keep-alive"), ("X-Private", "1"), ("Keep-Alive", "timeout=5"),
        ("Proxy-Connection", "keep-alive"), ("TE", "trailers"), ("Upgrade", "h2c"), ("X-Public", "2")])
    for name in ("X-Private", "Keep-Alive", "Proxy-Connection", "Upgrade"):
        assert name not in headers, name
    assert headers.get("X-Public") == "2"
    assert "x-private" not in headers.get("Connection", "").lower()


def test_connection_names_any_case_and_many(client):
    _, headers = seen(client, headers=[("Connection", "x-one"), ("CONNECTION", " X-TWO ,,x-three"),
                                       ("X-One", "1"), ("x-two", "2"), ("X-THREE", "3"), ("X-Four", "4")])
    assert [n for n in ("X-One", "X-Two", "X-Three") if n in headers] == []
    assert headers.get("X-Four") == "4"


def test_connection_cannot_remove_what_the_gateway_needs(client):
    """Naming Host, Content-Length or the forwarding fields does not take them away (or is refused)."""
    answer = client.get("/echo", [("Connection", "Host, X-Forwarded-For"), ("X-Forwarded-For", "192.0.2.7")])
    if answer.status == 200:
        headers = Headers([tuple(h) for h in answer.json["headers"]])
        assert len(headers.all("Host")) == 1
        assert headers.get("X-Forwarded-For", "") == "127.0.0.1"
    else:
        assert answer.status == 400


def test_hop_by_hop_response_headers_stay(gw, up):
    def handler(c, r):
        c.read_body(r)
        c.answer(200, b"x", [("Connection", "X-Private"), ("X-Private", "1"), ("Keep-Alive", "timeout=5"),
                             ("Proxy-Connection", "close"), ("X-Public", "2"), ("Set-Cookie", "a=1"),
                             ("Set-Cookie", "b=2")])
    up.on("/hop-response", handler)
    answer = gw.get("/hop-response")
    for name in ("X-Private", "Keep-Alive", "Proxy-Connection"):
        assert name not in answer.headers, name
    assert "x-private" not in answer.headers.get("Connection", "").lower()
    assert answer.headers.get("X-Public") == "2" and answer.headers.all("Set-Cookie") == ["a=1", "b=2"]


def test_via(client):
    answer = client.get("/echo")
    headers = Headers([tuple(h) for h in answer.json["headers"]])
    assert headers.get("Via") == "1.1 gateway"
    assert answer.headers.get("Via") == "1.1 gateway"


def test_via_is_appended(client, gw, up):
    _, headers = seen(client, headers=[("Via", "1.0 fred")])
    assert headers.get("Via") == "1.0 fred, 1.1 gateway"
    up.on("/via", lambda c, r: c.answer(200, b"", [("Via", "1.1 behind")]))
    assert gw.get("/via").headers.get("Via") == "1.1 behind, 1.1 gateway"


def test_via_tells_the_version_received(client):
    client.send("GET /echo HTTP/1.0\r\nHost: a\r\n\r\n")
    headers = Headers([tuple(h) for h in client.response().json["headers"]])
    assert headers.get("Via") == "1.0 gateway"


def test_forwarded(client):
    _, headers = seen(client, host="shop.example:8080")
    assert headers.get("X-Forwarded-For") == "127.0.0.1"
    assert headers.get("X-Forwarded-Proto") == "http"
    assert headers.get("X-Forwarded-Host") == "shop.example:8080"
    assert len(headers.all("Host")) == 1


def test_forwarded_for_of_a_stranger_is_replaced(client):
    _, headers = seen(client, headers=[("X-Forwarded-For", "192.0.2.7")])
    assert headers.all("X-Forwarded-For") == ["127.0.0.1"]


def test_forwarded_in_several_fields(client):
    """What a client claims in a second field must not stand before, behind, or beside, what the gateway knows."""
    _, headers = seen(client, host="shop.example", headers=[
        ("X-Forwarded-For", "192.0.2.7"), ("X-Other", "1"), ("x-forwarded-for", "192.0.2.8"),
        ("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "gopher"),
        ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Host", "worse.example")])
    assert headers.all("X-Forwarded-For") == ["127.0.0.1"]
    assert headers.all("X-Forwarded-Proto") == ["http"] and headers.all("X-Forwarded-Host") == ["shop.example"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "M-SEARCH"])
def test_methods_pass(gw, up, method):
    with gw.client() as c:
        assert c.get(f"/echo?{method}", method=method).status == 200
    assert [r.method for r in up.requests if r.target == f"/echo?{method}"] == [method]


@pytest.mark.parametrize("target, expected", [
    ("/echo", "/echo"), ("/echo?", "/echo?"), ("/echo?a=b&c=%20", "/echo?a=b&c=%20"), ("/echo/./x", "/echo/x"),
    ("/echo/../echo/y", "/echo/y"), ("/echo/%7Euser", "/echo/~user"), ("/echo/a%2fb", "/echo/a%2Fb"),
    ("/echo/%2e%2e/echo", "/echo"), ("/../../echo", "/echo"), ("/echo?x=/../y", "/echo?x=/../y"),
    ("http://other.example/echo?1", "/echo?1"), ("/echo//double", "/echo//double"), ("/echo/", "/echo/"),
])
def test_targets(client, target, expected):
    got, _ = seen(client, target)
    assert got["target"] == expected


def test_absolute_form_wins_over_host(client):
    _, headers = seen(client, "http://other.example/echo")
    assert headers.get("X-Forwarded-Host") == "other.example"


def test_body_of_a_get(client):
    got, _ = seen(client, body=b"abc")
    assert got["method"] == "GET" and got["body"] == "abc"


def test_content_length_zero(client):
    got, headers = seen(client, method="POST", body=b"")
    assert got["size"] == 0 and headers.get("Content-Length") == "0"


@pytest.mark.parametrize("chunked", [False, True])
def test_request_framing_is_kept(client, chunked):
    got, headers = seen(client, method="POST", body=pattern(5000), chunked=chunked)
    assert got["framing"] == ("chunked" if chunked else "length")
    assert got["sha256"] == sha256(pattern(5000))
    assert len(headers.all("Content-Length")) + len(headers.all("Transfer-Encoding")) == 1


def test_request_trailers(client, send):
    send(client, client.compose("POST", "/echo", body=b"abc", chunked=True,
                                trailers=[("X-Checksum", "1"), ("Content-Length", "99"), ("Host", "evil")]))
    answer = client.response()
    assert answer.json["body"] == "abc"
    assert [tuple(t) for t in answer.json["trailers"]] == [("X-Checksum", "1")]


def test_response_trailers(client):
    answer = client.get("/bytes/3000?chunked&trailers", [("TE", "trailers")])
    assert answer.body == pattern(3000)
    assert list(answer.trailers) == [("X-Checksum", "abc"), ("X-Second", "2")]


def test_chunk_extensions_are_skipped(client, send):
    send(client, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "3;name=value;q=\"a b\"\r\nabc\r\n00002\r\nde\r\n0;last\r\n\r\n")
    assert client.response().json["body"] == "abcde"


def test_chunked_in_any_case(client):
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    assert client.response().json["body"] == "abc"


def test_expect_continue(client, send):
    send(client, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    raw = client.reader.until(b"\r\n\r\n", "interim")
    assert raw.startswith(b"HTTP/1.1 100 ")
    send(client, "hello")
    answer = client.response()
    assert answer.status == 200 and answer.json["body"] == "hello"
    assert client.get("/echo").status == 200


def test_expect_continue_with_the_body_at_once(client):
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\nhello")
    answer = client.response()
    assert answer.status == 200 and answer.json["body"] == "hello"
    assert client.get("/echo").status == 200


def test_expect_continue_and_an_upstream_that_says_so_too(client):
    client.send("POST /continue HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    assert client.reader.until(b"\r\n\r\n", "interim").startswith(b"HTTP/1.1 100 ")
    client.send("hello")
    assert client.response().json["body"] == "hello"


def test_expect_something_else(client):
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\nContent-Length: 2\r\n\r\nhi")
    assert client.response().status in (200, 417)


def test_expect_of_http10_is_ignored(client):
    client.send("POST /echo HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi")
    answer = client.response()
    assert answer.interim == [] and answer.json["body"] == "hi"


def test_interim_answers_pass(client):
    answer = client.get("/interim")
    assert [i.status for i in answer.interim] == [103]
    assert answer.interim[0].headers.get("Link") == "</style.css>; rel=preload"
    assert answer.body == b"after hints"
    assert client.get("/echo").status == 200


def test_unasked_continue_does_no_harm(client):
    client.send(client.compose("POST", "/continue", body=b"x"))
    assert client.response().json["body"] == "x"


def test_early_answer_while_the_body_still_comes(gw):
    """The upstream answers before it read the body, which it reads: both ends stay in step."""
    with gw.client() as c:
        answer = c.both_ways(c.compose("POST", "/early/200", body=pattern(500000)))
        assert answer.status == 200 and answer.body == b"early"


def test_early_answer_and_close(gw):
    with gw.client() as c:
        answer = c.both_ways(c.compose("POST", "/early-close/413", body=pattern(3000000)))
        assert answer.status == 413 and answer.body == b"early"


def test_date_is_there(client):
    assert "Date" in client.get("/hello").headers
