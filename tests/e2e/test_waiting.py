"""Waits: holds released from other threads, stalled filters, blocking hooks, calls of filters."""
import threading
import time

import pytest
from support.config import config, respond, route
from support.data import pattern, sha256
from support.upstream import closed_port

PLUGINS = ["holder", "stall", "blocker", "caller", "counter", "jitter"]
WHERE = ["request", "request_body", "response", "response_body"]


def at(id, filters, **more):
    return route(id, predicates={"path": "/**", "host": id + ".test"}, filters=filters, **more)


@pytest.fixture(scope="module")
def up(module_factory):
    made = module_factory.upstream()
    made.on("/check", lambda c, r: (c.read_body(r), c.answer(
        200 if r.headers.get("Authorization") == "let me in" else 403, b"12345", [("Content-Type", "text/check")])))
    return made


@pytest.fixture(scope="module")
def gw(module_factory, up):
    routes = [route("hello", predicates={"path": "/hello"}, endpoint=respond()),
              route("counts", predicates={"path": "/counts"}, endpoint={"counts": {}})]
    for where in WHERE:
        name = where.replace("_", "-")
        routes.append(at(f"hold-{name}", ["counter", {"holder": {"where": where}}, {"jitter": {"seed": 1}}]))
        routes.append(at(f"twice-{name}", ["counter", {"holder": {"where": where, "times": 3, "after": "5ms"}}]))
        routes.append(at(f"fail-{name}", ["counter", {"holder": {"where": where, "verdict": "fail"}}]))
        routes.append(at(f"never-{name}", ["counter", {"holder": {"where": where, "never": True}}, {"timeout": "300ms"}],
                         timeouts={"response": "300ms", "stall": "300ms"}))
    for where in ("request", "response"):
        routes.append(at(f"stall-{where}", [{"timeout": "200ms"}, {"stall_hold": {"where": where}}]))
    routes += [
        at("stall-request-body", ["stall_request_body"]),
        at("stall-response-body", ["stall_response_body"]),
        at("block", [{"blocker": {"pause": "100ms"}}]),
        at("block-reply", [{"blocker": {"pause": "20ms", "reply": 299}}]),
        at("block-answer", [{"holder": {"after": "1ms"}}, {"blocker": {"pause": "150ms"}}]),
        at("block-long", [{"timeout": "100ms"}, {"blocker": {"pause": "400ms"}}]),
        at("call", [{"caller": {"service": "up", "target": "/check"}}]),
        at("call-post", [{"caller": {"service": "up", "target": "/check?x=1", "method": "POST", "body": "some"}}]),
        at("call-nobody", [{"caller": {"service": "nobody"}}]),
        at("call-slow", [{"timeout": "200ms"}, {"caller": {"service": "up", "target": "/sleep/2"}}]),
        at("call-large", [{"caller": {"service": "up", "target": "/bytes/500000"}}]),
        at("call-too-large", [{"caller": {"service": "up", "target": "/bytes/2000000"}}]),
        at("call-twice", [{"caller": {"service": "up"}}, {"caller": {"service": "up"}}]),
        at("call-hold", [{"caller": {"service": "up"}}, {"holder": {"after": "5ms"}}, {"blocker": {"pause": "5ms"}}]),
    ]
    return module_factory.gateway(config(
        routes, {"up": [up.address], "nobody": [f"127.0.0.1:{closed_port()}"]}, plugins=PLUGINS, workers=2,
        decorators=[{"errors": {"format": "problem"}}]))


@pytest.mark.threads
@pytest.mark.parametrize("kind", ["hold", "twice"])
@pytest.mark.parametrize("where", WHERE)
def test_hold_goes_on(gw, where, kind):
    host = f"{kind}-{where.replace('_', '-')}.test"
    with gw.client() as c:
        for size in (10, 200_000):
            answer = c.post("/duplex", pattern(size), chunked=True, host=host)
            assert answer.status == 200 and sha256(answer.body) == sha256(pattern(size))


@pytest.mark.threads
@pytest.mark.parametrize("where", ["request", "request_body", "response"])
def test_hold_with_the_verdict_fail(gw, where):
    with gw.client() as c:
        assert c.post("/sink", b"abc", host=f"fail-{where.replace('_', '-')}.test").status == 500


@pytest.mark.parametrize("where", ["request", "request_body", "response"])
def test_hold_never_released(gw, where):
    with gw.client() as c:
        start = time.monotonic()
        answer = c.post("/sink", b"abc", host=f"never-{where.replace('_', '-')}.test")
        assert answer.status == 504 and "holder" in answer.json["detail"]
        assert 0.2 < time.monotonic() - start < 3


@pytest.mark.parametrize("where", ["request", "response"])
def test_stalled_filter_is_named(gw, where):
    with gw.client() as c:
        answer = c.get("/bytes/10", host=f"stall-{where}.test")
        assert answer.status == 504 and "stall_hold" in answer.json["detail"]
        assert c.get("/hello").status == 200


@pytest.mark.parametrize("size", [10, 500_000])
def test_body_hook_that_takes_nothing_is_named(gw, size):
    with gw.client() as c:
        answer = c.post("/sink", pattern(size), host="stall-request-body.test")
        assert answer.status in (500, 504) and "stall_request_body" in answer.json["detail"]


@pytest.mark.parametrize("size", [10, 500_000])
def test_response_body_hook_that_takes_nothing_ends(gw, size):
    with gw.client(timeout=5) as c:
        try:
            answer = c.get(f"/bytes/{size}", host="stall-response-body.test")
        except Exception as e:
            assert type(e).__name__ in ("Cut", "ConnectionResetError"), e
        else:
            assert answer.status in (500, 504) and "stall_response_body" in answer.json["detail"]


@pytest.mark.threads
def test_blocking_filter(gw):
    with gw.client() as c:
        answer = c.get("/echo", host="block.test")
        assert ["X-Blocked", "/echo"] in answer.json["headers"]
        assert answer.headers.get("X-Blocked") == "200"
        assert c.get("/echo", host="block-reply.test").status == 299


@pytest.mark.threads
@pytest.mark.parametrize("first", ["", "5\r\nhello\r\n", "5\r\nhe"])
def test_an_answer_that_comes_while_its_head_is_at_a_thread(gw, up, first):
    """The rest waits in the socket, also where a filter has queued what came with the head."""
    def handler(c, r):
        c.read_body(r)
        c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + first)
        time.sleep(0.05)
        c.send("5\r\nhello\r\n0\r\n\r\n"[len(first):])
    up.on("/in-two", handler)
    with gw.client() as c:
        for host in ("block", "block-answer"):
            answer = c.get("/in-two", host=host + ".test")
            assert answer.status == 200 and answer.body == b"hello"


@pytest.mark.threads
def test_loop_goes_on_while_a_filter_blocks(gw):
    clients = [gw.client().request(target="/echo", host="block.test") for _ in range(4)]
    start = time.monotonic()
    for _ in range(20):
        assert gw.get("/hello").status == 200
    quick = time.monotonic() - start
    answers = [c.response() for c in clients]
    assert [a.status for a in answers] == [200] * 4
    assert quick < time.monotonic() - start, "the loop stood still"


@pytest.mark.threads
def test_deadline_while_a_filter_blocks(gw):
    """It is marked, and acted upon when the hook has returned."""
    with gw.client() as c:
        answer = c.get("/echo", host="block-long.test")
        assert answer.status == 504 and "blocker" in answer.json["detail"]
        assert c.get("/hello").status == 200


@pytest.mark.threads
def test_many_blocking_at_once(gw):
    clients = [gw.client().request(target=f"/echo?{i}", host="block-reply.test") for i in range(60)]
    assert [c.response().status for c in clients] == [299] * 60


def test_call_allows(gw):
    answer = gw.get("/echo", [("Authorization", "let me in")], host="call.test")
    assert answer.status == 200
    assert ["X-Call-Type", "text/check"] in answer.json["headers"] and ["X-Call-Size", "5"] in answer.json["headers"]


def test_call_denies(gw):
    with gw.client() as c:
        for _ in range(3):
            answer = c.get("/echo", host="call.test")
            assert answer.status == 401 and answer.text.startswith("caller: got 403")


def test_call_reaches_the_service_as_it_says(gw, up):
    gw.get("/path/of/it", [("Authorization", "let me in")], host="call-post.test")
    asked = [r for r in up.requests if r.path == "/check" and r.headers.get("X-Called-For") == "/path/of/it"]
    assert [(r.method, r.target, r.body) for r in asked] == [("POST", "/check?x=1", b"some")]
    assert len(asked[0].headers.all("Host")) == 1


def test_call_with_a_body_waiting_behind(gw):
    """The request's own body waits meanwhile and comes through whole."""
    with gw.client() as c:
        answer = c.post("/sink", pattern(1_000_000), [("Authorization", "let me in")], host="call.test")
        assert answer.json["sha256"] == sha256(pattern(1_000_000))


def test_call_to_nobody(gw):
    answer = gw.get("/echo", host="call-nobody.test")
    assert answer.status == 503 and "caller:" in answer.json["detail"]


def test_call_that_takes_too_long(gw):
    start = time.monotonic()
    answer = gw.get("/echo", host="call-slow.test")
    assert answer.status in (503, 504) and time.monotonic() - start < 1.5


def test_call_sizes(gw):
    assert ["X-Call-Size", "500000"] in gw.get("/echo", host="call-large.test").json["headers"]
    assert gw.get("/echo", host="call-too-large.test").status == 503


@pytest.mark.threads
@pytest.mark.parametrize("host", ["call-twice.test", "call-hold.test"])
def test_waits_in_a_row(gw, host):
    with gw.client() as c:
        for _ in range(5):
            assert c.get("/echo", [("Authorization", "let me in")], host=host).status == 200


@pytest.mark.threads
def test_all_kinds_at_once(gw):
    """Holds, blocking hooks and calls on both workers, some of whose clients leave."""
    hosts = ["hold-request.test", "twice-response.test", "block.test", "call-hold.test", "hold-request-body.test"]
    wrong = []

    def run(number):
        for i in range(6):
            host = hosts[(number + i) % len(hosts)]
            c = gw.client()
            c.request("POST", "/duplex", [("Authorization", "let me in")], pattern(3000), host=host)
            if i % 3 == 2:
                c.reset()
                continue
            answer = c.response()
            if answer.status != 200 or answer.body != pattern(3000):
                wrong.append((host, answer))
            c.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert not wrong
    end = time.monotonic() + 10
    while True:
        counts = gw.get("/counts").json
        if counts["requests"] == counts["ends"] or time.monotonic() > end:
            break
        time.sleep(0.02)
    assert counts["requests"] == counts["ends"] and counts["wrong"] == 0
