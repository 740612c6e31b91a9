"""Upstreams that refuse, reset, answer garbage, close mid-answer or sleep; filters that fail in each hook."""
import time

import pytest
from support.client import Cut
from support.config import config, respond, route
from support.data import pattern, sha256
from support.upstream import closed_port

HOOKS = ["request", "request_body", "response", "response_body"]


@pytest.fixture(scope="module")
def up(module_factory):
    return module_factory.upstream()


def failing(where, how, status):
    return {"failer": {"where": where, "how": how, "status": status, "after": 1000}}


@pytest.fixture(scope="module")
def gw(module_factory, up):
    routes = [
        route("refused", predicates={"path": "/refused"}, service="nobody"),
        route("sleep", predicates={"path": "/sleep/**"}, filters=[{"timeout": "300ms"}]),
        route("half", predicates={"path": "/half-then-sleep/**"}, timeouts={"stall": "300ms"}),
        route("counts", predicates={"path": "/counts"}, endpoint={"counts": {}}),
        route("hello", predicates={"path": "/hello"}, endpoint=respond()),
    ]
    for where in HOOKS:
        for how, status in (("fail", 503), ("reply", 299)):
            routes.append(route(f"{where}-{how}", predicates={"path": "/**", "host": f"{where.replace('_', '-')}.{how}.test"},
                                filters=["counter", {"add_response_header": {"name": "X-Outer", "value": "1"}},
                                         failing(where, how, status),
                                         {"add_response_header": {"name": "X-Inner", "value": "1"}}, "counter"]))
            routes.append(route(f"{where}-{how}-jitter",
                                predicates={"path": "/**", "host": f"{where.replace('_', '-')}.{how}.jitter.test"},
                                filters=[{"jitter": {"seed": 2}}, failing(where, how, status), {"jitter": {"seed": 3}}]))
    routes.append(route("rest", filters=["counter"]))
    return module_factory.gateway(config(
        routes, {"up": [up.address], "nobody": [f"127.0.0.1:{closed_port()}"]}, plugins=["counter", "failer", "jitter"],
        decorators=[{"errors": {"format": "problem"}}]))


@pytest.fixture(autouse=True)
def balanced(gw):
    """Whatever a test did: every exchange ended once, and the next request is served."""
    yield
    assert gw.get("/bytes/100").body == pattern(100)
    end = time.monotonic() + 10
    while True:
        counts = gw.get("/counts").json
        if counts["requests"] == counts["ends"] == counts["deferred"] or time.monotonic() > end:
            break
        time.sleep(0.01)
    assert counts["requests"] == counts["ends"] == counts["deferred"]
    assert counts["wrong"] == 0


@pytest.mark.parametrize("target, status", [
    ("/refused", 502), ("/reset", 502), ("/reset-head", 502), ("/close", 502), ("/garbage", 502), ("/sleep/3", 504)])
@pytest.mark.parametrize("body", [None, b"x" * 1000], ids=["get", "post"])
def test_failure_before_the_head(gw, target, status, body):
    with gw.client() as c:
        start = time.monotonic()
        answer = c.get(target) if body is None else c.post(target, body)
        assert answer.status == status, answer
        assert time.monotonic() - start < 2.5
        assert c.get("/hello").status == 200


@pytest.mark.parametrize("target", ["/cut", "/cut-chunked", "/reset-body", "/bad-chunk", "/half-then-sleep/3"])
def test_failure_in_the_body_cuts(gw, target):
    """The client must see that the answer is not whole."""
    with gw.client() as c:
        start = time.monotonic()
        with pytest.raises((Cut, ConnectionResetError)):
            c.get(target)
        assert time.monotonic() - start < 2.5


def test_cut_answer_to_http10_is_reset(gw):
    """Where the end of the connection would look like the end of the body, it must not look clean."""
    with gw.client() as c:
        c.request(target="/cut-chunked", version="HTTP/1.0")
        with pytest.raises(ConnectionResetError):
            c.response()


def test_upstream_gone_while_the_body_comes(gw):
    with gw.client() as c:
        answer = c.both_ways(c.compose("POST", "/vanish-in-body", body=pattern(3_000_000)))
        assert answer.status == 502


def test_upstream_gone_while_a_slow_body_comes(gw):
    with gw.client() as c:
        c.send("POST /vanish-in-body HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n" + "x" * 2000)
        assert c.response().status == 502


def check_hook(gw, where, status, host):
    with gw.client() as c:
        answer = c.both_ways(c.compose("POST", "/sink", body=pattern(500_000), chunked=True, host=host))
    assert answer.status == status
    return answer


@pytest.mark.parametrize("how, status", [("fail", 503), ("reply", 299)])
@pytest.mark.parametrize("where", HOOKS[:3])
def test_hook_that_fails_or_replies(gw, where, how, status):
    """Stages outside the failing one see the answer; those inside do not."""
    answer = check_hook(gw, where, status, f"{where.replace('_', '-')}.{how}.test")
    assert answer.headers.get("X-Outer") == "1"
    if where != "response":
        assert "X-Inner" not in answer.headers
    if how == "fail":
        assert answer.headers.get("Content-Type") == "application/problem+json"
        assert "failer fails with 503" in answer.json["detail"]
    else:
        assert answer.text.startswith("failer replies 299")


def test_reply_to_a_response_does_not_describe_what_it_replaced(gw, up):
    up.on("/encoded", lambda c, r: c.answer(200, b"not shown", [("Content-Encoding", "gzip"), ("ETag", '"1"'), ("X-Kept", "1")]))
    answer = gw.get("/encoded", host="response.reply.test")
    assert answer.status == 299 and answer.headers.get("X-Kept") == "1"
    assert "Content-Encoding" not in answer.headers and "ETag" not in answer.headers


@pytest.mark.parametrize("how, status", [("fail", 503), ("reply", 299)])
@pytest.mark.parametrize("where", HOOKS[:3])
def test_hook_that_fails_between_jitters(gw, where, how, status):
    check_hook(gw, where, status, f"{where.replace('_', '-')}.{how}.jitter.test")


@pytest.mark.parametrize("jitter", ["", ".jitter"])
def test_response_body_hook_that_fails(gw, jitter):
    """The head has gone out, or has not: a whole 503, or a cut; never a whole 200."""
    with gw.client() as c:
        try:
            answer = c.get("/bytes/500000?chunked&trickle=3000", host=f"response-body.fail{jitter}.test")
        except (Cut, ConnectionResetError):
            return
        assert answer.status == 503


@pytest.mark.parametrize("where", ["request", "response"])
def test_reply_from_the_middle_keeps_the_connection(gw, where):
    with gw.client() as c:
        for _ in range(3):
            answer = c.get("/bytes/100", host=f"{where}.reply.test")
            assert answer.status == 299 and answer.text.startswith("failer replies")
        assert c.post("/sink", b"x" * 5000, host=f"{where}.reply.test").status == 299
        assert c.get("/hello").status == 200


def test_on_end_comes_innermost_first(gateway, upstream):
    routes = [route("counts", predicates={"path": "/counts"}, endpoint={"counts": {}}),
              route("all", filters=["counter_outer", "counter_inner"])]
    gw = gateway(config(routes, {"up": [upstream.address]}, plugins=["counter"]))
    for target in ("/bytes/10", "/close", "/bytes/100000?chunked"):
        gw.get(target)
    counts = gw.get("/counts").json
    assert (counts["ends"], counts["inner_ends"], counts["wrong"]) == (3, 3, 0)


def test_retry_on_a_dead_pooled_connection_is_not_for_posts_half_sent(gw, up):
    """An upstream that closes a kept connection as the next request arrives: GET goes again on a fresh one."""
    seen = []

    def once(c, r):
        seen.append(c.number)
        c.read_body(r)
        if len(seen) % 2 == 0:
            c.close()  # without an answer, on a connection that has served before
            return
        c.answer(200, b"fine")
    up.on("/flaky", once)
    with gw.client() as c:
        assert c.get("/flaky").status == 200
        answer = c.get("/flaky")
        assert answer.status in (200, 502)
        assert (answer.status == 200) == (len(seen) == 3)
    up.handlers.pop("/flaky")


def test_sha_of_many_requests_among_failures(gw):
    """Good and bad ones in turn on the same connections and pools."""
    with gw.client() as c:
        for i in range(20):
            assert c.get("/close").status == 502
            assert sha256(c.get(f"/bytes/{i * 1000}").body) == sha256(pattern(i * 1000))
            assert c.post("/reset", b"y" * i * 500).status == 502
            assert c.post("/sink", pattern(i * 3000)).json["sha256"] == sha256(pattern(i * 3000))
