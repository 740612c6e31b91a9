"""OPTIONS *, TRACE, Max-Forwards, the absolute form, Date and Server, and what must pass untouched."""
import email.utils
import time

import pytest
from support.client import Headers
from support.config import config, respond, route


def http(**options):
    return {"http": options}


@pytest.fixture(scope="module")
def routed(module_factory, up):
    """One route by path, so that `*` has none; the second listener routes TRACE and is silent about itself."""
    routes = [route("hello", path="/hello", endpoint=respond("hello\n")), route("up", path="/**")]
    second = {"address": "127.0.0.1:0", **http(trace=True, server=False)}
    return module_factory.gateway(config(routes, {"up": [up.address]}, listeners=["127.0.0.1:0", second]))


def seen(up, target):
    return [r for r in up.requests if r.target == target]


def header(answer, name):
    return Headers([tuple(h) for h in answer.json["headers"]]).get(name)


# OPTIONS *

@pytest.mark.parametrize("target", ["*", "http://example.com", "http://example.com:80"])
def test_options_for_the_server(routed, up, send, target):
    before = len(up.requests)
    with routed.client() as c:
        send(c, f"OPTIONS {target} HTTP/1.1\r\nHost: example.com\r\n\r\n")
        answer = c.response()
        assert answer.status == 200 and answer.body == b"" and answer.headers.get("Content-Length") == "0"
        assert "GET" in answer.headers.get("Allow") and "TRACE" not in answer.headers.get("Allow")
        assert c.get("/hello").status == 200
    assert len(up.requests) == before


def test_options_for_the_server_over_http10(routed):
    with routed.client() as c:
        c.send("OPTIONS * HTTP/1.0\r\n\r\n")
        assert c.response().status == 200


def test_route_without_a_path_takes_the_asterisk(gateway, up):
    gw = gateway(config([route("any", predicates={"method": "OPTIONS"})], {"up": [up.address]}))
    with gw.client() as c:
        assert c.get("*", method="OPTIONS").json["target"] == "*"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "TRACE"])
def test_asterisk_is_for_options_only(routed, method):
    with routed.client() as c:
        c.send(f"{method} * HTTP/1.1\r\nHost: a\r\n\r\n")
        assert c.response(method).status == 400
        assert c.closed()


def test_options_of_a_path_are_the_backends(routed):
    with routed.client() as c:
        assert c.get("/echo", method="OPTIONS").json["method"] == "OPTIONS"


# CONNECT and TRACE

@pytest.mark.parametrize("target", ["example.com:443", "/echo", "http://example.com/"])
def test_connect_is_refused(routed, up, target):
    before = len(up.requests)
    with routed.client() as c:
        c.send(f"CONNECT {target} HTTP/1.1\r\nHost: a\r\n\r\n")
        assert c.response().status == 501
        assert c.closed()
    assert len(up.requests) == before


@pytest.mark.parametrize("target", ["/echo", "/hello", "/nowhere", "http://example.com/echo"])
def test_trace_is_refused(routed, up, target):
    """RFC 9110 section 15.5.6: known, but not allowed; the connection stays."""
    before = len(up.requests)
    with routed.client() as c:
        answer = c.get(target, [("Cookie", "secret"), ("X-Trace", "1")], method="TRACE")
        assert answer.status == 405 and b"secret" not in answer.body
        assert "GET" in answer.headers.get("Allow") and "TRACE" not in answer.headers.get("Allow")
        assert answer.headers.get("Proxy-Status") == 'gateway; error=http_request_denied; details="GW4051"'
        assert c.get("/hello").status == 200
    assert len(up.requests) == before


def test_trace_goes_on_where_it_is_allowed(routed, up):
    with routed.client(1) as c:
        answer = c.get("/echo?traced", method="TRACE")
    assert answer.status == 200 and answer.json["method"] == "TRACE"
    assert len(seen(up, "/echo?traced")) == 1


# Max-Forwards

@pytest.mark.parametrize("method", ["OPTIONS", "TRACE"])
@pytest.mark.parametrize("given, passed", [("1", "0"), ("10", "9"), ("007", "6"), ("4294967296", "4294967295")])
def test_max_forwards_is_counted_down(routed, method, given, passed):
    with routed.client(1) as c:
        assert header(c.get("/echo", [("Max-Forwards", given)], method=method), "Max-Forwards") == passed


@pytest.mark.parametrize("value", ["0", "00"])
def test_options_end_where_max_forwards_says(routed, up, value):
    with routed.client() as c:
        answer = c.get("/echo?ends", [("Max-Forwards", value)], method="OPTIONS")
        assert answer.status == 200 and answer.body == b""
        assert c.get("/hello").status == 200
    assert not seen(up, "/echo?ends")


def test_trace_ends_where_max_forwards_says(routed, up):
    with routed.client(1) as c:
        answer = c.get("/echo?reflects", [("Max-Forwards", "0"), ("Cookie", "secret"), ("Authorization", "Basic x"),
                                          ("X-Kept", "yes")], method="TRACE")
    assert answer.headers.get("Content-Type") == "message/http"
    assert answer.body.startswith(b"TRACE /echo?reflects HTTP/1.1\r\n") and b"X-Kept: yes\r\n" in answer.body
    assert b"secret" not in answer.body and b"Basic" not in answer.body
    assert not seen(up, "/echo?reflects")


@pytest.mark.parametrize("value", ["", "-1", "+1", "1.5", "x", "1 2", "1, 2", "0x1"])
def test_malformed_max_forwards(routed, up, value):
    before = len(up.requests)
    with routed.client() as c:
        assert c.get("/echo", [("Max-Forwards", value)], method="OPTIONS").status == 400
    assert len(up.requests) == before


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_max_forwards_of_other_methods_is_left_alone(routed, method):
    with routed.client() as c:
        assert header(c.get("/echo", [("Max-Forwards", "0")], method=method), "Max-Forwards") == "0"


# the absolute form

@pytest.mark.parametrize("target, path, host", [
    ("http://other.example/echo", "/echo", "other.example"),
    ("http://other.example:8080/echo?a=b", "/echo?a=b", "other.example:8080"),
    ("HTTP://Other.Example/echo/%7euser", "/echo/~user", "Other.Example"),
    ("http://[2001:db8::1]:81/echo", "/echo", "[2001:db8::1]:81"),
    ("https://secure.example/echo", "/echo", "secure.example"),
    ("http://other.example", "/", "other.example"),
    ("http://other.example?q", "/?q", "other.example"),
    ("http://other.example/a/../echo", "/echo", "other.example"),
])
def test_absolute_form(routed, send, target, path, host):
    """The authority replaces Host, and what goes on is the origin form (RFC 9112 section 3.2.2)."""
    with routed.client() as c:
        send(c, f"GET {target} HTTP/1.1\r\nHost: ignored.example\r\n\r\n")
        answer = c.response()
    assert answer.json["target"] == path and header(answer, "Host") == host


@pytest.mark.parametrize("target", [
    "http:///echo", "http://user@other.example/echo", "http://user:password@other.example/", "http://other.example:x/",
    "http://other.example:99999/", "ftp://other.example/echo", "http:/echo", "http://[::1/echo", "http://a b/echo",
    "//other.example/echo#x", "other.example:80", "http://other.example/echo#part"])
def test_malformed_absolute_form(routed, target):
    with routed.client() as c:
        c.send(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")
        assert c.response().status == 400
        assert c.closed()


def test_absolute_form_needs_a_host_too(routed):
    with routed.client() as c:
        c.send("GET http://other.example/echo HTTP/1.1\r\n\r\n")
        assert c.response().status == 400


# Date and Server

def is_now(date):
    parsed = email.utils.parsedate_to_datetime(date)
    return date.endswith(" GMT") and abs(parsed.timestamp() - time.time()) < 10


@pytest.mark.parametrize("target", ["/hello", "/nowhere\x7f", "/echo", "/reset", "/status/304", "/status/204"])
def test_date(routed, target):
    """In answers of the gateway's own, good and bad, and where the backend's has none."""
    answer = routed.get(target)
    assert len(answer.headers.all("Date")) == 1 and is_now(answer.headers.get("Date"))


def test_date_of_the_backend_stays(routed, up):
    date = "Sun, 06 Nov 1994 08:49:37 GMT"
    up.on("/dated", lambda c, r: c.answer(200, b"x", [("Date", date)]))
    assert routed.get("/dated").headers.all("Date") == [date]


def test_interim_answers_get_no_date(routed):
    answer = routed.get("/interim")
    assert "Date" in answer.headers and "Date" not in answer.interim[0].headers


def test_server(routed, up):
    up.on("/served", lambda c, r: c.answer(200, b"x", [("Server", "backend/1")]))
    assert routed.get("/hello").headers.all("Server") == ["gateway"]
    assert routed.get("/nowhere\x7f").headers.all("Server") == ["gateway"]
    assert routed.get("/served").headers.all("Server") == ["backend/1"]
    assert "Server" not in routed.get("/echo").headers


@pytest.mark.parametrize("target", ["/hello", "/served", "/nowhere\x7f", "/reset"])
def test_server_off(routed, up, target):
    up.on("/served", lambda c, r: c.answer(200, b"x", [("Server", "backend/1"), ("server", "and/2")]))
    with routed.client(1) as c:
        assert "Server" not in c.get(target).headers


# conditions and ranges

@pytest.mark.parametrize("name, value", [
    ("If-Match", '"a", "b"'), ("If-None-Match", 'W/"x"'), ("If-None-Match", "*"),
    ("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"), ("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ("Range", "bytes=0-99,200-"), ("If-Range", '"v1"'), ("Accept-Encoding", "gzip;q=0"), ("Cache-Control", "no-cache")])
def test_conditions_pass(routed, name, value):
    assert header(routed.get("/echo", [(name, value)]), name) == value


def test_partial_content_passes(routed, up):
    fields = [("Content-Range", "bytes 2-5/10"), ("ETag", '"v1"'), ("Accept-Ranges", "bytes")]
    up.on("/part", lambda c, r: c.answer(206, b"cdef", fields))
    answer = routed.get("/part", [("Range", "bytes=2-5")])
    assert answer.status == 206 and answer.body == b"cdef"
    assert [(n, v) for n, v in answer.headers if n in dict(fields)] == fields


def test_ranges_that_cannot_be_met_pass(routed, up):
    up.on("/beyond", lambda c, r: c.answer(416, b"", [("Content-Range", "bytes */10")]))
    answer = routed.get("/beyond", [("Range", "bytes=20-")])
    assert answer.status == 416 and answer.headers.get("Content-Range") == "bytes */10"


def test_several_parts_pass(routed, up):
    body = b"--b\r\nContent-Range: bytes 0-0/2\r\n\r\na\r\n--b\r\nContent-Range: bytes 1-1/2\r\n\r\nb\r\n--b--\r\n"
    up.on("/parts", lambda c, r: c.answer(206, body, [("Content-Type", "multipart/byteranges; boundary=b")]))
    answer = routed.get("/parts", [("Range", "bytes=0-0,1-1")])
    assert answer.status == 206 and answer.body == body


@pytest.mark.parametrize("fields", [[("ETag", '"v1"')], [("ETag", 'W/"v1"'), ("Content-Length", "1234")],
                                    [("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Cache-Control", "max-age=1")]])
def test_not_modified_passes(routed, up, fields):
    lines = "".join(f"{n}: {v}\r\n" for n, v in fields)
    up.on("/same", lambda c, r: c.send(f"HTTP/1.1 304 Not Modified\r\n{lines}\r\n"))
    with routed.client() as c:
        answer = c.get("/same", [("If-None-Match", '"v1"')])
        assert answer.status == 304 and [h for h in answer.headers if h[0] in dict(fields)] == fields
        assert c.get("/hello").body == b"hello\n"


def test_precondition_failed_passes(routed, up):
    up.on("/changed", lambda c, r: c.answer(412, b"", [("ETag", '"v2"')]))
    assert routed.get("/changed", [("If-Match", '"v1"')], method="PUT").status == 412
