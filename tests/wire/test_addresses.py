"""Whose request it is: trusted proxies, X-Forwarded-*, Forwarded, IPv6 and Unix sockets; in the log and upstream."""
import time
from random import Random

import pytest
from support.client import Headers
from support.config import config, route
from support.gateway import eventually

TRUSTED = ["127.0.0.2", "127.1.0.0/16", "10.0.0.0/8", "2001:db8:aaaa::/48"]
NAMES = ["plain", "x", "standard", "both", "none", "pass", "v6", "v6_trusted", "unix", "unix_trusted"]


@pytest.fixture(scope="module")
def gate(module_factory, up):
    def listener(forwarded, address="127.0.0.1:0", trusted=TRUSTED):
        return {"address": address, "http": {"forwarded": forwarded}, "trusted_proxies": trusted}
    listeners = ["127.0.0.1:0", listener("x-forwarded"), listener("forwarded"), listener("both"), listener("none"),
                 listener("pass"), "[::1]:0", listener("both", "[::1]:0", ["::1", "2001:db8:aaaa::/48"]),
                 "unix:plain.sock", listener("both", "unix:trusted.sock", ["unix"])]
    return module_factory.gateway(config([route()], {"up": [up.address]}, listeners=listeners,
                                         decorators=[{"access_log": {"path": "access.log"}}]))


def ask(gate, name, headers=(), source="127.0.0.2", target="/echo", **kw):
    index = NAMES.index(name)
    with gate.client(index, source=source if index < 6 else None) as c:
        answer = c.get(target, headers, **kw)
    assert answer.status == 200, answer
    return Headers([tuple(h) for h in answer.json["headers"]])


counter = iter(range(1 << 30))


def logged(gate, name, headers=(), **kw):
    """The client of the access log's line."""
    target = f"/echo/{next(counter)}"
    ask(gate, name, headers, target=target, **kw)
    return eventually(lambda: next((x for x in gate.log() if x["path"] == target), None))["client"]


FORGED = [("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example"),
          ("X-Forwarded-Port", "1"), ("x-forwarded-PREFIX", "/x"), ("Forwarded", "for=192.0.2.7;proto=https")]


# strangers

@pytest.mark.parametrize("name", ["plain", "x"])
def test_word_of_a_stranger_is_replaced(gate, name):
    headers = ask(gate, name, FORGED, source="127.0.0.9")
    assert headers.all("X-Forwarded-For") == ["127.0.0.9"] and headers.all("X-Forwarded-Proto") == ["http"]
    assert headers.all("X-Forwarded-Host") == ["example.com"]
    for dropped in ("X-Forwarded-Port", "X-Forwarded-Prefix", "Forwarded"):
        assert dropped not in headers


def test_forwarded_of_a_stranger_is_replaced(gate):
    headers = ask(gate, "standard", FORGED, source="127.0.0.9")
    assert headers.all("Forwarded") == ["for=127.0.0.9;host=example.com;proto=http"]
    assert not [n for n, _ in headers if n.lower().startswith("x-forwarded-")]


def test_both_of_a_stranger_are_replaced(gate):
    headers = ask(gate, "both", FORGED, source="127.0.0.9")
    assert headers.all("Forwarded") == ["for=127.0.0.9;host=example.com;proto=http"]
    assert headers.all("X-Forwarded-For") == ["127.0.0.9"] and "X-Forwarded-Port" not in headers


@pytest.mark.parametrize("source", ["127.0.0.9", "127.0.0.2"])
def test_none(gate, source):
    headers = ask(gate, "none", FORGED, source=source)
    assert not [n for n, _ in headers if "forwarded" in n.lower()]


@pytest.mark.parametrize("source", ["127.0.0.9", "127.0.0.2"])
def test_pass(gate, source):
    headers = ask(gate, "pass", FORGED, source=source)
    assert [h for h in headers if "forwarded" in h[0].lower()] == FORGED


def test_hostile_bytes_around_the_prefix(gate):
    """Names that only begin like one pass."""
    headers = ask(gate, "plain", [("X-Forwarded", "a"), ("X-Forward-Me", "b"), ("X-ForwardedFor", "c")])
    assert headers.get("X-Forwarded") == "a" and headers.get("X-Forward-Me") == "b" and "X-ForwardedFor" in headers


@pytest.mark.parametrize("name", ["plain", "x", "standard", "both", "none"])
def test_log_of_a_stranger(gate, name):
    assert logged(gate, name, FORGED, source="127.0.0.9").startswith("127.0.0.9:")


# trusted proxies

CHAINS = [  # X-Forwarded-For, client
    (["192.0.2.7"], "192.0.2.7"),
    (["192.0.2.7, 10.1.2.3"], "192.0.2.7"),
    (["192.0.2.7", "10.1.2.3"], "192.0.2.7"),
    (["198.51.100.1, 192.0.2.7, 10.1.2.3, 127.1.4.5"], "192.0.2.7"),
    (["10.9.9.9, 192.0.2.7"], "192.0.2.7"),
    (["10.1.1.1, 10.2.2.2"], "10.1.1.1"),
    (["192.0.2.7:4711"], "192.0.2.7:4711"),
    (["2001:db8::1"], "[2001:db8::1]"),
    (["[2001:db8::1]"], "[2001:db8::1]"),
    (["[2001:db8::1]:80"], "[2001:db8::1]:80"),
    (["2001:DB8:0:0::1"], "[2001:db8::1]"),
    (["192.0.2.7, 2001:db8:aaaa::5"], "192.0.2.7"),
    (["::ffff:192.0.2.7"], "192.0.2.7"),
    (["192.0.2.7, ::ffff:10.0.0.1"], "192.0.2.7"),
    (["unknown, 10.1.2.3"], "10.1.2.3"),
    (["192.0.2.7, unknown, 10.1.2.3"], "10.1.2.3"),
    (["192.0.2.7, , 10.1.2.3"], "10.1.2.3"),
    (["192.0.2.7,10.1.2.3"], "192.0.2.7"),
    (["evil, 192.0.2.7"], "192.0.2.7"),
    (["1.1.1.1, " * 40 + "192.0.2.7, 10.0.0.1"], "192.0.2.7"),
    (["192.0.2.7, " + "10.0.0.1, " * 40 + "10.0.0.2"], "10.0.0.1"),
]


@pytest.mark.parametrize("chain, client", CHAINS)
def test_client_behind_trusted_proxies(gate, chain, client):
    fields = [("X-Forwarded-For", value) for value in chain]
    assert logged(gate, "x", fields) == client
    assert ask(gate, "x", fields).all("X-Forwarded-For") == [", ".join(chain) + ", 127.0.0.2"]


@pytest.mark.parametrize("chain", ["unknown", "", "192.0.2", "192.0.2.7:", "192.0.2.7:x", "192.0.2.7:123456", "[192.0.2.7",
                                   "192.0.2.7 10.0.0.1", "[]", "::1::2", "0x7f.1", "192.0.2.07"])
def test_what_is_no_address_leaves_the_peer(gate, chain):
    assert logged(gate, "x", [("X-Forwarded-For", chain)]).startswith("127.0.0.2:")


def test_trusted_without_a_word(gate):
    assert logged(gate, "x").startswith("127.0.0.2:")
    assert ask(gate, "x").all("X-Forwarded-For") == ["127.0.0.2"]


@pytest.mark.parametrize("source, trusted", [("127.1.0.0", True), ("127.1.255.255", True), ("127.2.0.0", False),
                                             ("127.0.0.2", True), ("127.0.0.3", False)])
def test_networks(gate, source, trusted):
    client = logged(gate, "x", [("X-Forwarded-For", "192.0.2.7")], source=source)
    assert client == "192.0.2.7" if trusted else client.startswith(source + ":")


def test_proto_and_host_of_a_trusted_proxy_stay(gate):
    headers = ask(gate, "x", [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "shop.example:8443"),
                              ("X-Forwarded-Prefix", "/shop")])
    assert headers.all("X-Forwarded-Proto") == ["https"] and headers.all("X-Forwarded-Host") == ["shop.example:8443"]
    assert headers.get("X-Forwarded-Prefix") == "/shop"


@pytest.mark.parametrize("fields", [
    [("X-Forwarded-Proto", "gopher"), ("X-Forwarded-Host", "a b")],
    [("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "http"), ("X-Forwarded-Host", "a"), ("X-Forwarded-Host", "b")],
    [("X-Forwarded-Proto", "https, http"), ("X-Forwarded-Host", "a, b")],
    [("X-Forwarded-Proto", ""), ("X-Forwarded-Host", "")]])
def test_malformed_proto_and_host_of_a_trusted_proxy(gate, fields):
    headers = ask(gate, "x", fields)
    assert headers.all("X-Forwarded-Proto") == ["http"] and headers.all("X-Forwarded-Host") == ["example.com"]


def test_what_is_not_written_does_not_pass(gate):
    """A proxy that speaks one kind lets clients' fields of the other through."""
    assert "Forwarded" not in ask(gate, "x", [("Forwarded", "for=192.0.2.7")])
    assert "X-Forwarded-For" not in ask(gate, "standard", [("X-Forwarded-For", "192.0.2.7")])
    assert logged(gate, "x", [("Forwarded", "for=192.0.2.7")]).startswith("127.0.0.2:")
    assert logged(gate, "standard", [("X-Forwarded-For", "192.0.2.7")]).startswith("127.0.0.2:")


# Forwarded

STANDARD = [  # Forwarded, client
    (["for=192.0.2.7"], "192.0.2.7"),
    (["For=192.0.2.7;Proto=https;by=10.0.0.1"], "192.0.2.7"),
    (["for=192.0.2.7, for=10.0.0.1"], "192.0.2.7"),
    (["for=192.0.2.7", "for=10.0.0.1;host=a"], "192.0.2.7"),
    (['for="192.0.2.7:47011"'], "192.0.2.7:47011"),
    (['for="[2001:db8:cafe::17]:4711"'], "[2001:db8:cafe::17]:4711"),
    (['for="[2001:db8:cafe::17]"'], "[2001:db8:cafe::17]"),
    (['for=192.0.2.7;host="a,b;for=1.1.1.1", for=10.0.0.1'], "192.0.2.7"),
    (['for=192.0.2.7;host="a\\",for=1.1.1.1", for=10.0.0.1'], "192.0.2.7"),
    (["proto=http;for=192.0.2.7 , for=10.0.0.1"], "192.0.2.7"),
    (["for=1.1.1.1, for=_hidden, for=10.0.0.1"], "10.0.0.1"),
    (["for=1.1.1.1, for=unknown, for=10.0.0.1"], "10.0.0.1"),
    (["for=1.1.1.1, proto=https, for=10.0.0.1"], "10.0.0.1"),
]


@pytest.mark.parametrize("fields, client", STANDARD)
def test_client_by_forwarded(gate, fields, client):
    sent = [("Forwarded", value) for value in fields]
    assert logged(gate, "standard", sent) == client
    assert ask(gate, "standard", sent).all("Forwarded") == [
        ", ".join(f.strip() for f in fields) + ", for=127.0.0.2;host=example.com;proto="
        + ("https" if "https" in fields[0] and client == "192.0.2.7" else "http")]


@pytest.mark.parametrize("value", ["for=", "for", "=", ";;", ",,", 'for="', "for=\"192.0.2.7", "for==192.0.2.7", "a=b"])
def test_malformed_forwarded(gate, value):
    client = logged(gate, "standard", [("Forwarded", value)])
    assert client.startswith("127.0.0.2:") or client == "192.0.2.7"


@pytest.mark.parametrize("host, shown", [("example.com", "example.com"), ("example.com:81", '"example.com:81"'),
                                         ("[::1]:81", '"[::1]:81"')])
def test_host_in_forwarded(gate, host, shown):
    assert ask(gate, "standard", host=host).get("Forwarded") == f"for=127.0.0.2;host={shown};proto=http"


# other families

def test_ipv6(gate):
    headers = ask(gate, "v6", FORGED)
    assert headers.all("X-Forwarded-For") == ["::1"]
    assert logged(gate, "v6", FORGED).startswith("[::1]:")


def test_ipv6_trusted(gate):
    headers = ask(gate, "v6_trusted", [("X-Forwarded-For", "2001:db8::7, 2001:db8:aaaa::1")])
    assert headers.get("X-Forwarded-For") == "2001:db8::7, 2001:db8:aaaa::1, ::1"
    assert headers.get("Forwarded") == 'for="[::1]";host=example.com;proto=http'
    assert logged(gate, "v6_trusted", [("X-Forwarded-For", "2001:db8::7, 2001:db8:aaaa::1")]) == "[2001:db8::7]"


def test_unix(gate):
    headers = ask(gate, "unix", FORGED)
    assert headers.all("X-Forwarded-For") == ["unknown"]
    assert logged(gate, "unix", FORGED) == "unix"


def test_unix_trusted(gate):
    headers = ask(gate, "unix_trusted", [("X-Forwarded-For", "192.0.2.7")])
    assert headers.get("X-Forwarded-For") == "192.0.2.7, unknown"
    assert headers.get("Forwarded") == "for=unknown;host=example.com;proto=http"
    assert logged(gate, "unix_trusted", [("X-Forwarded-For", "192.0.2.7")]) == "192.0.2.7"


# the config

def test_filters_may_set_the_fields(gateway, up):
    """What a filter says is the operator's word: it stays."""
    filters = [{"set_request_header": {"name": "X-Forwarded-Proto", "value": "https"}},
               {"set_request_header": {"name": "X-Forwarded-Prefix", "value": "/p"}}]
    gw = gateway(config([route(filters=filters)], {"up": [up.address]}))
    with gw.client() as c:
        headers = Headers([tuple(h) for h in c.get("/echo", FORGED).json["headers"]])
    assert headers.all("X-Forwarded-Proto") == ["https"] and headers.all("X-Forwarded-Prefix") == ["/p"]


def test_reload_changes_whom_to_trust(gateway, up):
    def text(trusted):
        return config([route()], {"up": [up.address]}, trusted_proxies=trusted)
    gw = gateway(text([]))
    def forwarded(c):
        return Headers([tuple(h) for h in c.get("/echo", [("X-Forwarded-For", "192.0.2.7")]).json["headers"]]).get(
            "X-Forwarded-For")
    with gw.client() as c:
        assert forwarded(c) == "127.0.0.1"
        for trusted, expected in [(["127.0.0.1"], "192.0.2.7, 127.0.0.1"), (["10.0.0.0/8"], "127.0.0.1"),
                                  ("127.0.0.0/8", "192.0.2.7, 127.0.0.1")]:
            gw.write(text(trusted))
            assert gw.admin("POST", "/reload").status == 200
            time.sleep(0.05)
            assert forwarded(c) == expected


def test_connections_outlive_their_listener(gateway, up):
    """The networks of a listener that is gone are there as long as its connections."""
    listeners = [{"address": "127.0.0.1:0"}, {"address": "unix:gone.sock", "trusted_proxies": ["unix"]}]
    gw = gateway(config([route()], {"up": [up.address]}, listeners=listeners))
    with gw.client(1) as c:
        for _ in range(3):
            answer = c.get("/echo", [("X-Forwarded-For", "192.0.2.7")])
            assert dict(map(tuple, answer.json["headers"]))["X-Forwarded-For"] == "192.0.2.7, unknown"
            gw.write(config([route()], {"up": [up.address]}))
            assert gw.admin("POST", "/reload").status == 200


@pytest.mark.parametrize("name, field", [("x", "X-Forwarded-For"), ("standard", "Forwarded"), ("both", "X-Forwarded-Proto"),
                                         ("both", "X-Forwarded-Host")])
def test_any_value(gate, name, field):
    """Whatever stands there, the request passes, and the peer's own address stands behind it."""
    random = Random(7)
    parts = ["for", "=", ";", ",", '"', "\\", "[", "]", ":", "192.0.2.7", "10.0.0.1", "2001:db8::1", "unknown", "proto=https",
             " ", "\t", "host", "80", "x", "_y", "for=10.0.0.1", 'for="[::1]:1"']
    with gate.client(NAMES.index(name), source="127.0.0.2") as c:
        for _ in range(400):
            value = "".join(random.choices(parts, k=random.randrange(12))).strip(" \t")
            answer = c.get("/echo", [(field, value)] * random.randrange(1, 3))
            headers = Headers([tuple(h) for h in answer.json["headers"]])
            assert answer.status == 200, value
            if name == "standard":
                assert headers.get("Forwarded").rpartition(",")[2].strip().startswith("for=127.0.0.2;"), value
            else:
                assert headers.get("X-Forwarded-For").endswith("127.0.0.2"), value
                assert headers.get("X-Forwarded-Proto") in ("http", "https"), value
