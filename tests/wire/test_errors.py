"""The form of what the gateway itself answers (RFC 9457, RFC 9209)."""
import pytest
from support.config import config, route
from support.upstream import closed_port


@pytest.fixture(scope="module")
def failing(module_factory, up):
    routes = [
        route("none", predicates={"path": "/refused"}, service="nobody"),
        route("short", predicates={"path": "/sleep/**"}, filters=[{"timeout": "200ms"}]),
        route("some", predicates={"path": "/some/**"}),
        route("garbage", predicates={"path": "/garbage"}),
        route("missing", predicates={"path": "/status/**"}),
    ]
    return module_factory.gateway(config(
        routes, {"up": [up.address], "nobody": [f"127.0.0.1:{closed_port()}"]},
        decorators=[{"errors": {"format": "problem"}}]))


def problem(answer, status, source):
    assert answer.status == status
    assert answer.headers.get("Content-Type") == "application/problem+json"
    body = answer.json
    assert body["status"] == status and body["source"] == source
    assert body["code"].startswith("GW") and body["code"][2:].isdigit()
    assert body["title"] and body["detail"] and body["type"]
    assert len(body["request_id"]) == 32
    assert answer.headers.get("Proxy-Status", "").startswith("gateway")
    return body


def test_no_route(failing):
    problem(failing.get("/nowhere"), 404, "gateway")


def test_connect_refused(failing):
    answer = failing.get("/refused")
    problem(answer, 502, "upstream")
    assert "connection_refused" in answer.headers.get("Proxy-Status")


def test_garbage(failing):
    answer = failing.get("/garbage")
    problem(answer, 502, "upstream")
    assert "http_protocol_error" in answer.headers.get("Proxy-Status")


def test_deadline(failing):
    answer = failing.get("/sleep/2")
    problem(answer, 504, "upstream")
    assert "timeout" in answer.headers.get("Proxy-Status")


def test_errors_of_the_upstream_are_its_own(failing):
    answer = failing.get("/status/500")
    assert answer.status == 500 and answer.body == b"" and "Content-Type" not in answer.headers


def test_head_of_an_error(failing):
    with failing.client() as c:
        answer = c.get("/nowhere", method="HEAD")
        assert answer.status == 404 and answer.body == b""
        assert c.get("/nowhere").status == 404


def test_connection_survives_errors(failing):
    with failing.client() as c:
        for _ in range(3):
            assert c.get("/nowhere").status == 404
            assert c.get("/refused").status == 502
            assert c.post("/nowhere", b"x" * 1000).status == 404


def test_without_the_decorator_it_is_text(gateway):
    gw = gateway(config([route("one", path="/one")], {"up": ["127.0.0.1:1"]}))
    answer = gw.get("/two")
    assert answer.status == 404 and answer.headers.get("Content-Type", "").startswith("text/plain")
    assert answer.body and "Proxy-Status" in answer.headers
