"""One path: what routes, filters, the log and the backend see, and what is refused before any of them."""

import pytest
from support.config import config, respond, route
from support.gateway import eventually

ROUTES = [
    route("admin", path="/admin/**", endpoint=respond("admin")),
    route("slash", path="/one/{name}", endpoint={"http": {"service": "up"}}),
    route("all", path="/**"),
]


@pytest.fixture(scope="module")
def paths(module_factory, up):
    second = {"address": "127.0.0.1:0", "http": {"merge_slashes": True}}
    return module_factory.gateway(config(ROUTES, {"up": [up.address]}, listeners=["127.0.0.1:0", second],
                                         decorators=[{"access_log": {"path": "access.log"}}]))


KEPT = [  # sent, seen by the backend, route
    ("/a/b", "/a/b", "all"),
    ("/%61/%62", "/a/b", "all"),
    ("/%7Eu/%2D%2E%5F", "/~u/-._", "all"),
    ("/a%2Fb", "/a%2Fb", "all"),
    ("/a%2fb", "/a%2Fb", "all"),
    ("/one/a%2fb", "/one/a%2Fb", "slash"),
    ("/one/a/b", "/one/a/b", "all"),
    ("/a%5Cb", "/a%5Cb", "all"),
    ("/a%5cb", "/a%5Cb", "all"),
    ("/%5c..%5cadmin", "/%5C..%5Cadmin", "all"),
    ("/a;b=c/d", "/a;b=c/d", "all"),
    ("/a;/../b", "/b", "all"),
    ("/..;/admin", "/..;/admin", "all"),
    ("/admin;x=1/y", "/admin;x=1/y", "all"),
    ("/a%3Bb", "/a%3Bb", "all"),
    ("/a//b", "/a//b", "all"),
    ("//a", "//a", "all"),
    ("/a//../b", "/a/b", "all"),
    ("/a/", "/a/", "all"),
    ("/a/.", "/a/", "all"),
    ("/a/..", "/", "all"),
    ("/a/%2e%2E/b", "/b", "all"),
    ("/%2e/a/%2e", "/a/", "all"),
    ("/.%2e/.%2e/a", "/a", "all"),
    ("/../../..", "/", "all"),
    ("/...", "/...", "all"),
    ("/.a/..b", "/.a/..b", "all"),
    ("/a%252Fb", "/a%252Fb", "all"),
    ("/a%25%32%66b", "/a%252fb", "all"),
    ("/caf%C3%A9", "/caf%C3%A9", "all"),
    ("/caf%c3%a9", "/caf%C3%A9", "all"),
    ("/a%20b", "/a%20b", "all"),
    ("/a%0Ab", "/a%0Ab", "all"),
    ("/a%7Fb", "/a%7Fb", "all"),
    ("/a+b", "/a+b", "all"),
    ("/a:b@c!$&'()*,=", "/a:b@c!$&'()*,=", "all"),
    ("/a?b=/../c", "/a?b=/../c", "all"),
    ("/a?b=%2e%2e", "/a?b=%2e%2e", "all"),
    ("/a?b//c", "/a?b//c", "all"),
    ("/a?b=%00", "/a?b=%00", "all"),
]


@pytest.mark.parametrize("sent, expected, name", KEPT)
def test_one_path(paths, up, send, sent, expected, name):
    with paths.client() as c:
        send(c, f"GET {sent} HTTP/1.1\r\nHost: a\r\n\r\n")
        assert c.response().json["target"] == expected
        assert up.requests[-1].target == expected


@pytest.mark.parametrize("sent", ["/admin", "/admin/x", "/%61dmin", "/x/../admin", "/x/%2e%2e/admin", "/./admin/y",
                                  "/admin/../admin/z", "/a/b/../../admin", "http://a/x/../admin"])
def test_routed_by_the_normalised_path(paths, sent):
    assert paths.get(sent).body == b"admin"


@pytest.mark.parametrize("sent", ["/Admin", "/admin%2Fx", "/admin%2F..%2Fx", "/admin%5Cx", "//admin/x", "/admin;/x",
                                  "/x/..;/admin", "/%2e%2e%2fadmin", "/admin%20"])
def test_not_what_it_might_look_like_elsewhere(paths, sent):
    """None of these is below /admin, here or at the backend, which gets the very path that was routed."""
    answer = paths.get(sent)
    assert answer.body != b"admin" and "admin" in answer.json["target"].lower()


REFUSED = ["/a%00b", "/%00", "/a%0", "/a%", "/a%g0", "/a%2", "/a\\b", "/\\..\\admin", "/a#b", "/a\"b", "/a<b", "/a>b",
           "/a^b", "/a`b", "/a{b}", "/a|b", "/a[b]", "/caf\xe9", "/a\x80", "/a\x7fb", "/a\x01b", "/%zz?x", "/a?b\x80",
           "/a?b#c", "a/b", "./a", "../a", "%2Fa"]


@pytest.mark.parametrize("sent", REFUSED)
def test_refused(paths, up, send, sent):
    before = len(up.requests)
    with paths.client() as c:
        try:
            send(c, f"GET {sent} HTTP/1.1\r\nHost: a\r\n\r\n")
        except OSError:
            pass
        assert c.response().status == 400
        assert c.closed()
    assert len(up.requests) == before


@pytest.mark.parametrize("sent, expected", [
    ("/a//b", "/a/b"), ("//a///b//", "/a/b/"), ("/", "/"), ("//", "/"), ("/a//../b", "/b"), ("/a/.//b", "/a/b"),
    ("//..//a", "/a"), ("/a%2F%2Fb", "/a%2F%2Fb"), ("/a//?b//c", "/a/?b//c"), ("http://h//a//b", "/a/b"),
    ("/%61//%2e//b", "/a/b")])
def test_slashes_merged(paths, sent, expected):
    with paths.client(1) as c:
        assert c.get(sent).json["target"] == expected


def test_slashes_merged_before_routing(paths):
    with paths.client(1) as c:
        assert c.get("//admin//x").body == b"admin"


def test_the_log_has_the_same_path(paths):
    paths.get("/logged/%7Ea/./b%2fc")
    lines = eventually(lambda: [x for x in paths.log() if (x["path"] or "").startswith("/logged")])
    assert lines[-1]["path"] == "/logged/~a/b%2Fc"


CODINGS = {  # value: status
    "gzip": 501, "gzip, chunked": 501, "deflate": 501, "x-unknown": 501, "identity": 501, "compress,chunked": 501,
    "chunked, gzip": 400, "chunked, chunked": 400, "chunked,": 400, "": 400, ",": 400, "chu nked": 400, "\"chunked\"": 400,
    "chunked;q=1": 400, "xchunked": 501, "chunkedx": 501, "gzip;level=9, chunked": 400, "CHUNKED, identity": 400,
}


@pytest.mark.parametrize("coding", CODINGS)
def test_transfer_codings(paths, up, coding):
    before = len(up.requests)
    with paths.client() as c:
        c.send(f"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {coding}\r\n\r\n0\r\n\r\n")
        assert c.response().status == CODINGS[coding]
        assert c.closed()
    assert len(up.requests) == before
