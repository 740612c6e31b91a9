"""The decorator `errors`: problem, text and envelope, by the code or status of what failed."""
import json

import pytest
from support.client import Cut
from support.config import config, respond, route
from support.gateway import eventually
from support.upstream import closed_port

EXCEPTION = {"exception": '{"type":"NotFound","value":{"what":"a \\"book\\"","id":9007199254740993}}'}
MISSING = {"service": '"EchoSvc"', "method": '"EchoMethodXXX"'}
MISFIT = {"errors": '[{"pointer":"/firstNum","expected":"i64","got":"-2.8","idl":"sum.thrift:5"}]'}
BAD_REQUEST, NO_SERVER, NO_METHOD, SERVER_FAIL, HANDLE_FAIL, NO_PARSE = (
    {"err_code": number, "err_message": text} for number, text in enumerate(
        ["bad request", "server not found", "server method not found", "request server fail", "server handle fail",
         "response unable parse"], 10001))
# path: code, status, members of the error, the answer by number, and by category where that differs
FAILURES = {
    "misfit": ("GW4001", 400, MISFIT, BAD_REQUEST, None),
    "no-service": ("GW4042", 404, {}, NO_SERVER, None),
    "no-method": ("GW4043", 404, MISSING, NO_METHOD,
                  {"error_category": "missing method", "error_details": "EchoMethodXXX in service: EchoSvc"}),
    "thrown": ("GW4221", 422, EXCEPTION, HANDLE_FAIL,
               {"error_category": "remote or network error[remote]",
                "error_details": '{"what":"a \\"book\\"","id":9007199254740993}'}),
    "annotated": ("GW4221", 409, EXCEPTION, HANDLE_FAIL,
                  {"error_category": "remote or network error[remote]",
                   "error_details": '{"what":"a \\"book\\"","id":9007199254740993}'}),
    "internal": ("GW5025", 502, {"exception": '{"type":"TApplicationException","value":{"type":6,"message":"m"}}'},
                 HANDLE_FAIL, {"error_category": "remote or network error[remote]", "error_details": "said \"so\""}),
    "unreadable": ("GW5026", 502, {}, NO_PARSE, None),
    "closed": ("GW5027", 502, {}, SERVER_FAIL, None),
    "no-instance": ("GW5033", 503, {}, SERVER_FAIL, None),
    "deadline": ("GW5041", 504, {}, SERVER_FAIL, None),
    "too-many": ("GW4000", 429, {}, SERVER_FAIL, None),
    "forbidden": ("GW4000", 403, {}, BAD_REQUEST, None),
    "broken": ("GW5000", 500, {}, SERVER_FAIL, None),
}
ENVELOPES = {"code": {"format": "envelope"}, "category": {"format": "envelope", "rpc_errors": "category"}}


def failing_routes():
    for name, (code, status, members, _, _) in FAILURES.items():
        failer = {"status": status, "code": code, "message": 'said "so"', "members": members}
        yield route(name, path=f"/fail/{name}", endpoint=respond(), filters=[{"failer": failer}])


def text_of(options, up):
    routes = [
        *failing_routes(),
        route("refused", path="/refused", service="nobody"),
        route("missing", path="/respond/404", endpoint=respond("own", 404)),
        route("small", path="/small", limits={"body": 10}),
        route("late", path="/bytes/**", filters=[{"failer": {"where": "response_body", "after": 1000}}]),
        route("up", path="/up/**", filters=[{"strip_prefix": 1}]),
    ]
    return config(routes, {"up": [up.address], "nobody": [f"127.0.0.1:{closed_port()}"]}, plugins=["failer"],
                  decorators=[{"access_log": {"path": "access.log"}}, {"errors": options}], limits={"head_bytes": 1000})


@pytest.fixture(scope="module")
def up(module_factory):
    return module_factory.upstream()


@pytest.fixture(scope="module", params=ENVELOPES)
def envelope(request, module_factory, up):
    """A gateway in each of the two forms; .form says which."""
    made = module_factory.gateway(text_of(ENVELOPES[request.param], up))
    made.form = request.param
    return made


@pytest.fixture(scope="module")
def problem(module_factory, up):
    return module_factory.gateway(text_of({"format": "problem"}, up))


def assert_enveloped(answer, body, status=200):
    assert (answer.status, answer.json) == (status, body)
    assert answer.headers.get("Content-Type") == "application/json; charset=utf-8"
    assert answer.headers.get("Proxy-Status", "").startswith("gateway; ")


@pytest.mark.parametrize("name", FAILURES)
def test_failure_in_the_envelope(envelope, name):
    code, _, _, by_number, by_category = FAILURES[name]
    answer = envelope.get(f"/fail/{name}")
    assert_enveloped(answer, by_category if by_category and envelope.form == "category" else by_number)
    assert code in answer.headers.get("Proxy-Status")


@pytest.mark.parametrize("name", FAILURES)
def test_failure_as_a_problem(problem, name):
    code, status, members, _, _ = FAILURES[name]
    answer = problem.get(f"/fail/{name}")
    assert (answer.status, answer.headers.get("Content-Type")) == (status, "application/problem+json")
    body = answer.json
    assert (body["code"], body["status"], body["detail"]) == (code, status, 'said "so"')
    assert {key: body.pop(key) for key in members} == {key: json.loads(text) for key, text in members.items()}
    assert set(body) == {"type", "title", "status", "detail", "code", "source", "request_id"}


def test_failures_of_the_gateway_itself(envelope):
    with envelope.client() as client:
        assert_enveloped(client.get("/nowhere"), NO_SERVER)
        assert_enveloped(client.get("/refused"), SERVER_FAIL)
        assert_enveloped(client.get("/up/garbage"), NO_PARSE)
        assert_enveloped(client.get("/up/close"), SERVER_FAIL)
        assert client.get("/respond/404").status == 404
    assert_enveloped(envelope.client().post("/small", b"x" * 11), BAD_REQUEST)


def test_the_log_has_the_code_of_the_failure(envelope):
    envelope.get("/logged")
    lines = eventually(lambda: [line for line in envelope.log() if line["path"] == "/logged"])
    assert [(line["status"], line["error"]) for line in lines] == [(200, "GW4041")]


def test_answers_of_endpoints_stay(envelope):
    with envelope.client() as client:
        answer = client.get("/respond/404")
        assert (answer.status, answer.body, answer.headers.get("Content-Type")) == (404, b"own", "text/plain")
        answer = client.get("/up/status/500")
        assert (answer.status, answer.body) == (500, b"")
        answer = client.get("/up/bytes/10")
        assert answer.status == 200 and len(answer.body) == 10 and "Proxy-Status" not in answer.headers


@pytest.mark.parametrize("request_text, status", [
    ("GET / HTTP/1.1\r\nbad header\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: " + "x" * 2000 + "\r\n\r\n", 431),
    ("GET / HTTP/3.1\r\nHost: a\r\n\r\n", 505),
], ids=["field", "large", "version"])
def test_what_the_codec_refuses_keeps_its_status(envelope, request_text, status):
    answer = envelope.client().send(request_text).response()
    assert_enveloped(answer, BAD_REQUEST if status < 500 else SERVER_FAIL, status)


def test_head_has_no_body(envelope):
    with envelope.client() as client:
        for path, length in (("/nowhere", len(json.dumps(NO_SERVER, separators=(",", ":")))), ("/respond/404", 3)):
            answer = client.get(path, method="HEAD")
            assert answer.body == b"" and answer.headers.get("Content-Length") in (None, str(length))
        assert client.get("/nowhere").json == NO_SERVER


def test_a_failure_in_a_body_cuts(envelope):
    with envelope.client() as client, pytest.raises((Cut, ConnectionError)):
        client.get("/bytes/100000")


def test_text(gateway, up):
    answer = gateway(text_of({"format": "text"}, up)).get("/fail/thrown")
    assert (answer.status, answer.text, answer.headers.get("Content-Type")) == (422, 'said "so"', "text/plain; charset=utf-8")
