"""The endpoint `thrift` in every transport, against a scripted server: what requests carry, how answers are read
whichever transport they come in, cut at every byte and trickled, metadata and business errors."""
import json
import os
import struct
import subprocess
import time

import pytest
from support.config import build_folder, config, route
from support.gateway import SLOW, eventually
from support.thrift_peer import CALL, EXCEPTION, I32, ONEWAY, REPLY, STRING, STRUCT, Peer, message
from support.thrift_transports import Http, THeader, TTHeader
from test_thrift import IDL, PROBLEM, is_problem, rpc, rpc_config

TRANSPORTS = ["unframed", "framed", "theader", "zlib", "ttheader", "ttheader_framed", "http"]
ANSWER = [(0, STRUCT, [(1, STRING, "hello")])]


def options(transport):
    return {"transport": "theader", "zlib": True} if transport == "zlib" else {"transport": transport}


class Rig:
    def __init__(self, factory, **more):
        self.peer = Peer()
        factory.upstreams.append(self.peer)
        self.folder = factory.folder
        routes = [route(f"of_{t}", predicates={"path": "/%s/{method}" % t}, endpoint=rpc(**options(t))) for t in TRANSPORTS]
        routes += [
            route("fast", predicates={"path": "/fast/{transport}/{method}"}, filters=[{"timeout": "300ms"}],
                  endpoint=rpc(transport="ttheader")),
            route("biz", predicates={"path": "/biz/{method}"},
                  endpoint=rpc(transport="ttheader", biz_status=[{"code": 1001, "status": 409}, {"code": -7, "status": 503}])),
            route("multi", predicates={"path": "/multi/{method}"},
                  endpoint=rpc(transport="ttheader_framed", multiplexed="Some", caller="my.caller")),
            route("path", predicates={"path": "/path/{method}"}, endpoint=rpc(transport="http", path="/thrift?v=1")),
        ]
        self.gateway = factory.gateway(rpc_config(factory.folder, [self.peer.address], routes,
                                                  limits={"line_bytes": "64KiB", "head_bytes": "64KiB"}, **more))

    def post(self, target, body=None, headers=(), method="POST"):
        with self.gateway.client() as c:
            c.request(method, target, headers=list(headers), body=json.dumps(body or {}).encode())
            return c.response(method)

    def served(self, transport="ttheader"):
        self.peer.handlers.clear()
        answer = self.post(f"/{transport}/Call", {"msg": "still here"})
        return answer.status == 200 and answer.json == {"msg": "still here"}


@pytest.fixture(scope="module")
def shared(module_factory):
    return Rig(module_factory, decorators=[PROBLEM])


@pytest.fixture
def rig(shared):
    shared.peer.reset()
    yield shared
    assert not shared.peer.errors


# ---- requests and answers of each


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_call_and_its_answer(rig, transport):
    for _ in range(3):
        answer = rig.post(f"/{transport}/Call", {"msg": "hä\n", "n": 5})
        assert (answer.status, answer.json) == (200, {"msg": "hä\n", "n": 5})
    assert rig.peer.connections == 1
    call = rig.peer.calls[-1]
    assert (call.kind, call.name, call.framed) == (CALL, "Call", transport == "framed")
    kinds = {"unframed": type(None), "framed": type(None), "http": Http, "theader": THeader, "zlib": THeader}
    assert isinstance(call.transport, kinds.get(transport, TTHeader))
    if isinstance(call.transport, (THeader, TTHeader)):
        assert call.transport.sequence == call.sequence
    if isinstance(call.transport, THeader):
        assert call.transport.packed == (transport == "zlib") and call.transport.protocol == 0


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_void_oneway_and_large_ones(rig, transport):
    rig.peer.on("Nothing", lambda call: call.reply())
    rig.peer.on("Tell", lambda call: transport == "http" and call.send(Http().wrap(b"")))
    assert rig.post(f"/{transport}/Nothing").status == 204
    assert rig.post(f"/{transport}/Tell", {"text": "x"}).status == 202
    assert eventually(lambda: len(rig.peer.calls) == 2)
    assert rig.peer.calls[1].kind == ONEWAY
    text = "text " * 500_000
    assert rig.post(f"/{transport}/Text", {"text": text}).json == text
    assert rig.peer.connections == (2 if transport == "http" else 1)


def answer_in(call, given):
    """The bytes of an answer in one of these."""
    call.transport = {"theader": THeader(call.sequence), "zlib": THeader(call.sequence, packed=True),
                      "ttheader": TTHeader(call.sequence), "ttheader_framed": TTHeader(call.sequence, True)}.get(given)
    return call.message(ANSWER, framed=given == "framed")


@pytest.mark.parametrize("asked", ["unframed", "ttheader"])
@pytest.mark.parametrize("given", [t for t in TRANSPORTS if t != "http"])
def test_an_answer_in_any_transport(rig, asked, given):
    rig.peer.on("Call", lambda call: call.send(answer_in(call, given)))
    for _ in range(2):
        assert rig.post(f"/{asked}/Call", {}).json == {"msg": "hello"}
    assert rig.peer.connections == 1


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("given", [t for t in TRANSPORTS if t != "http"])
def test_an_answer_in_any_transport_over_http(rig, given, chunked):
    rig.peer.on("Call", lambda call: call.trickle(Http().wrap(answer_in(call, given), chunked=chunked), 1, 9))
    for _ in range(2):
        assert rig.post("/http/Call", {}).json == {"msg": "hello"}
    assert rig.peer.connections == 1
    rig.peer.on("Call", lambda call: call.trickle(Http().wrap(answer_in(call, given) + b"x", chunked=chunked), 1, 9))
    assert "something stands behind its " in is_problem(rig.post("/http/Call", {}), 502, "GW5026")["detail"]


@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
@pytest.mark.parametrize("transport", [t for t in TRANSPORTS if t != "http"])
def test_late_answers_to_oneway_calls(rig, transport, piece):
    """They are passed over, and cost the connection."""
    told = []
    entries = {"strings": {"biz-status": "7"}} if transport.startswith("ttheader") else {}
    late = [lambda call: call.message([(1, STRING, "what?"), (2, I32, 1)], kind=EXCEPTION),
            lambda call: call.message([(0, STRUCT, [(1, STRING, "never")])], **entries)]
    rig.peer.on("Tell", told.append)
    rig.peer.on("Call", lambda call: call.trickle(
        b"".join(each(tell) for each, tell in zip(late, told)) + call.message(ANSWER), piece, piece))
    for i in range(2):
        assert rig.post(f"/{transport}/Tell", {"text": "x"}).status == 202
        assert eventually(lambda: len(told) == i + 1)
    answer = rig.post(f"/{transport}/Call", {})
    assert (answer.status, answer.json) == (200, {"msg": "hello"})
    assert rig.peer.connections == 1 and rig.peer.wait_open(0) == 0


def test_other_answers_behind_a_oneway_call(rig):
    for sequence, end in ((-1, 502), (1, 502), (0, 200)):
        told = []
        rig.peer.on("Tell", told.append)
        rig.peer.on("Call", lambda call: call.send(
            told[0].message(sequence=told[0].sequence + min(sequence, 0)) +
            call.message(ANSWER, sequence=call.sequence + max(sequence, 0))))
        assert rig.post("/unframed/Tell", {"text": "x"}).status == 202 and eventually(lambda: told)
        assert rig.post("/unframed/Call", {}).status == end
        assert rig.peer.wait_open(0) == 0
    rig.peer.on("Call", lambda call: (call.send(told[0].message()), call.close()))
    told.clear()
    assert rig.post("/unframed/Tell", {"text": "x"}).status == 202 and eventually(lambda: told)
    is_problem(rig.post("/unframed/Call", {}), 502, "GW5027")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_answers_cut_at_every_byte(rig, transport):
    """A cut answer is a 502 (or, where its end is not known before, what has come was all of it); never a hang or a
    wrong value."""
    sizes = []

    def handle(call):
        data = call.message(ANSWER)
        sizes.append(len(data))
        call.send(data[:cut])
        call.close()
    rig.peer.on("Call", handle)
    cut = 0
    while cut == 0 or cut <= sizes[-1]:
        answer = rig.post(f"/{transport}/Call", {})
        if cut >= sizes[-1]:
            assert (answer.status, answer.json) == (200, {"msg": "hello"})
        else:
            code = answer.json["code"]
            assert answer.status == 502 and code in ("GW5026", "GW5027"), (cut, answer)
        cut += 1


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_answers_trickled(rig, transport):
    for body, want in ((ANSWER, 200), ([(1, STRUCT, [(1, STRING, "x"), (2, I32, 7)])], 422)):
        rig.peer.on("Call", lambda call: call.trickle(call.message(body), delay=0.0005))
        assert rig.post(f"/{transport}/Call", {}).status == want
    assert rig.peer.connections == 1


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_stands_behind_an_answer_is_not_used_again(rig, transport):
    rig.peer.on("Call", lambda call: call.send(call.message(ANSWER) + b"x"))
    assert rig.post(f"/{transport}/Call", {}).status == 200
    assert rig.served(transport) and rig.peer.connections == 2


@pytest.mark.parametrize("transport", ["unframed", "framed", "theader", "ttheader", "http"])
def test_a_dead_connection_is_replaced(rig, transport):
    assert rig.post(f"/{transport}/Call", {}).status == 200
    first = []

    def handle(call):
        first.append(call)
        call.close() if len(first) == 1 else call.reply(ANSWER)
    rig.peer.on("Call", handle)
    assert rig.post(f"/{transport}/Call", {}, method="PUT").json == {"msg": "hello"}
    assert len(first) == 2 and rig.peer.connections == 2
    first.clear()
    is_problem(rig.post(f"/{transport}/Call", {}), 502, "GW5027")


# ---- wrong frames


def wrong_frames(call):
    data = message(2, call.name, call.sequence, ANSWER)
    good = TTHeader(call.sequence).wrap(data)
    theader = THeader(call.sequence).wrap(data)
    packed = THeader(call.sequence, packed=True).wrap(data)
    flipped = packed[:-3] + bytes([packed[-3] ^ 1]) + packed[-2:]
    return {
        "magic": good[:4] + b"\x12\x34" + good[6:],
        "long header": good[:12] + b"\xff\xff" + good[14:],
        "no header": good[:12] + b"\0\0" + good[14:],
        "short frame": struct.pack(">I", struct.unpack(">I", good[:4])[0] - 1) + good[4:],
        "long frame": struct.pack(">I", struct.unpack(">I", good[:4])[0] + 1) + good[4:],
        "negative": b"\xff" + good[1:],
        "transforms": good[:15] + b"\1\1" + good[17:],
        "entry": TTHeader(call.sequence).wrap(data, extra=b"\2\0\1"),
        "count": TTHeader(call.sequence).wrap(data, extra=b"\1\xff\xff"),
        "snappy": theader[:15] + b"\1\3" + theader[17:],
        "no zlib": theader[:15] + b"\1\1" + theader[17:],
        "checksum": flipped,
        "html": b"<html>not found</html>",
        "http": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    }


@pytest.mark.parametrize("kind", list(wrong_frames(type("Call", (), {"name": "Call", "sequence": 1}))))
def test_wrong_frames(rig, kind):
    rig.peer.on("Call", lambda call: call.connection.sock.sendall(wrong_frames(call)[kind]))
    is_problem(rig.post("/ttheader/Call", {}), 502, "GW5026")
    assert rig.peer.wait_open(0) == 0
    assert rig.served()


def test_a_compressed_answer_that_stands_for_much(rig):
    """100 MB of JSON from 100 KB: it comes as fast as the client reads."""
    size = 100 << 20

    def handle(call):
        call.transport.packed = True
        call.reply([(0, STRING, b"x" * size)])
    rig.peer.on("Text", handle)
    before = rig.gateway.rss_kib()
    with rig.gateway.client() as c:
        answer = c.post("/zlib/Text", json.dumps({"text": ""}).encode())
    assert answer.status == 200 and len(answer.body) == size + 2
    assert SLOW > 1 or rig.gateway.rss_kib() - before < 8192
    assert rig.served("zlib") and rig.peer.connections == 1


def test_what_a_call_does_not_know_of_is_passed_over_in_compressed_answers(rig):
    def handle(call):
        call.transport.packed = True
        call.reply([(9, STRING, b"\0" * (50 << 20))] + ANSWER)
    rig.peer.on("Call", handle)
    assert rig.post("/zlib/Call", {}).json == {"msg": "hello"}


@pytest.mark.parametrize("compressed", [False, True])
def test_long_answers_over_http_to_a_client_that_reads_slowly(rig, compressed):
    text = "".join(f"{i} " for i in range(600_000))

    def handle(call):
        data = message(REPLY, "Text", call.sequence, [(0, STRING, text)])
        call.send(Http().wrap(THeader(call.sequence, 0, True).wrap(data) if compressed else data, chunked=1000))
    rig.peer.on("Text", handle)
    with rig.gateway.client(receive_buffer=4096) as c:
        c.request("POST", "/http/Text", body=b"{}")
        time.sleep(0.3)
        answer = c.response("POST")
    assert answer.status == 200 and answer.json == text


# ---- TTHeader


def test_entries_of_a_request(rig):
    headers = [("rpc-persist-user-id", "u 1"), ("RPC-Transit-Trace", "t1"), ("rpc-persist-", "no"), ("rpc-other", "no"),
               ("Rpc-Persist-Empty", "")]
    assert rig.post("/ttheader/Call", {}, headers).status == 200
    transport = rig.peer.calls[0].transport
    assert transport.strings == {"isn": "Echo", "RPC_PERSIST_USER_ID": "u 1", "RPC_TRANSIT_TRACE": "t1",
                                 "RPC_PERSIST_EMPTY": ""}
    left = int(transport.numbers.pop(12))
    assert 50_000 < left <= 60_000
    assert transport.numbers == {1: "unframed", 3: "libgateway", 6: "echo", 9: "Call", 22: "1"}
    rig.post("/ttheader_framed/Tell", {})
    assert eventually(lambda: len(rig.peer.calls) == 2)
    assert rig.peer.calls[1].transport.numbers[1] == "framed" and rig.peer.calls[1].transport.numbers[22] == "4"


def test_the_time_that_is_left(rig):
    rig.peer.on("Call", lambda call: None)
    is_problem(rig.post("/fast/x/Call", {}), 504, "GW5041")
    assert 200 < int(rig.peer.calls[0].transport.numbers[12]) <= 300


def test_as_many_headers_as_a_request_may_have(rig):
    assert rig.post("/ttheader/Call", {}, [("rpc-persist-a", "x" * 60_000)]).status == 200
    assert rig.peer.calls[0].transport.strings["RPC_PERSIST_A"] == "x" * 60_000
    names = [f"a{i}" for i in range(90)]
    assert rig.post("/ttheader/Call", {}, [(f"rpc-persist-{n}", n) for n in names]).status == 200
    assert [rig.peer.calls[1].transport.strings[f"RPC_PERSIST_{n.upper()}"] for n in names] == names


def test_backward_entries(rig):
    rig.peer.on("Call", lambda call: call.reply(ANSWER, strings={
        "RPC_BACKWARD_SOME_KEY": "v 1", "RPC_BACKWARD_BAD": "a\r\nInjected: 1", "RPC_BACKWARD_": "none", "other": "x",
        "RPC_BACKWARD_A KEY": "x", "RPC_BACKWARD_empty": ""}))
    answer = rig.post("/ttheader/Call", {})
    got = {k: v for k, v in answer.headers if k.lower().startswith(("rpc-", "injected", "other"))}
    assert answer.status == 200 and got == {"rpc-backward-some-key": "v 1", "rpc-backward-empty": ""}


def test_more_backward_entries_than_a_response_has_headers(rig):
    rig.peer.on("Call", lambda call: call.reply(ANSWER, strings={f"RPC_BACKWARD_K{i}": str(i) for i in range(5000)}))
    answer = rig.post("/ttheader/Call", {})
    got = {k: v for k, v in answer.headers if k.startswith("rpc-backward-")}
    assert answer.status == 200 and answer.json == {"msg": "hello"}
    assert got == {f"rpc-backward-k{i}": str(i) for i in range(len(got))} and 200 < len(got) <= 256


@pytest.mark.parametrize("extra", [b"\1\0\0", b"\x10\0\0", b"\x10\0\0\1\0\0\1\0\1\0\1a\0\0", b"\x11\0\5token", b"\0" * 9],
                         ids=["no strings", "no numbers", "several blocks", "a token", "padding"])
def test_entries_that_say_nothing(rig, extra):
    rig.peer.on("Call", lambda call: call.reply(ANSWER, extra=extra))
    for _ in range(2):
        assert rig.post("/ttheader/Call", {}).json == {"msg": "hello"}
    assert rig.peer.connections == 1


def test_crrst_closes_the_connection(rig):
    rig.peer.on("Call", lambda call: call.reply(ANSWER, strings={"crrst": "1"}))
    assert rig.post("/ttheader/Call", {}).status == 200
    assert rig.peer.wait_open(0) == 0
    assert rig.served() and rig.peer.connections == 2


@pytest.mark.parametrize("payload", ["void", "exception", "nothing", "garbage"])
def test_business_errors(rig, payload):
    strings = {"biz-status": "1002", "biz-message": "no ä stock", "biz-extra": '{"sku":"7","n":[1]}'}

    def handle(call):
        if payload == "exception":
            call.reply([(1, STRING, "x"), (2, I32, 6)], kind=EXCEPTION, strings=strings)
        elif payload == "void":
            call.reply([], strings=strings)
        else:
            call.send(call.transport.wrap(b"" if payload == "nothing" else b"garbage", strings=strings))
    rig.peer.on("Call", handle)
    problem = is_problem(rig.post("/biz/Call", {}), 422, "GW4222")
    assert problem["detail"] == "no ä stock" and problem["source"] == "upstream"
    assert (problem["biz_status"], problem["biz_message"], problem["biz_extra"]) == (
        1002, "no ä stock", {"sku": "7", "n": [1]})
    assert rig.served() and rig.peer.connections == 1


@pytest.mark.parametrize("strings, status, members", [
    ({"biz-status": "1001"}, 409, {"biz_status": 1001, "biz_message": ""}),
    ({"biz-status": "-7", "biz-extra": "[1]"}, 503, {"biz_status": -7, "biz_extra": "[1]"}),
    ({"biz-status": "5", "biz-extra": '{"a":1'}, 422, {"biz_status": 5, "biz_extra": '{"a":1'}),
    ({"biz-status": "5", "biz-message": "\xff\n"}, 422, {"biz_status": 5}),
])
def test_forms_of_business_errors(rig, strings, status, members):
    rig.peer.on("Call", lambda call: call.reply([], strings=strings))
    problem = is_problem(rig.post("/biz/Call", {}), status, "GW4222")
    assert {k: problem.get(k) for k in members} == members


@pytest.mark.parametrize("text", ["0", "", "x", "99999999999"])
def test_what_is_no_business_error(rig, text):
    rig.peer.on("Call", lambda call: call.reply(ANSWER, strings={"biz-status": text, "biz-message": "x"}))
    assert rig.post("/biz/Call", {}).json == {"msg": "hello"}


def test_business_errors_in_pieces(rig):
    """They decide as soon as the header is there; the rest is not waited for, and the connection is closed."""
    def handle(call):
        data = call.message([], strings={"biz-status": "9"})
        for byte in data[:-5]:
            call.connection.sock.sendall(bytes([byte]))
    rig.peer.on("Call", handle)
    is_problem(rig.post("/biz/Call", {}), 422, "GW4222")
    assert rig.peer.wait_open(0) == 0


def test_the_envelope_tells_business_errors(factory):
    rig = Rig(factory, decorators=[{"errors": {"format": "envelope"}}])
    rig.peer.on("Call", lambda call: call.reply([], strings={"biz-status": "-5", "biz-message": 'a "b"'}))
    answer = rig.post("/biz/Call", {})
    assert (answer.status, answer.json) == (200, {"err_code": -5, "err_message": 'a "b"'})


# ---- exceptions


@pytest.mark.parametrize("kind, status, code, name", [
    (0, 502, "GW5025", "unknown"), (1, 404, "GW4043", None), (6, 502, "GW5025", "internal error"),
    (7, 502, "GW5025", "protocol error"), (20, 404, "GW4042", None), (21, 404, "GW4042", None),
    (99, 502, "GW5025", "other"), (-1, 502, "GW5025", "other"), (10, 502, "GW5025", "unsupported client type"),
])
def test_kinds_of_exceptions(rig, kind, status, code, name):
    rig.peer.on("Call", lambda call: call.fault(kind, "why"))
    problem = is_problem(rig.post("/framed/Call", {}), status, code)
    if name:
        assert problem["exception"] == {"type": "TApplicationException", "kind": name,
                                        "value": {"type": kind, "message": "why"}}
    assert problem["source"] == "upstream"
    assert rig.served("framed") and rig.peer.connections == 1


@pytest.mark.parametrize("wrong", [{"name": "other"}, {"name": ""}, {"sequence": 0}])
def test_an_exception_under_another_name_or_id(rig, wrong):
    """The connection is closed behind it. A reply must be right."""
    rig.peer.on("Call", lambda call: call.reply([(1, STRING, "no such thing"), (2, I32, 2)], kind=EXCEPTION, **wrong))
    assert is_problem(rig.post("/framed/Call", {}), 502, "GW5025")["detail"] == "no such thing"
    assert rig.peer.wait_open(0) == 0
    rig.peer.on("Call", lambda call: call.reply(ANSWER, **wrong))
    is_problem(rig.post("/framed/Call", {}), 502, "GW5026")


def test_multiplexed_services(rig):
    for name in ("Call", "Some:Call"):
        rig.peer.on("Some:Call", lambda call: call.reply(ANSWER, name=name))
        assert rig.post("/multi/Call", {}).json == {"msg": "hello"}
    assert rig.peer.calls[-1].transport.numbers[3] == "my.caller" and rig.peer.calls[-1].transport.numbers[9] == "Call"
    assert rig.peer.connections == 1
    rig.peer.on("Some:Call", lambda call: call.reply(ANSWER, name="Other:Call"))
    is_problem(rig.post("/multi/Call", {}), 502, "GW5026")


# ---- HTTP


def test_requests_over_http(rig):
    assert rig.post("/http/Call", {"msg": "x"}).status == 200 and rig.post("/path/Call", {"msg": "x"}).status == 200
    first, second = [call.transport for call in rig.peer.calls]
    assert first.line == "POST / HTTP/1.1" and second.line == "POST /thrift?v=1 HTTP/1.1"
    assert first.headers == {"Host": rig.peer.address, "Content-Type": "application/x-thrift",
                             "Accept": "application/x-thrift", "Content-Length": first.headers["Content-Length"]}


@pytest.mark.parametrize("around", [{"chunked": True}, {"headers": ["Connection: close"]}])
def test_answers_over_http(rig, around):
    rig.peer.on("Call", lambda call: call.reply(ANSWER, **around))
    for _ in range(2):
        assert rig.post("/http/Call", {}).json == {"msg": "hello"}
    assert rig.peer.connections == (1 if "chunked" in around else 2)


@pytest.mark.parametrize("answer, text", [
    (lambda call: Http().wrap(b"<html>", "404 Not Found"), "its HTTP status is 404"),
    (lambda call: Http().wrap(b""), "it ends before its message"),
    (lambda call: Http().wrap(message(2, "Call", call.sequence, ANSWER)[:-1]), "it ends before its message"),
    (lambda call: Http().wrap(message(2, "Call", call.sequence, ANSWER) + b"x"), "something stands behind its message"),
    (lambda call: Http().wrap(b"<html>"), ""),
    (lambda call: b"\x80\1\0\2\0\0\0\4Call", "it is no HTTP"),
    (lambda call: message(2, "Call", call.sequence, ANSWER), "it is no HTTP"),
])
def test_wrong_answers_over_http(rig, answer, text):
    rig.peer.on("Call", lambda call: call.connection.sock.sendall(answer(call) + b"\n" * 100))
    assert text in is_problem(rig.post("/http/Call", {}), 502, "GW5026")["detail"]
    assert rig.served("http")


# ---- options at a service


def test_what_a_service_says_goes_before_the_endpoint(factory):
    """Also behind a reload, when the config that said it is gone."""
    peer = Peer()
    factory.upstreams.append(peer)
    said = {"transport": "ttheader", "multiplexed": "Other", "caller": "from.service", "in_flight": 4,
            "biz_status": [{"code": 7, "status": 418}]}
    (factory.folder / "idl").mkdir(exist_ok=True)
    (factory.folder / "idl" / "echo.thrift").write_text(IDL)
    text = config([route("rpc", "/{service}/{method}", endpoint=rpc("{service}", transport="framed", caller="no"))],
                  {"echo": {"instances": [peer.address], **said},
                   "posted": {"instances": [peer.address], "idl": "echo", "transport": "http", "path": "/at"}},
                  idl={"folder": str(factory.folder / "idl")}, decorators=[PROBLEM])
    gateway = factory.gateway(text)
    peer.on("Other:Call", lambda call: call.reply([], strings={"biz-status": "7"}))
    for _ in range(2):
        with gateway.client() as c:
            is_problem(c.post("/echo/Call", b"{}"), 418, "GW4222")
            assert c.post("/posted/Call", b"{}").status == 200
        first, second = peer.calls[-2:]
        assert first.name == "Other:Call" and first.transport.numbers[3] == "from.service"
        assert second.name == "Call" and second.transport.line == "POST /at HTTP/1.1"
        gateway.reload(text)


@pytest.mark.parametrize("said, text", [
    ({"transport": "framed", "in_flight": 2}, "in_flight > 1 needs a transport whose messages have an id"),
    ({"transport": "ttheader", "zlib": True}, 'zlib = true needs transport = "theader"'),
    ({"transport": "http", "path": "/a b"}, "path has white space in it"),
])
def test_options_of_a_service_that_do_not_go_together(factory, said, text):
    path = factory.folder / "wrong.cfg"
    path.write_text(config([route("a", endpoint={"http": {"service": "echo"}})],
                           {"echo": {"instances": ["127.0.0.1:1"], **said}}))
    result = subprocess.run([os.path.join(build_folder(), "cli", "gwctl"), "check", str(path)], capture_output=True,
                            text=True, timeout=60)
    assert result.returncode == 2 and f"service 'echo': {text}" in result.stderr and "[GW1028]" in result.stderr
