"""Which route a request takes: predicates alone and together, and the built-in filters that change it."""
import pytest
from support.client import Headers
from support.config import config, respond, route


def at(id, predicates, **more):
    return route(id, predicates=predicates, endpoint=respond(id), **more)


@pytest.fixture(scope="module")
def gw(module_factory):
    return module_factory.gateway(config([
        at("exact", {"path": "/exact"}),
        at("variable", {"path": "/items/{id}"}),
        at("literal", {"path": "/items/special"}),
        at("deep", {"path": "/items/{id}/parts/{part}"}),
        at("backtrack", {"path": "/items/special/parts/one"}),
        at("wild", {"path": "/files/**"}),
        at("exact-host", {"path": "/host", "host": "one.example.com"}),
        at("wild-host", {"path": "/host", "host": "*.example.com"}),
        at("any-host", {"path": "/host"}),
        at("post", {"path": "/method", "method": "POST"}),
        at("put-or-patch", {"path": "/method", "method": ["PUT", "PATCH"]}),
        at("header-value", {"path": "/header", "header": {"name": "X-App", "value": "1"}}, priority=2),
        at("header-present", {"path": "/header", "header": {"name": "X-App", "present": True}}, priority=1),
        at("header-absent", {"path": "/header", "header": {"name": "X-App", "present": False}}),
        at("query", {"path": "/query", "query": {"name": "v", "value": "2"}}, priority=1),
        at("query-present", {"path": "/query", "query": {"name": "v", "present": True}}),
        at("any", {"path": "/any", "any": [{"method": "PUT"}, {"header": {"name": "X-A", "value": "a"}}]}),
        at("all", {"path": "/all", "all": [{"header": {"name": "X-A", "value": "a"}},
                                           {"header": {"name": "X-B", "value": "b"}}]}),
        at("not", {"path": "/not", "not": {"header": {"name": "X-A", "present": True}}}),
        at("nested", {"path": "/nested", "any": [
            {"all": [{"method": "GET"}, {"not": {"query": {"name": "x", "present": True}}}]},
            {"header": {"name": "X-Force", "present": True}}]}),
        at("low", {"path": "/priority", "header": {"name": "X-P", "present": True}}, priority=1),
        at("high", {"path": "/priority", "header": {"name": "X-P", "value": "1"}}, priority=10),
    ]))


def taken(gw, target, method="GET", headers=(), host="www.test"):
    answer = gw.get(target, headers, method=method, host=host)
    return answer.text if answer.status == 200 else answer.status


@pytest.mark.parametrize("target, expected", [
    ("/exact", "exact"), ("/exact/", 404), ("/EXACT", 404), ("/exact?x=1", "exact"), ("/", 404),
    ("/items/1", "variable"), ("/items/special", "literal"), ("/items/", 404), ("/items", 404), ("/items/1/2", 404),
    ("/items/1/parts/2", "deep"), ("/items/special/parts/one", "backtrack"), ("/items/special/parts/two", "deep"),
    ("/files/a/b/c", "wild"), ("/files/", "wild"), ("/filesystem", 404), ("/files/../exact", "exact"),
    ("/%65xact", "exact"), ("/items/a%2Fb", "variable"),
])
def test_path(gw, target, expected):
    assert taken(gw, target) == expected


@pytest.mark.parametrize("host, expected", [
    ("one.example.com", "exact-host"), ("ONE.Example.COM:8080", "exact-host"), ("two.example.com", "wild-host"),
    ("a.b.example.com", "wild-host"), ("example.com", "any-host"), ("notexample.com", "any-host"),
    ("one.example.com.", "exact-host"), ("www.test", "any-host")])
def test_host(gw, host, expected):
    assert taken(gw, "/host", host=host) == expected


@pytest.mark.parametrize("method, expected", [
    ("POST", "post"), ("PUT", "put-or-patch"), ("PATCH", "put-or-patch"), ("GET", 404), ("post", 404)])
def test_method(gw, method, expected):
    assert taken(gw, "/method", method) == expected


@pytest.mark.parametrize("headers, expected", [
    ([("X-App", "1")], "header-value"), ([("x-app", "2")], "header-present"), ([], "header-absent"),
    ([("X-App", "")], "header-present")])
def test_header(gw, headers, expected):
    assert taken(gw, "/header", headers=headers) == expected


@pytest.mark.parametrize("query, expected", [
    ("?v=2", "query"), ("?v=3", "query-present"), ("?v", "query-present"), ("", 404), ("?w=1&v=2", "query"),
    ("?vv=2", 404), ("?v=%32", "query")])
def test_query(gw, query, expected):
    assert taken(gw, "/query" + query) == expected


def test_any_all_not(gw):
    a, b = ("X-A", "a"), ("X-B", "b")
    assert taken(gw, "/any", "PUT") == "any" and taken(gw, "/any", headers=[a]) == "any" and taken(gw, "/any") == 404
    assert taken(gw, "/all", headers=[a, b]) == "all" and taken(gw, "/all", headers=[a]) == 404
    assert taken(gw, "/not") == "not" and taken(gw, "/not", headers=[a]) == 404


def test_nested(gw):
    assert taken(gw, "/nested") == "nested" and taken(gw, "/nested?x=1") == 404
    assert taken(gw, "/nested?x=1", headers=[("X-Force", "1")]) == "nested" and taken(gw, "/nested", "PUT") == 404


def test_priority(gw):
    assert taken(gw, "/priority", headers=[("X-P", "1")]) == "high"
    assert taken(gw, "/priority", headers=[("X-P", "2")]) == "low"


@pytest.fixture(scope="module")
def changing(module_factory):
    up = module_factory.upstream()
    change = [
        {"add_request_header": {"name": "X-Add", "value": "second"}},
        {"set_request_header": {"name": "X-Set", "value": "only"}},
        {"remove_request_header": {"name": "X-Remove"}},
        {"add_response_header": {"name": "X-Add", "value": "second"}},
        {"set_response_header": {"name": "X-Set", "value": "only"}},
        {"remove_response_header": {"name": "X-Remove"}},
    ]
    up.on("/answer", lambda c, r: c.answer(200, b"", [
        ("X-Add", "first"), ("X-Set", "one"), ("x-set", "two"), ("X-Remove", "a"), ("x-remove", "b"), ("X-Keep", "k")]))
    return module_factory.gateway(config([
        route("headers", predicates={"path": "/answer"}, filters=change),
        route("echo", predicates={"path": "/echo"}, filters=change),
        route("strip", predicates={"path": "/one/two/**"}, filters=[{"strip_prefix": 1}]),
        route("strip2", predicates={"path": "/a/b/**"}, filters=[{"strip_prefix": 2}]),
        route("strip9", predicates={"path": "/many/**"}, filters=[{"strip_prefix": 9}]),
        route("rewrite", predicates={"path": "/old/{rest}"}, filters=[{"rewrite_path": "/new/{rest}"}]),
        route("order", predicates={"path": "/order/{x}"},
              filters=[{"rewrite_path": "/first/{x}"}, {"strip_prefix": 1},
                       {"add_request_header": {"name": "X-Order", "value": "1"}},
                       {"set_request_header": {"name": "X-Order", "value": "2"}},
                       {"add_request_header": {"name": "X-Order", "value": "3"}}]),
        route("rest"),
    ], {"up": [up.address]}, filters=[{"add_request_header": {"name": "X-All", "value": "yes"}}]))


def test_request_headers(changing):
    answer = changing.get("/echo", [("X-Add", "first"), ("X-Set", "a"), ("x-set", "b"), ("X-Remove", "1"),
                                    ("x-REMOVE", "2"), ("X-Keep", "k")])
    headers = Headers([tuple(h) for h in answer.json["headers"]])
    assert headers.all("X-Add") == ["first", "second"] and headers.all("X-Set") == ["only"]
    assert "X-Remove" not in headers and headers.get("X-Keep") == "k" and headers.all("X-All") == ["yes"]


def test_response_headers(changing):
    headers = changing.get("/answer").headers
    assert headers.all("X-Add") == ["first", "second"] and headers.all("X-Set") == ["only"]
    assert "X-Remove" not in headers and headers.get("X-Keep") == "k"


@pytest.mark.parametrize("target, expected", [
    ("/one/two/three", "/two/three"), ("/one/two/three?q=/one", "/two/three?q=/one"), ("/a/b/", "/"), ("/a/b/c/", "/c/"),
    ("/many/of/them", "/"), ("/old/x%20y", "/new/x%20y"), ("/old/a%2Fb?z", "/new/a%2Fb?z"), ("/order/z", "/z"),
])
def test_paths(changing, target, expected):
    assert changing.get(target).json["target"] == expected


def test_filters_run_in_the_order_written(changing):
    headers = Headers([tuple(h) for h in changing.get("/order/z").json["headers"]])
    assert headers.all("X-Order") == ["2", "3"]


def test_respond(gateway):
    gw = gateway(config([
        route("page", path="/", endpoint={"respond": {"status": 203, "content_type": "text/html", "body": "<p>hi</p>"}}),
        route("empty", path="/empty", endpoint={"respond": {"status": 204}})]))
    answer = gw.get("/")
    assert (answer.status, answer.headers.get("Content-Type"), answer.text) == (203, "text/html", "<p>hi</p>")
    assert gw.get("/empty").status == 204
    with gw.client() as c:
        assert c.post("/", b"x" * 100000).status == 203
        assert c.get("/").status == 203
