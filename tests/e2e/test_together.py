"""Things that happen to one exchange at the same time: several stages that wait, hooks on threads while a loop goes on,
the gateway's answer and an upstream's."""
import threading
import time

import pytest
from support.config import config, respond, route
from support.data import pattern, sha256
from support.upstream import closed_port

EACH, BUSY = ["hold_each"], [{"busy": {}}]


def at(id, filters, **more):
    return route(id, predicates={"path": "/**", "host": id + ".test"}, filters=filters, **more)


@pytest.fixture(scope="module")
def up(module_factory):
    made = module_factory.upstream()
    made.on("/check", lambda c, r: (c.read_body(r), c.answer(200, b"yes")))

    def late(c, r):
        c.read_body(r)
        time.sleep(0.5)
        c.answer(200, b"late", [("X-Late", "1")], reason="Too Late")

    def breaking(c, r):
        c.send("HTTP/1.1 200 Very Fine\r\nContent-Length: 1000\r\nX-Up: 1\r\n\r\n" + "x" * 10)
        time.sleep(0.1)
        c.reset()
    made.on("/late", late)
    made.on("/breaking", breaking)
    return made


@pytest.fixture(scope="module")
def gw(module_factory, up):
    return module_factory.gateway(config([
        route("hello", predicates={"path": "/hello"}, endpoint=respond()),
        route("counts", predicates={"path": "/counts"}, endpoint={"counts": {}}),
        at("look", ["counter", {"jitter": {"seed": 7}}, "counter"]),
        at("each", [*EACH, {"jitter": {"seed": 5}}, *EACH, *EACH]),
        at("each-whole", [*EACH, "whole", *EACH, "whole", {"jitter": {"seed": 6}}, *EACH]),
        at("ask", [*EACH, "ask_twice", "ask_twice"]),
        at("split", ["split"]),
        at("busy", [*EACH, *BUSY, {"caller": {"service": "up"}}, *BUSY, *EACH]),
        at("busy-hold", [{"busy": {"then": "hold"}}, {"busy": {"then": "hold"}}]),
        at("busy-call", [{"busy": {"then": "call"}}, *BUSY]),
        at("busy-fail", ["counter_heads", {"busy": {"then": "fail"}}]),
        at("busy-origin", [{"busy": {"then": "fail"}}], endpoint={"origin": {"bytes": 100000}}),
        at("late", [{"timeout": "200ms"}, {"holder": {"where": "response", "after": "600ms"}}]),
        at("late-busy", [{"timeout": "200ms"}, {"blocker": {"pause": "0ms"}}]),
        at("replace", [{"holder": {"where": "response", "after": "300ms"}}, "replace"]),
        at("host", ["host_first"]),
        at("late-header", ["late_header"]),
        at("busy-large", [*BUSY, {"jitter": {"seed": 8}}]),
        at("busy-held", [*BUSY, {"jitter": {"seed": 8}}, {"holder": {"where": "response", "after": "3ms"}}]),
    ], {"up": [up.address]}, workers=2, timeouts={"response": "4s", "stall": "4s"},
        limits={"body_buffer": "2MiB"},
        plugins=["waits", "jitter", "whole", "caller", "counter", "holder", "origin", "blocker"]))


@pytest.mark.threads
@pytest.mark.parametrize("size", [0, 10, 300_000])
def test_several_body_hooks_hold_at_once(gw, size):
    with gw.client() as c:
        answer = c.post("/duplex", pattern(size), chunked=True, host="each.test")
        assert answer.status == 200 and sha256(answer.body) == sha256(pattern(size))


@pytest.mark.parametrize("size", [0, 10, 300_000])
def test_several_whole_bodies_between_holds(gw, size):
    body = (b"abcdefgh" * (size // 8 + 1))[:size]
    with gw.client() as c:
        data = c.compose("POST", "/sink", body=body, host="each-whole.test")
        answer = c.both_ways(data, seed=3, high=max(1, len(data) // 30), delay=0.0005)
        assert answer.status == 200, answer
        assert answer.json["sha256"] == sha256(body.upper() + b"!!")


def test_a_reply_in_a_body_hook_leads_to_another_call(gw, up):
    before = len(up.requests)
    with gw.client() as c:
        answer = c.post("/sink", pattern(200_000), host="ask.test")
        assert answer.status == 200 and answer.json["sha256"] == sha256(pattern(200_000))
    assert sorted(r.target for r in up.requests[before:] if r.path == "/check") == ["/check?1"] * 2 + ["/check?2"] * 2


def test_a_call_can_not_be_split(gw, up):
    before = len(up.requests)
    assert gw.get("/x", host="split.test").status == 500
    assert len(up.requests) == before


@pytest.mark.threads
@pytest.mark.parametrize("host", ["busy", "busy-hold", "busy-call"])
def test_many_blocking_hooks(gw, host):
    """They allocate, set timers, take ids, hold and call from their threads, while the loops serve others."""
    ids, wrong = [], []

    def run(number):
        with gw.client() as c:
            for i in range(10):
                body = pattern(1000 * number * i)
                answer = c.post("/echo", body, host=host + ".test")
                if answer.status != 200 or answer.json["sha256"] != sha256(body):
                    wrong.append(answer)
                else:
                    ids.append(dict(answer.json["headers"])["X-Id"])
    threads = [threading.Thread(target=run, args=(n,)) for n in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong, wrong[0]
    assert len(set(ids)) == 60


@pytest.mark.parametrize("host", ["busy-fail", "busy-origin"])
def test_blocking_hook_fails_the_response(gw, host):
    with gw.client() as c:
        answer = c.get("/bytes/100000", host=host + ".test")
        assert (answer.status, answer.reason, answer.body) == (503, "Service Unavailable", b"busy")
        assert c.get("/hello").status == 200


@pytest.mark.threads
@pytest.mark.parametrize("host", ["busy-large", "busy-held"])
def test_an_answer_that_comes_while_a_thread_has_the_exchange(gw, up, host):
    """It stays with the instance, also where a body filter has room for it."""
    body = pattern(100_000)

    def in_pieces(c, r):
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + body[:10])
        for at in range(10, len(body), 5000):
            time.sleep(0.0005)
            c.send(body[at:at + 5000])
    up.on("/in-pieces", in_pieces)
    with gw.client() as c:
        for _ in range(5):
            assert sha256(c.get("/in-pieces", host=host + ".test").body) == sha256(body)


@pytest.mark.parametrize("host", ["late", "late-busy"])
def test_an_answer_that_comes_too_late(gw, host):
    """The gateway's 504 waits in a filter when the upstream answers after all."""
    with gw.client() as c:
        answer = c.get("/late", host=host + ".test")
        assert (answer.status, answer.reason) == (504, "Gateway Timeout") and b"late" not in answer.body
        assert "X-Late" not in [n for n, _ in answer.headers]


def test_an_upstream_breaks_behind_an_answer_that_was_replaced(gw):
    with gw.client() as c:
        answer = c.get("/breaking", host="replace.test")
        assert (answer.status, answer.reason) == (203, "Non-Authoritative Information")
        assert answer.body == b"replace.test/breaking"


def test_a_request_without_body_stays_one(gw, up):
    """Whatever looks at bodies on the way."""
    assert gw.get("/echo", host="look.test").status == 200
    raw = up.requests[-1].raw.lower()
    assert b"content-length" not in raw and b"transfer-encoding" not in raw


def test_host_of_an_absolute_target(gw):
    with gw.client() as c:
        c.send("GET http://host.test/echo?a=b HTTP/1.1\r\nHost: other\r\n\r\n")
        answer = c.response().json
        assert answer["target"] == "/echo?a=b" and ["X-Host", "host.test"] in answer["headers"]


def test_next_instance_after_a_refused_one_whatever_the_weights(gateway, upstream):
    dead = {"address": f"127.0.0.1:{closed_port()}", "weight": 5}
    gw = gateway(config([route("all")], {"up": {"instances": [dead, {"address": upstream.address, "weight": 1}]}}))
    with gw.client() as c:
        assert [c.get("/bytes/1").status for _ in range(12)] == [200] * 12


def test_a_decorator_can_not_want_whole_bodies(gateway, upstream):
    gw = gateway(config([route("all")], {"up": [upstream.address]}, plugins=["whole"]))
    answer = gw.reload(config([route("all")], {"up": [upstream.address]}, plugins=["whole"], decorators=[{"whole": {}}]))
    assert answer.status == 409 and "GW1025" in answer.text


@pytest.mark.parametrize("as_chunks", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("size", [3, 100_000])
def test_a_header_that_is_set_behind_the_head(gw, size, as_chunks):
    """Until the first byte of the body leaves the head grows with it."""
    with gw.client() as c:
        answer = c.post("/echo", pattern(size), chunked=as_chunks, host="late-header.test")
        assert answer.status == 200 and answer.json["size"] == size
        assert dict(answer.json["headers"])["X-Late"] == "x" * 60_000


@pytest.mark.threads
def test_what_does_not_come_while_a_body_is_drained(gateway, upstream):
    """An early answer, then a client that neither sends the rest nor reads."""
    gw = gateway(config([route("all", endpoint=respond("early", 403))], timeouts={"head": "300ms"}))
    with gw.client() as c:
        c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc")
        assert c.response().status == 403
        assert c.closed(3)
