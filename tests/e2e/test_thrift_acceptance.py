"""HTTP with JSON in front, real Apache Thrift servers behind: what a client sends and what it gets, in the form of the
envelope with lenient JSON, and in the default form."""
import collections
import json
import threading
import time

import pytest
from support import peers
from support.config import config, route
from support.gateway import eventually

pytestmark = pytest.mark.timeout(300)  # whoever comes first builds the servers

IDL = {"folder": str(peers.peer_cache.IDL)}
ENVELOPE = {"errors": {"format": "envelope", "rpc_errors": "category"}}
PROBLEM = {"errors": {"format": "problem"}}
CODES = {"errors": {"format": "envelope"}}
RUNNING = "the api gateway is running"
REMOTE = "remote or network error[remote]"
OVERFLOW = "biz error: Overflow: sum is too large to be represented."
SUCCESS = {"err_code": 0, "err_message": "success"}
BAD_REQUEST = {"err_code": 10001, "err_message": "bad request"}
NO_SERVER = {"err_code": 10004, "err_message": "request server fail"}


def gateway_config(servers, decorators, json_form, **more):
    """servers: name -> addresses, or the whole entry of the service."""
    home = route("home", path="/", endpoint={"respond": {"status": 200, "content_type": "application/json; charset=utf-8",
                                                         "body": json.dumps(RUNNING)}})
    call = route("rpc", path="/gateway/{service}/{method}", filters=[{"timeout": "2s"}],
                 endpoint={"thrift": {"service": "{service}", "method": "{method}", "json": json_form}})
    return config([home, call], servers, decorators=decorators, idl=IDL, **more)


class Number(str):
    """A number's text, so that it is compared digit for digit."""


def exactly(text):
    return json.loads(text, parse_int=Number, parse_float=Number)


def call(gw, method, body, headers=()):
    data = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    with gw.client() as c:
        return c.post("/gateway/" + method, data, [("Content-Type", "application/json"), *headers])


@pytest.fixture(scope="module")
def servers(module_factory):
    """Three instances of each service; of that of all types one."""
    made = {name: [module_factory.peer(peers.quickstart_server(name)) for _ in range(3)] for name in ("echo", "sum")}
    python = module_factory.peer(peers.types_server("python"))
    listed = {name: [server.address() for server in three] for name, three in made.items()}
    listed["types"] = {"idl": "derived", "instances": [python.address("binary_unframed")]}
    listed["nobody"] = {"idl": "echo", "instances": []}
    listed["stranger"] = {"idl": "types", "instances": listed["echo"]}  # whose methods the server does not know
    return listed


@pytest.fixture(scope="module")
def enveloped(module_factory, servers):
    return module_factory.gateway(gateway_config(servers, [{"access_log": {"path": "access.log"}}, ENVELOPE], "kitex"))


@pytest.fixture(scope="module")
def coded(module_factory, servers):
    return module_factory.gateway(gateway_config(servers, [CODES], "kitex"))


@pytest.fixture(scope="module")
def strict(module_factory, servers):
    return module_factory.gateway(gateway_config(servers, [PROBLEM], "strict"))


# ---- the envelope, lenient JSON

def success(**more):
    return {**SUCCESS, **more}


def failure(details, category=REMOTE):
    return {"error_category": category, "error_details": details}


def sums(first, second):
    return '{"firstNum": %s, "secondNum": %s}' % (first, second)


ROWS = [
    ("echo/EchoMethod", {"msg": "hello"}, success(msg="hello")),
    ("echo/EchoMethod", {"msg": "é" * 116}, success(msg="é" * 116)),
    ("echo/EchoMethod", {"msg": "x" * 232}, success(msg="x" * 232)),
    ("echo/EchoMethod", {"msg": "0123456789abcdé" * 900}, success(msg="0123456789abcdé" * 900)),
    ("echo/EchoMethod", '{"msg":"hel', BAD_REQUEST),
    ("echo/EchoMethod", "", BAD_REQUEST),
    ("echoXXX/EchoMethod", {"msg": "hello"}, {"err_code": 10002, "err_message": "server not found"}),
    ("echo/EchoMethodXXX", {"msg": "hello"}, failure("EchoMethodXXX in service: EchoSvc", "missing method")),
    ("sum/SumMethod", sums(2, 4), success(sum=6)),
    ("sum/SumMethod", sums(2, 0), success(sum=2)),
    ("sum/SumMethod", sums(-10000, 4000), success(sum=-6000)),
    ("sum/SumMethod", sums(5.4, 9), success(sum=14)),
    ("sum/SumMethod", sums(-2.8, 4.3), success(sum=2)),
    ("sum/SumMethod", sums(1, 9223372036854775807), failure(OVERFLOW)),
    ("sum/SumMethod", sums(9223372036854775806, 1), success(sum=9223372036854775807)),
    ("sum/SumMethod", '{"firstNum": -2.8, "secondNum": 4.3"}', BAD_REQUEST),
    ("echo/EchoMethod", "{}", success(msg="")),
    ("echo/EchoMethod", '{"msg":5}', success(msg="5")),
    ("echo/EchoMethod", '{"msg":{"a":1}}', success(msg='{"a":1}')),
    ("sum/SumMethod", '{"firstNum":"12","secondNum":"abc"}', success(sum=12)),
    ("types/nothing", "{}", SUCCESS),
    ("types/nothing", "", SUCCESS),
    ("types/touch", {"id": 5}, SUCCESS),
    ("types/notify", {"text": "a word"}, SUCCESS),
    ("types/ping", "{}", success(data="pong")),
    ("types/join", {"first": "a", "second": "b", "times": 2}, success(data="abab")),
    ("types/add", {"a": 9223372036854775800, "b": 7}, success(data=9223372036854775807)),
    ("types/echo_double", {"value": 0.1}, success(data=0.1)),
    ("types/echo_bool", {"value": False}, success(data=False)),
    ("types/echo_list", {"value": [3, -1, 2]}, success(data=[3, -1, 2])),
    ("types/echo_map", {"value": {"err_code": 5}}, success(data={"err_code": 5})),
    ("types/echo_empty", "{}", SUCCESS),
    ("types/find", {"id": 0}, failure('{"what":"number 0","code":404}')),
    ("types/find", {"id": -7}, failure('{"why":"negative","details":["-7","\\"<0\\""]}')),
    ("types/touch", {"id": 0}, failure('{"what":"nothing to touch","code":-1}')),
    ("types/add", {"a": 9223372036854775807, "b": 1}, failure("too large")),
    ("stranger/ping", "{}", failure("ping in service: TypesSvc", "missing method")),
]


def check_envelope(answer, want):
    assert answer.status == 200, answer
    assert answer.headers.all("Content-Type") == ["application/json; charset=utf-8"]
    assert exactly(answer.body) == exactly(json.dumps(want))


def test_home(enveloped):
    check_envelope(enveloped.get("/"), RUNNING)


@pytest.mark.parametrize("method, body, want", ROWS)
def test_envelope(enveloped, method, body, want):
    check_envelope(call(enveloped, method, body), want)


@pytest.mark.parametrize("method, body, number, message", [
    ("echo/EchoMethodXXX", "{}", 10003, "server method not found"),
    ("stranger/ping", "{}", 10003, "server method not found"),
    ("types/find", {"id": 0}, 10005, "server handle fail"),
    ("sum/SumMethod", sums(1, 9223372036854775807), 10005, "server handle fail"),
    ("echoXXX/EchoMethod", "{}", 10002, "server not found"),
])
def test_envelope_by_codes(coded, method, body, number, message):
    check_envelope(call(coded, method, body), {"err_code": number, "err_message": message})


@pytest.mark.parametrize("method, body", [("echo/EchoMethodXXX", "{}"), ("echoXXX/EchoMethod", "{}"), ("echo/EchoMethod", ""),
                                          ("types/find", {"id": 0}), ("sum/SumMethod", sums(1, 9223372036854775807))])
def test_failures_have_a_proxy_status(enveloped, strict, method, body):
    for gw in (enveloped, strict):
        assert call(gw, method, body).headers.get("Proxy-Status", "").startswith("gateway;")
    assert "Proxy-Status" not in call(enveloped, "echo/EchoMethod", {"msg": "a"}).headers


def test_round_robin_reaches_every_instance(enveloped, servers):
    def upstreams():
        return [entry["upstream"] for entry in enveloped.log() if entry["query"] == "count"]
    for i in range(9):
        check_envelope(call(enveloped, "sum/SumMethod?count", sums(i, 1)), success(sum=i + 1))
    eventually(lambda: len(upstreams()) == 9, what="nine lines in the log")
    assert collections.Counter(upstreams()) == {address: 3 for address in servers["sum"]}


# ---- instances that are not there

FORMS = pytest.mark.parametrize("decorator, json_form", [(ENVELOPE, "kitex"), (PROBLEM, "strict")])


@pytest.fixture
def three(factory):
    """Three servers of this test's own."""
    return [factory.peer(peers.quickstart_server("echo")) for _ in range(3)]


def test_no_instances(enveloped, strict):
    check_envelope(call(enveloped, "nobody/EchoMethod", {"msg": "a"}), NO_SERVER)
    check_problem(call(strict, "nobody/EchoMethod", {"msg": "a"}), 503, "GW5033", "gateway")


@FORMS
def test_instances_that_refuse(gateway, three, decorator, json_form):
    gw = gateway(gateway_config({"echo": [server.address() for server in three]}, [decorator], json_form))

    def served(count):
        for i in range(count):
            answer = call(gw, "echo/EchoMethod", {"msg": str(i)})
            assert answer.status == 200 and answer.json["msg"] == str(i)
    served(6)
    for server in three[:2]:
        server.close()
        served(6)
    three[2].close()
    started = time.monotonic()
    answer = call(gw, "echo/EchoMethod", {"msg": "nobody"})
    assert time.monotonic() - started < 2.5  # no waiting for a connection, which may take 3 s
    if decorator is ENVELOPE:
        check_envelope(answer, NO_SERVER)
    else:
        check_problem(answer, 502, "GW5021", "upstream")
        assert "connection_refused" in answer.headers.get("Proxy-Status")


@FORMS
def test_an_instance_that_hangs(gateway, factory, decorator, json_form):
    server = factory.peer(peers.quickstart_server("echo"))
    text = gateway_config({"echo": [server.address()]}, [decorator], json_form)
    gw = gateway(text.replace('timeout = "2s"', 'timeout = "500ms"'))
    assert call(gw, "echo/EchoMethod", {"msg": "a"}).json["msg"] == "a"
    server.pause()
    try:
        answer = call(gw, "echo/EchoMethod", {"msg": "b"})
    finally:
        server.go_on()
    if decorator is ENVELOPE:
        check_envelope(answer, NO_SERVER)
    else:
        check_problem(answer, 504, "GW5041", "upstream")
        assert "timeout" in answer.headers.get("Proxy-Status")
    assert call(gw, "echo/EchoMethod", {"msg": "c"}).json["msg"] == "c"


# ---- the default form

def check_problem(answer, status, code, source):
    assert answer.status == status, answer
    assert answer.headers.all("Content-Type") == ["application/problem+json"]
    assert answer.headers.get("Proxy-Status", "").startswith("gateway;")
    body = answer.json
    assert (body["status"], body["code"], body["source"]) == (status, code, source)
    assert body["request_id"] and body["title"] and body["detail"]
    return body


STRICT = [
    ("echo/EchoMethod", {"msg": "hello"}, {"msg": "hello"}),
    ("echo/EchoMethod", {"msg": "x" * 232}, {"msg": "x" * 232}),
    ("echo/EchoMethod", {"msg": "0123456789abcdé" * 900}, {"msg": "0123456789abcdé" * 900}),
    ("echo/EchoMethod", "{}", {}),
    ("echo/EchoMethod", {"msg": None}, {}),
    ("sum/SumMethod", sums(2, 4), {"sum": 6}),
    ("sum/SumMethod", sums(2, 0), {"sum": 2}),
    ("sum/SumMethod", sums(-10000, 4000), {"sum": -6000}),
    ("sum/SumMethod", sums(9223372036854775806, 1), {"sum": 9223372036854775807}),
    ("sum/SumMethod", sums(-9223372036854775807, -1), {"sum": -9223372036854775808}),
    ("types/ping", "", "pong"),
    ("types/join", {"first": "a", "second": "b"}, "ab"),
    ("types/add", {"a": 9223372036854775800, "b": 7}, 9223372036854775807),
    ("types/echo_list", {"value": [3, -1, 2]}, [3, -1, 2]),
    ("types/echo_empty", "{}", {}),
]


@pytest.mark.parametrize("method, body, want", STRICT)
def test_strict(strict, method, body, want):
    answer = call(strict, method, body)
    assert answer.status == 200, answer
    assert answer.headers.all("Content-Type") == ["application/json; charset=utf-8"]
    assert exactly(answer.body) == exactly(json.dumps(want))


@pytest.mark.parametrize("method, body, status", [("types/nothing", "{}", 204), ("types/nothing", "", 204),
                                                  ("types/touch", {"id": 1}, 204), ("types/notify", {"text": "a"}, 202)])
def test_no_content(strict, method, body, status):
    answer = call(strict, method, body)
    assert (answer.status, answer.body) == (status, b"")


MISFITS = [
    ("echo/EchoMethod", '{"msg":"hel', [("/msg", None)]),
    ("echo/EchoMethod", "", [("", None)]),
    ("echo/EchoMethod", '{"msg":5}', [("/msg", "echo.thrift:5")]),
    ("echo/EchoMethod", '{"msg":{"a":1}}', [("/msg", "echo.thrift:5")]),
    ("echo/EchoMethod", "[]", [("", "echo.thrift:13")]),
    ("sum/SumMethod", sums(-2.8, 4), [("/firstNum", "sum.thrift:5")]),
    ("sum/SumMethod", sums(5.4, 9.5), [("/firstNum", "sum.thrift:5"), ("/secondNum", "sum.thrift:6")]),
    ("sum/SumMethod", '{"firstNum":"12","secondNum":"abc"}', [("/firstNum", "sum.thrift:5"), ("/secondNum", "sum.thrift:6")]),
    ("sum/SumMethod", sums(9223372036854775808, 1), [("/firstNum", "sum.thrift:5")]),
    ("sum/SumMethod", '{"firstNum": 2, "secondNum": 4.3"}', [("/secondNum", "sum.thrift:6"), ("/secondNum", None)]),
    ("types/echo_list", '{"value":[1,"2"]}', [("/value/1", "types.thrift:177")]),
    ("types/echo_presence", "{}", [("/needed", "types.thrift:41")]),
    ("types/ping", '{"a":1}', [("/a", "types.thrift:152")]),
]


@pytest.mark.parametrize("method, body, where", MISFITS)
def test_bodies_that_do_not_fit(strict, method, body, where):
    answer = call(strict, method, body)
    errors = check_problem(answer, 400, "GW4001", "gateway")["errors"]
    assert [(error["pointer"], error.get("idl")) for error in errors] == where
    assert all(error["expected"] and error["got"] for error in errors)


def test_unknown_fields_name_the_nearest(strict):
    problem = check_problem(call(strict, "sum/SumMethod", {"firstNum": 1, "secondNun": 2}), 400, "GW4001", "gateway")
    (error,) = problem["errors"]
    assert error["pointer"] == "/secondNun" and error["idl"] == "sum.thrift:4" and "secondNum" in error["expected"]


def test_unknown_service(strict):
    assert "echoXXX" in check_problem(call(strict, "echoXXX/EchoMethod", "{}"), 404, "GW4042", "gateway")["detail"]


@pytest.mark.parametrize("method, service, source", [("echo/EchoMethodXXX", "EchoSvc", "gateway"),
                                                     ("stranger/ping", "TypesSvc", "upstream")])
def test_unknown_method(strict, method, service, source):
    problem = check_problem(call(strict, method, "{}"), 404, "GW4043", source)
    assert (problem["service"], problem["method"]) == (service, method.partition("/")[2])


@pytest.mark.parametrize("method, number, exception", [
    ("find", 0, {"type": "NotFound", "value": {"what": "number 0", "code": 404}}),
    ("find", -7, {"type": "Refused", "value": {"why": "negative", "details": ["-7", '"<0"']}}),
    ("touch", 0, {"type": "NotFound", "value": {"what": "nothing to touch", "code": -1}}),
])
def test_declared_exceptions(strict, method, number, exception):
    answer = call(strict, "types/" + method, {"id": number})
    assert check_problem(answer, 422, "GW4221", "upstream")["exception"] == exception


def test_undeclared_exception(strict):
    problem = check_problem(call(strict, "sum/SumMethod", sums(1, 9223372036854775807)), 502, "GW5025", "upstream")
    assert problem["detail"] == OVERFLOW
    assert problem["exception"] == {"type": "TApplicationException", "kind": "internal error",
                                    "value": {"type": 6, "message": OVERFLOW}}


def test_oneway_arrives(strict):
    assert call(strict, "types/reset", "").status == 204
    words = ["", "first", "é\U0001f600", "last"]
    for word in words:
        assert call(strict, "types/notify", {"text": word}).status == 202
    eventually(lambda: call(strict, "types/notified", "").json == words, what="all that was sent")


@pytest.mark.threads
def test_many_clients_at_once(gateway, servers):
    gw = gateway(gateway_config(servers, [PROBLEM], "strict", workers=2))
    wrong = []

    def run(number):
        with gw.client() as c:
            for i in range(20):
                word = f"{number} {i} " + "x" * (i * 200)
                got = [c.post("/gateway/echo/EchoMethod", json.dumps({"msg": word}).encode()).json["msg"],
                       c.post("/gateway/sum/SumMethod", sums(number, i).encode()).json["sum"]]
                if got != [word, number + i]:
                    wrong.append(got)
    threads = [threading.Thread(target=run, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong and gw.get("/").json == RUNNING
