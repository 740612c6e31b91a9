"""Built-in filters and the endpoint respond, as client and upstream see them."""
import pytest
from support.config import config, route


def through(gateway, upstream, filters, path="/**", endpoint=None, **more):
    return gateway(config([route("r", path, filters, endpoint)], {"up": [upstream.address]}, **more))


def header(kind, name, value):
    return {kind: {"name": name, "value": value}}


def test_request_headers(gateway, upstream):
    gw = through(gateway, upstream, [
        header("add_request_header", "X-A", "second"), header("set_request_header", "X-B", "item {id}, {other}"),
        {"remove_request_header": "X-C"}], path="/items/{id}")
    gw.get("/items/a%20b", [("X-A", "first"), ("x-b", "old"), ("X-B", "older"), ("X-C", "1"), ("x-c", "2")])
    sent = upstream.requests[0].headers
    assert sent.all("X-A") == ["first", "second"]
    assert sent.all("X-B") == ["item a b, {other}"]
    assert "X-C" not in sent


def test_response_headers(gateway, upstream):
    def handle(connection, request):
        connection.answer(headers=[("X-A", "first"), ("X-B", "old"), ("Server", "up"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
    upstream.on("/x/7", handle)
    gw = through(gateway, upstream, [
        header("add_response_header", "X-A", "{id}"), header("set_response_header", "X-B", "new"),
        {"remove_response_header": "Server"}], path="/x/{id}")
    answer = gw.get("/x/7")
    assert answer.headers.all("X-A") == ["first", "7"] and answer.headers.all("X-B") == ["new"]
    assert "Server" not in answer.headers and answer.headers.all("Set-Cookie") == ["a=1", "b=2"]


def test_a_variable_cannot_split_a_header(gateway, upstream):
    gw = through(gateway, upstream, [header("add_request_header", "X-Id", "{id}")], path="/items/{id}")
    assert gw.get("/items/a%0D%0AX-Evil:%201").status == 500
    assert not upstream.requests
    gw = through(gateway, upstream, [header("add_response_header", "X-Id", "{id}")], path="/items/{id}")
    answer = gw.get("/items/a%0D%0AX-Evil:%201")
    assert answer.status == 500 and "X-Evil" not in answer.headers


def test_filters_of_all_routes_come_first(gateway, upstream):
    first = [header("set_request_header", "X-A", "all"), header("add_request_header", "X-B", "all")]
    gw = gateway(config([route("r", "/**", [header("set_request_header", "X-A", "route")])], {"up": [upstream.address]},
                        filters=first))
    gw.get("/")
    assert upstream.requests[0].headers.get("X-A") == "route" and upstream.requests[0].headers.get("X-B") == "all"


@pytest.mark.parametrize("segments, sent, got", [
    (1, "/app/a/b?q=/app/x", "/a/b?q=/app/x"), (2, "/app/a", "/"), (1, "/app", "/"), (1, "/app//evil.test/x", "/evil.test/x"),
    (1, "/app/%2Fa", "/%2Fa")])
def test_strip_prefix(gateway, upstream, segments, sent, got):
    gw = through(gateway, upstream, [{"strip_prefix": segments}])
    assert gw.get(sent).json["target"] == got


@pytest.mark.parametrize("template, pattern, sent, got", [
    ("/v2/{id}/end", "/items/{id}", "/items/7?a=b", "/v2/7/end?a=b"),
    ("/v2/{rest}", "/v1/{rest:**}", "/v1/a/b%20c", "/v2/a/b%20c"),
    ("/v2/{rest}", "/v1/{rest:**}", "/v1", "/v2/"),
    ("/{rest}", "/v1/{rest:**}", "/v1//evil.test/x", "/evil.test/x"),
    ("/files/{name}", "/f/{name}", "/f/..%2F..%2Fetc", "/files/..%2F..%2Fetc"),
    ("/{b}/{a}", "/{a}/{b}", "/x/%C3%BC", "/%C3%BC/x"),
    ("/fixed", "/**", "/a/b?q", "/fixed?q")])
def test_rewrite_path(gateway, upstream, template, pattern, sent, got):
    gw = through(gateway, upstream, [{"rewrite_path": template}], path=pattern)
    assert gw.get(sent).json["target"] == got


def test_rewrite_with_a_variable_that_is_none(gateway, upstream):
    gw = through(gateway, upstream, [{"rewrite_path": "/{other}"}], path="/{id}")
    answer = gw.get("/x")
    assert answer.status == 500 and "other" in answer.text


def test_respond(gateway, upstream):
    text = '{"a": "{id} \u00fc"}'
    gw = through(gateway, upstream, [], path="/r/{id}", endpoint={"respond": {
        "status": 201, "content_type": "application/json", "body": text,
        "headers": [{"name": "X-A", "value": "1"}, {"name": "X-A", "value": "2"}]}})
    with gw.client() as c:
        answer = c.get("/r/7")
        assert (answer.status, answer.text, answer.headers.get("Content-Type")) == (201, text, "application/json")
        assert answer.headers.all("X-A") == ["1", "2"]
        assert c.get("/r/7", method="HEAD").headers.get("Content-Length") == str(len(text.encode()))
        assert c.post("/r/7", b"x" * 3000).status == 201
        assert c.get("/r/8").text == text
        assert c.post("/r/9", b"x" * 300000).status == 201


def test_respond_without_a_body(gateway, upstream):
    gw = through(gateway, upstream, [], endpoint={"respond": {"status": 204}})
    with gw.client() as c:
        for _ in range(2):
            answer = c.get("/")
            assert answer.status == 204 and answer.body == b"" and "Content-Type" not in answer.headers


def test_what_filters_refuse_at_load(gateway, upstream):
    gw = through(gateway, upstream, [])
    for filters, word in [([header("set_request_header", "Transfer-Encoding", "x")], "Transfer-Encoding"),
                          ([{"rewrite_path": "no/slash"}], "'/'"), ([{"strip_prefix": 0}], "strip_prefix"),
                          ([{"timeout": "2 weeks"}], "2 weeks"), ([header("add_response_header", "a b", "x")], "a b")]:
        answer = gw.reload(config([route("r", "/**", filters)], {"up": [upstream.address]}))
        assert answer.status == 409 and word in answer.text and "gateway.cfg:" in answer.text, answer
    answer = gw.reload(config([route("r", endpoint={"respond": {"status": 204, "body": "x"}})]))
    assert answer.status == 409 and "204" in answer.text
