"""The endpoint `thrift` against a scripted server: how calls travel, are answered and fail, and what becomes of the
connections."""
import gzip
import json
import os
import re
import socket
import struct
import subprocess
import threading
import time

import pytest
from support.client import Cut
from support.config import build_folder, config, route
from support.gateway import SLOW, eventually
from support.thrift_peer import (EXCEPTION, I32, I64, LIST, ONEWAY, REPLY, STRING, STRUCT, CALL, Peer, encode)

IDL = """
enum Color { RED = 1, BLUE = 2 }
struct Req { 1: string msg, 2: i64 n, 3: Color color }
struct Named { 1: string err_code, 2: string msg }
exception Broken { 1: string why, 2: i32 code }
service Base { string Inherited(1: string text) }
service Echo extends Base {
    Req Call(1: Req req) throws (1: Broken broken)
    Named Taken(1: Named named)
    string Text(1: string text)
    list<string> Texts(1: list<string> texts)
    i64 Add(1: i64 a, 2: i64 b)
    Color Paint(1: Color color)
    void Nothing()
    void Risky(1: string text) throws (1: Broken broken)
    oneway void Tell(1: string text)
}
"""
ENVELOPE = {"errors": {"format": "envelope", "rpc_errors": "category"}}
PROBLEM = {"errors": {"format": "problem"}}
HOSTS = {"unframed": "a", "framed": "b", "envelope": "c"}
JSON = "application/json; charset=utf-8"


def rpc(service="echo", method="{method}", **more):
    return {"thrift": {"service": service, "method": method, **more}}


def rpc_config(folder, peers, routes=None, decorators=(PROBLEM,), **more):
    (folder / "idl").mkdir(exist_ok=True)
    (folder / "idl" / "echo.thrift").write_text(IDL)
    services = {"echo": {"instances": peers, "pool": {"idle": 8}}, "plain": peers}
    return config(routes or [route("rpc", "/{method}", endpoint=rpc())], services, idl={"folder": str(folder / "idl")}, decorators=decorators, **more)


class Pair:
    """A gateway with a route to a peer for each way of calling."""

    def __init__(self, factory, **more):
        self.peer = Peer()
        factory.upstreams.append(self.peer)
        routes = [route("framed", predicates={"path": "/framed/{method}"}, endpoint=rpc(transport="framed")),
                  route("names", predicates={"path": "/names/{method}"}, endpoint=rpc(enums="name")),
                  route("kitex", predicates={"path": "/kitex/{method}"}, endpoint=rpc(json="kitex")),
                  route("small", predicates={"path": "/small/{method}"}, endpoint=rpc(),
                        limits={"body": "1KiB", "body_buffer": "256"}),
                  route("call", predicates={"path": "/short/{method}"}, endpoint=rpc(), limits={"call": "100"}),
                  route("fast", predicates={"path": "/fast/{method}"}, endpoint=rpc(), filters=[{"timeout": "200ms"}]),
                  route("jitter", predicates={"path": "/jitter/{method}"}, endpoint=rpc(),
                        filters=[{"jitter": {"seed": 3}}]),
                  route("held", predicates={"path": "/held/{method}"}, endpoint=rpc(),
                        filters=[{"holder": {"where": "response", "after": "20ms"}}]),
                  route("parked", predicates={"path": "/parked/{method}"}, endpoint=rpc(),
                        filters=[{"holder": {"where": "response", "never": True}}]),
                  route("blocked", predicates={"path": "/blocked/{method}"}, endpoint=rpc(),
                        filters=[{"blocker": {"pause": "20ms"}}]),
                  route("fixed", predicates={"path": "/fixed"}, endpoint=rpc(method="Call")),
                  route("any", predicates={"path": "/any/{service}/{method}"}, endpoint=rpc("{service}")),
                  route("http", predicates={"path": "/http/**"}, endpoint={"http": {"service": "echo"}}),
                  route("rpc", predicates={"path": "/{method}"}, endpoint=rpc())]
        self.gateway = factory.gateway(rpc_config(factory.folder, [self.peer.address], routes, plugins=["jitter", "holder", "blocker"],
                                                  limits={"body": "64MiB"}, **more))

    def post(self, target, body=None, **kw):
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        with self.gateway.client() as c:
            return c.post(target, data, [("Content-Type", "application/x-www-form-urlencoded")], **kw)

    def served(self):
        """The next call is, whatever happened."""
        answer = self.post("/Call", {"msg": "still here"})
        return answer.status == 200 and answer.json == {"msg": "still here"}


@pytest.fixture(scope="module")
def shared(module_factory):
    return Pair(module_factory)


@pytest.fixture(scope="module")
def shared_envelope(module_factory):
    return Pair(module_factory, decorators=[ENVELOPE])


@pytest.fixture
def pair(shared):
    """The shared one, its script empty and its pool too."""
    shared.peer.reset()
    return shared


@pytest.fixture
def envelope(shared_envelope):
    shared_envelope.peer.handlers.clear()
    return shared_envelope


def is_problem(answer, status, code):
    assert answer.status == status, answer
    assert answer.headers.get("Content-Type") == "application/problem+json"
    assert code in answer.headers.get("Proxy-Status")
    assert answer.json["code"] == code
    return answer.json


# ---- what a call is


def test_a_call_and_its_answer(pair):
    answer = pair.post("/Call", {"msg": "hä\n", "n": 9223372036854775807})
    assert (answer.status, answer.headers.get("Content-Type"), answer.framing) == (200, JSON, "length")
    assert answer.body == '{"msg":"hä\\n","n":9223372036854775807}'.encode()
    call, = pair.peer.calls
    assert (call.kind, call.name, call.framed) == (CALL, "Call", False)
    assert call.arguments == [(1, STRUCT, [(1, STRING, "hä\n".encode()), (2, I64, 9223372036854775807)])]


def test_framed_both_ways(pair):
    assert pair.post("/framed/Call", {"msg": "x"}).json == {"msg": "x"}
    assert pair.peer.calls[0].framed


@pytest.mark.parametrize("target, framed", [("/Call", True), ("/framed/Call", False)])
def test_an_answers_transport_is_its_own(pair, target, framed):
    pair.peer.on("Call", lambda call: call.reply([(0, STRUCT, [(1, STRING, "y")])], framed=framed))
    for _ in range(2):
        assert pair.post(target, {}).json == {"msg": "y"}
    assert pair.peer.connections == 1


@pytest.mark.parametrize("method, body, sent, result, text", [
    ("Add", {"b": 2, "a": 1}, [(2, I64, 2), (1, I64, 1)], [(0, I64, -3)], b"-3"),
    ("Text", {"text": "a"}, [(1, STRING, b"a")], [(0, STRING, 'q"')], b'"q\\""'),
    ("Inherited", {}, [], [(0, STRING, "")], b'""'),
    ("Texts", {"texts": []}, [(1, LIST, (STRING, []))], [(0, LIST, (STRING, ["a", "b"]))], b'["a","b"]'),
    ("Paint", {"color": "BLUE"}, [(1, I32, 2)], [(0, I32, 2)], b"2"),
    ("Call", {}, [(1, STRUCT, [])], [(0, STRUCT, [])], b"{}"),
])
def test_arguments_and_results(pair, method, body, sent, result, text):
    pair.peer.on(method, lambda call: call.reply(result))
    answer = pair.post("/" + method, body)
    assert (answer.status, answer.body) == (200, text)
    assert pair.peer.calls[0].arguments == sent


def test_enums_by_name(pair):
    assert pair.post("/names/Paint", {"color": 2}).json == "BLUE"


def test_kitex_fills_in_what_is_absent(pair):
    pair.post("/kitex/Call", {"n": 5.9, "other": 1})
    assert pair.peer.calls[0].arguments == [(1, STRUCT, [(2, I64, 5), (1, STRING, b""), (3, I32, 0)])]


@pytest.mark.parametrize("body", [None, b""])
def test_no_body_where_there_are_no_arguments(pair, body):
    answer = pair.post("/Nothing", body)
    assert (answer.status, answer.body, answer.headers.get("Content-Type")) == (204, b"", None)
    assert pair.peer.calls[0].arguments == []
    assert is_problem(pair.post("/Call", body), 400, "GW4001")["errors"][0]["pointer"] == ""
    assert is_problem(pair.post("/kitex/Call", body), 400, "GW4001")


def test_oneway(pair):
    for _ in range(3):
        answer = pair.post("/Tell", {"text": "x"})
        assert (answer.status, answer.body, answer.headers.get("Content-Type")) == (202, b"", None)
    assert pair.served()
    assert [c.kind for c in pair.peer.calls] == [ONEWAY] * 3 + [CALL]
    assert [c.argument() for c in pair.peer.calls[:3]] == [b"x"] * 3
    assert pair.peer.connections == 1


def test_a_large_oneway_call_is_answered_once_it_is_written(pair):
    """The server does not read: what the socket does not take has not been written."""
    begin, lock = threading.Event(), threading.Event()
    pair.peer.on("Tell", lambda call: (begin.set(), lock.wait(10)))
    first = pair.post("/Tell", {"text": "x"})
    assert first.status == 202 and begin.wait(10)
    with pair.gateway.client() as c:
        body = json.dumps({"text": "y" * 20_000_000}).encode()
        sending = threading.Thread(target=c.request, args=("POST", "/Tell"), kwargs={"body": body})
        sending.start()
        sending.join(10 * SLOW)
        assert c.silent(0.2)
        lock.set()
        assert c.response().status == 202
    assert pair.served()
    assert len(pair.peer.calls[1].argument()) == 20_000_000
    assert pair.peer.connections == 1


def test_sequence_ids_differ(pair):
    for _ in range(5):
        pair.post("/Call", {})
    assert len({c.sequence for c in pair.peer.calls}) == 5


def test_head_and_get(pair):
    with pair.gateway.client() as c:
        assert c.get("/Nothing").status == 204
        pair.peer.on("Inherited", lambda call: call.reply([(0, STRING, "abc")]))
        answer = c.request("HEAD", "/Inherited", body=b"{}").response("HEAD")
        assert (answer.status, answer.headers.get("Content-Length")) == (200, "5")
        assert c.get("/Nothing").status == 204


# ---- cut anywhere, large, slow


def test_answers_cut_at_every_byte(pair):
    fields = [(0, STRUCT, [(1, STRING, "halló"), (2, I64, 77)])]
    size = len(pair_message(fields))
    for framed in (False, True):
        for at in range(1, size + 4 * framed):
            def split(call):
                data = call.message(fields, framed=framed)
                call.send(data[:at])
                time.sleep(0.002)
                call.send(data[at:])
            pair.peer.on("Call", split)
            answer = pair.post("/Call", {})
            assert (answer.status, answer.json) == (200, {"msg": "halló", "n": 77}), at
    assert pair.peer.connections == 1


def pair_message(fields):
    return struct.pack(">Ii", 0, 4) + b"Call" + struct.pack(">i", 0) + encode(STRUCT, fields)


def test_answers_byte_for_byte(pair):
    pair.peer.on("Call", lambda call: call.trickle(call.message([(0, STRUCT, [(1, STRING, "slow")])]), delay=0.001))
    pair.peer.on("Text", lambda call: call.trickle(call.message(
        [(1, STRING, "no"), (2, I32, 6)], kind=EXCEPTION, framed=True), delay=0.001))
    assert pair.post("/Call", {}).json == {"msg": "slow"}
    assert is_problem(pair.post("/Text", {}), 502, "GW5025")["detail"] == "no"
    assert pair.peer.connections == 1


@pytest.mark.parametrize("size", [1000, 14_336, 16_300, 65_536, 1_000_000, 10_000_000])
@pytest.mark.parametrize("prefix", ["/", "/framed/", "/jitter/", "/held/", "/blocked/"])
def test_sizes(pair, prefix, size):
    text = ("0123456789äß" * (size // 12 + 1))[:size]
    with pair.gateway.client() as c:
        data = c.compose("POST", prefix + "Call", body=json.dumps({"msg": text, "n": 5}).encode(), chunked=size > 50000)
        answer = c.both_ways(data)
        assert answer.status == 200 and answer.json == {"msg": text, "n": 5}
        hooked = prefix in ("/jitter/", "/held/")  # on bodies
        assert answer.framing == ("length" if size < 50_000 and not hooked else "chunked")
        assert c.get("/Nothing").status == 204
    assert pair.peer.connections == 1


def test_an_answer_of_unknown_length_is_chunked(pair):
    for size, framing in ((16_000, "length"), (24_500, "chunked")):
        rest = threading.Event()

        def in_two(call, size=size, rest=rest):
            data = call.message([(0, STRUCT, [(1, STRING, "x" * size)])])
            call.send(data[:-1000])
            assert rest.wait(10)
            call.send(data[-1000:])
        pair.peer.on("Call", in_two)
        with pair.gateway.client() as c:
            c.request("POST", "/Call", body=b"{}")
            assert c.silent(0.05) if framing == "length" else c.sock.recv(1, socket.MSG_PEEK)
            rest.set()
            answer = c.response()
        assert (answer.framing, len(answer.json["msg"])) == (framing, size)


@pytest.mark.plain
def test_a_slow_client_holds_the_server_back(pair):
    """The gateway keeps none of what the client does not read."""
    sent = []
    size = 40_000_000

    def much(call):
        data = call.message([(0, STRUCT, [(1, STRING, b"x" * size)])])
        for at in range(0, len(data), 100_000):
            call.send(data[at:at + 100_000])
            sent.append(at)
    assert pair.served()
    pair.peer.on("Call", much)
    before = pair.gateway.rss_kib()
    with pair.gateway.client(receive_buffer=65536) as c:
        c.request("POST", "/Call", body=b"{}")
        count = -1
        while not count or count != len(sent):
            count = len(sent)
            time.sleep(0.2)
        assert count * 100_000 < size - 20_000_000
        assert pair.gateway.rss_kib() - before < 4000
        assert len(c.response().body) == size + 10
    assert pair.peer.connections == 1


@pytest.mark.plain
def test_memory_of_large_requests_is_given_back(pair):
    pair.peer.on("Call", lambda call: call.reply([(0, STRUCT, [])]))
    assert pair.post("/Call", {}).status == 200
    before = pair.gateway.rss_kib()
    for size in (30_000_000, 30_000_000, 700_000):
        assert pair.post("/Call", {"msg": "x" * size}).status == 200
        eventually(lambda: pair.gateway.rss_kib() - before < 3000, what="the end of the call")


def test_pipelined_clients(pair):
    with pair.gateway.client() as c:
        requests = [c.compose("POST", "/Add", body=b'{"a":%d,"b":0}' % i) for i in range(50)]
        c.send(b"".join(requests))
        assert [c.response().json for _ in range(50)] == list(range(50))
    assert pair.peer.connections == 1


# ---- errors of the request


@pytest.mark.parametrize("body, pointer, expected, got", [
    ({"msg": "x", "n": -2.8}, "/n", "i64", "number -2.8"),
    ({"n": "12"}, "/n", "i64", "string"),
    ({"mgs": "x"}, "/mgs", "a field of Req (nearest: msg)", "an unknown name"),
    (b'{"msg":"cut o', "/msg", None, None),
    (b'{"msg":"x"} x', "", None, None),
])
def test_what_does_not_fit(pair, body, pointer, expected, got):
    problem = is_problem(pair.post("/Call", body), 400, "GW4001")
    error, = problem["errors"]
    assert error["pointer"] == pointer
    if expected:
        assert (error["expected"], error["got"]) == (expected, got)
        assert re.fullmatch(r"echo\.thrift:[0-9]+", error["idl"])
    assert problem["detail"] == f"{pointer or 'the body'}: expected {error['expected']}, got {error['got']}"
    assert problem["source"] == "gateway"
    assert not pair.peer.calls


def test_every_misfit_is_told(pair):
    problem = is_problem(pair.post("/Call", {"msg": 1, "n": "x", "color": "GREEN"}), 400, "GW4001")
    assert [e["pointer"] for e in problem["errors"]] == ["/msg", "/n", "/color"]


@pytest.mark.parametrize("size, told", [(100, 20), (10_000, 7), (60_000, 2)])
@pytest.mark.parametrize("tail", ["", ", !"])
def test_an_answer_about_long_names_is_not_much_longer(pair, size, told, tail):
    names = [f"{i}{'x' * size}" for i in range(30)]
    body = "{" + ", ".join(f'"{name}": 1' for name in names) + tail + "}"
    answer = pair.post("/Call", body.encode())
    said = is_problem(answer, 400, "GW4001")
    pointers = [error["pointer"][1:] for error in said["errors"]]
    if tail:
        assert said["errors"][-1]["got"].startswith("'!' at byte")
        pointers.pop()
    assert pointers == names[:len(pointers)] and len(pointers) + bool(tail) == told
    assert said["detail"].startswith("/0xxx" if size < 1000 else "(a long pointer): expected a field of Req")


def test_one_pointer_may_be_longer_than_all_others(tmp_path, factory):
    (tmp_path / "idl").mkdir()
    (tmp_path / "idl" / "tree.thrift").write_text("struct T { 1: map<string, T> t, 2: string s }\nservice S { T m(1: T t) }\n")
    gw = factory.gateway(config([route("a", "/", endpoint=rpc("tree", "m"))], {"tree": ["127.0.0.1:1"]},
                                idl={"folder": str(tmp_path / "idl")}, decorators=[PROBLEM]))
    name = "k" * 60_000
    with gw.client() as c:
        for tail in ("", ', "t": !'):
            body = '{"t": {"%s": ' % name * 5 + '{"s": 1, "x": 1%s}' % tail + "}}" * 5
            said = is_problem(c.post("/", body.encode()), 400, "GW4001")
            got = f"'!' at byte {body.index('!')}" if tail else "number 1"
            pointer = f"/t/{name}" * 5 + ("/t" if tail else "/s")
            assert [(e["pointer"], e["got"]) for e in said["errors"]] == [(pointer, got)]
            assert said["detail"].startswith("(a long pointer): expected ")


def test_too_large_a_request(pair):
    assert is_problem(pair.post("/small/Call", {"msg": "x" * 2000}), 413, "GW4131")
    body = {"texts": [""] * 250}  # 1,014 bytes of JSON, and each becomes four of a length
    assert len(json.dumps(body, separators=(",", ":"))) < 1024
    data = json.dumps(body, separators=(",", ":")).encode()
    assert is_problem(pair.post("/small/Texts", data), 413, "GW4131")
    head = 4 + 4 + len("Call") + 4  # and the argument's struct with its one field: 3 + 3 + 4 + text + 1 + 1
    assert pair.post("/short/Call", {"msg": "x" * (100 - head - 12)}).status == 200
    assert is_problem(pair.post("/short/Call", {"msg": "x" * (101 - head - 12)}), 413, "GW4131")
    assert pair.post("/small/Call", {"msg": "x"}).status == 200
    assert len(pair.peer.calls) == 2


def test_a_compressed_body_is_refused(pair):
    with pair.gateway.client() as c:
        answer = c.post("/Call", gzip.compress(b'{"msg": "x"}'), [("Content-Encoding", "gzip")])
        assert "'gzip'" in is_problem(answer, 415, "GW4151")["detail"]
        assert c.post("/Call", b'{"msg": "x"}', [("Content-Encoding", "Identity")]).json == {"msg": "x"}
        is_problem(c.post("/Call", b'{"msg": 5}', [("Content-Encoding", "utf-8")]), 400, "GW4001")
    assert len(pair.peer.calls) == 1


def test_unknown_names(pair):
    problem = is_problem(pair.post("/any/echoXXX/Call", {}), 404, "GW4042")
    assert problem["detail"] == "service 'echoXXX' is not known"
    problem = is_problem(pair.post("/any/plain/Call", {}), 404, "GW4042")
    assert problem["detail"] == "service 'plain' is described by no IDL file"
    problem = is_problem(pair.post("/any/echo/Cal%22l", {}), 404, "GW4043")
    assert (problem["service"], problem["method"], problem["source"]) == ("Echo", 'Cal"l', "gateway")
    assert pair.post("/any/echo/Call", {}).status == 200
    assert pair.post("/fixed", {"msg": "f"}).json == {"msg": "f"}


# ---- errors of the answer


def test_a_declared_exception(pair):
    pair.peer.on("Call", lambda call: call.reply([(1, STRUCT, [(1, STRING, "it\n"), (2, I32, 7)])]))
    problem = is_problem(pair.post("/Call", {}), 422, "GW4221")
    assert problem["exception"] == {"type": "Broken", "value": {"why": "it\n", "code": 7}}
    assert (problem["source"], problem["detail"]) == ("upstream", "Call threw Broken")
    pair.peer.on("Risky", lambda call: call.reply([(1, STRUCT, [])]))
    assert is_problem(pair.post("/Risky", {}), 422, "GW4221")["exception"] == {"type": "Broken", "value": {}}
    assert pair.peer.connections == 1


def test_a_declared_exception_is_collected_up_to_a_limit(pair):
    def fail(size):
        pair.peer.on("Call", lambda call: call.trickle(
            call.message([(1, STRUCT, [(1, STRING, "x" * size)])]), max(40, size // 100), max(40, size // 100), 0.002))
    fail(200)
    assert len(is_problem(pair.post("/small/Call", {}), 422, "GW4221")["exception"]["value"]["why"]) == 200
    fail(2000)
    assert "limits.body_buffer" in is_problem(pair.post("/small/Call", {}), 502, "GW5026")["detail"]
    fail(100_000)
    assert len(is_problem(pair.post("/Call", {}), 422, "GW4221")["exception"]["value"]["why"]) == 100_000


def test_an_application_exception(pair):
    text = "biz error: Overflow: sum is too large to be represented."
    pair.peer.on("Call", lambda call: call.fault(6, text))
    problem = is_problem(pair.post("/Call", {}), 502, "GW5025")
    assert problem["detail"] == text
    assert problem["exception"] == {"type": "TApplicationException", "kind": "internal error",
                                    "value": {"type": 6, "message": text}}
    assert problem["source"] == "upstream"
    pair.peer.on("Call", lambda call: call.reply([], kind=EXCEPTION))
    problem = is_problem(pair.post("/Call", {}), 502, "GW5025")
    assert problem["detail"] == "unknown" and problem["exception"]["value"] == {"type": 0, "message": ""}
    pair.peer.on("Call", lambda call: call.fault(6, ""))
    assert is_problem(pair.post("/Call", {}), 502, "GW5025")["detail"] == "internal error"
    pair.peer.on("Call", lambda call: call.fault(6, b'"\xff\n'))
    assert is_problem(pair.post("/Call", {}), 502, "GW5025")["exception"]["value"]["message"] == '"\ufffd\n'
    pair.peer.on("Call", lambda call: call.fault(1, "Unknown function Call"))
    problem = is_problem(pair.post("/Call", {}), 404, "GW4043")
    assert (problem["service"], problem["method"], problem["source"]) == ("Echo", "Call", "upstream")
    assert pair.peer.connections == 1


GOOD = [(0, STRUCT, [(1, STRING, "x")])]
UNREADABLE = {
    "http": lambda call: call.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "zeros": lambda call: call.send(bytes(100)),
    "ones": lambda call: call.send(b"\xff" * 100),
    "another method": lambda call: call.reply(GOOD, name="Text"),
    "a longer method": lambda call: call.reply(GOOD, name="Call2"),
    "an endless method": lambda call: call.send(struct.pack(">Ii", 0x80010002, 4000) + b"x" * 100),
    "no method": lambda call: call.reply(GOOD, name=""),
    "another sequence id": lambda call: call.reply(GOOD, sequence=call.sequence + 1),
    "a call": lambda call: call.reply(GOOD, kind=CALL),
    "oneway": lambda call: call.reply(GOOD, kind=ONEWAY),
    "message type 9": lambda call: call.reply(GOOD, kind=9),
    "compact": lambda call: call.send(b"\x82\x41\x01\x04Call\0"),
    "old binary": lambda call: call.send(struct.pack(">i", 4) + b"Call\x02" + struct.pack(">i", call.sequence) + b"\0"),
    "a type that is none": lambda call: call.reply(b"\x7f\x00\x00"),
    "a string too short": lambda call: call.reply(b"\x0c\x00\x00\x0b\x00\x01\xff\xff\xff\xff"),
    "no result": lambda call: call.reply([]),
    "two results": lambda call: call.reply(GOOD + [(1, STRUCT, [])]),
    "an exception that is none": lambda call: call.reply(b"\x7f\x00\x00", kind=EXCEPTION),
    "a frame too short": lambda call: call.send(struct.pack(">i", 12) + call.message(GOOD, framed=False)),
    "a frame shorter than a header": lambda call: call.send(struct.pack(">i", 5) + call.message(GOOD, framed=False)),
    "a frame too long": lambda call: call.send(struct.pack(">i", 1000) + call.message(GOOD, framed=False)),
}


@pytest.mark.parametrize("how", UNREADABLE)
def test_what_is_not_understood_closes_the_connection(pair, how):
    pair.peer.on("Call", UNREADABLE[how])
    problem = is_problem(pair.post("/Call", {}), 502, "GW5026")
    assert problem["source"] == "upstream" and pair.peer.address in problem["detail"]
    assert pair.peer.wait_open(0) == 0
    pair.peer.handlers.clear()
    assert pair.served()


def test_what_is_malformed_once_the_response_has_begun(pair):
    """Its beginning was handed on and waits for a filter: where in the result it is can't be told any more."""
    def handler(call):
        call.send(call.message(encode(STRUCT, [(0, STRUCT, [(1, STRING, "x" * 20_000)])])[:-4]))
        time.sleep(0.3)
        call.send(b"xx\x7f")
    pair.peer.on("Call", handler)
    problem = is_problem(pair.post("/parked/Call", {}), 502, "GW5026")
    assert problem["detail"].endswith("can't be read: a field has no type") and "errors" not in problem
    pair.peer.handlers.clear()
    assert pair.served()


def test_an_answer_to_oneway_closes_the_connection(pair):
    def early(call):
        call.reply()
        time.sleep(0.05)
    pair.peer.on("Tell", early)
    assert pair.post("/Tell", {"text": "x"}).status == 202
    assert eventually(lambda: pair.peer.calls)  # 202 may come before the peer has accepted
    assert pair.peer.wait_open(0) == 0
    assert pair.served()


@pytest.mark.parametrize("framed", [False, True])
@pytest.mark.parametrize("second", [True, False])
def test_bytes_behind_an_answer(pair, framed, second):
    """Served, but who knows what that connection would say next."""
    pair.peer.on("Call", lambda call: call.send(
        call.message(GOOD, framed=framed) + (call.message(GOOD, framed=framed) if second else b"\0")))
    assert pair.post("/Call", {}).json == {"msg": "x"}
    assert pair.peer.wait_open(0) == 0
    assert pair.post("/Call", {}).json == {"msg": "x"}
    assert pair.peer.connections == 2


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("sent", [0, 1, 4, 10, 20, 24])
def test_closed_early(pair, sent, end):
    def cut(call):
        call.send(call.message(GOOD)[:sent])
        time.sleep(0.02)
        getattr(call, end)()
    pair.peer.on("Call", cut)
    problem = is_problem(pair.post("/Call", {}), 502, "GW5027")
    assert problem["detail"] == f"{pair.peer.address} closed the connection"
    pair.peer.handlers.clear()
    assert pair.served()


@pytest.mark.parametrize("how", ["close", "reset", "garbage"])
def test_a_long_answer_that_ends_early_is_cut(pair, how):
    fields = [(0, LIST, (STRING, ["x" * 1000] * 100))]

    def cut(call):
        data = call.message(fields)
        call.send(data[:50_000])
        time.sleep(0.05)
        call.send(b"\xff" * 50_000) if how == "garbage" else getattr(call, how)()
    pair.peer.on("Texts", cut)
    with pair.gateway.client() as c:
        c.request("POST", "/Texts", body=b"{}")
        with pytest.raises((Cut, ConnectionResetError)):
            c.response()
    pair.peer.handlers.clear()
    assert pair.served()


def test_deadline(pair):
    pair.peer.on("Call", lambda call: time.sleep(0.5))
    assert is_problem(pair.post("/fast/Call", {}), 504, "GW5041")
    pair.peer.on("Call", lambda call: call.trickle(call.message(GOOD), delay=0.05))
    assert is_problem(pair.post("/fast/Call", {}), 504, "GW5041")
    pair.peer.handlers.clear()
    assert pair.peer.wait_open(0) == 0
    assert pair.served()


def test_no_instance_answers(gateway, tmp_path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        gw = gateway(rpc_config(tmp_path, ["127.0.0.1:%d" % s.getsockname()[1]]))
        with gw.client() as c:
            assert is_problem(c.post("/Call", b"{}"), 502, "GW5021")["source"] == "upstream"


# ---- connections


def test_connections_are_used_again(pair):
    for _ in range(20):
        assert pair.post("/Call", {"msg": "a"}).status == 200
    assert pair.peer.connections == 1


def test_http_and_thrift_do_not_share_connections(pair):
    """To the same instance: the peer would take the one for the other's garbage."""
    assert pair.served()
    with pair.gateway.client() as c:
        assert c.get("/http/x").status == 502  # it closed, not knowing what to answer
    assert pair.peer.wait_open(1) == 1
    assert pair.served()
    assert pair.peer.connections == 2
    assert len(pair.peer.errors) == 1 and "Cut" not in pair.peer.errors[0]
    pair.peer.errors.clear()


@pytest.mark.parametrize("method, tries", [("GET", 2), ("POST", 1), ("PUT", 2)])
def test_a_dead_pooled_connection_is_replaced_where_nothing_can_happen_twice(pair, method, tries):
    """The close comes behind the request: only the answer's absence tells."""
    assert pair.served()
    seen = []

    def die_once(call):
        seen.append(call.connection.number)
        if len(seen) == 1:
            call.close()
        else:
            call.reply()
    pair.peer.on("Nothing", die_once)
    with pair.gateway.client() as c:
        answer = c.request(method, "/Nothing", body=b"" if method != "GET" else None).response()
    assert answer.status == (204 if tries == 2 else 502)
    assert len(seen) == tries


def test_a_replayed_request_is_the_same(pair):
    text = "z" * 300_000
    assert pair.served()
    calls = []

    def die_once(call):
        calls.append(call)
        call.close() if len(calls) == 1 else call.reply([(0, STRING, call.argument())])
    pair.peer.on("Text", die_once)
    with pair.gateway.client() as c:
        data = c.compose("PUT", "/Text", body=json.dumps({"text": text}).encode())
        assert c.both_ways(data).json == text
    assert calls[0].arguments == calls[1].arguments


def test_a_connection_closed_while_idle_is_not_used(pair):
    for _ in range(5):
        assert pair.served()
        pair.peer.drop_connections()
    assert pair.peer.connections == 5


@pytest.mark.threads
def test_a_client_that_leaves(pair):
    begun, go = threading.Event(), threading.Event()

    def wait(call):
        begun.set()
        go.wait(10)
        call.reply(GOOD)
    pair.peer.on("Call", wait)
    c = pair.gateway.client()
    c.request("POST", "/Call", body=b"{}")
    assert begun.wait(10)
    c.close()
    time.sleep(0.05)
    go.set()
    assert pair.peer.wait_open(0) == 0
    pair.peer.handlers.clear()
    assert pair.served()


def test_a_client_that_leaves_in_its_body(pair):
    for chunked in (False, True):
        c = pair.gateway.client()
        c.send(c.compose("POST", "/Call", body=b'{"msg":"' + b"x" * 100_000, chunked=chunked)[:-20])
        time.sleep(0.02)
        c.close()
    assert pair.served()
    assert len(pair.peer.calls) == 1


def test_early_answer_to_a_request_that_is_not_read(pair):
    """The answer is served; the connection, on which the rest still stands, is not used again."""
    def early(connection):
        head = connection.reader.exactly(16, "head")
        connection.sock.sendall(head[:3] + b"\x03" + head[4:12] + head[12:16] + encode(
            STRUCT, [(1, STRING, "too large"), (2, I32, 7)]))
        time.sleep(0.3)
    original = pair.peer.serve

    def serve(connection):
        connection.read_call = lambda: early(connection)
        original(connection)
    pair.peer.serve = serve
    try:
        text = "x" * 20_000_000
        with pair.gateway.client() as c:
            answer = c.both_ways(c.compose("POST", "/Call", body=json.dumps({"msg": text}).encode()))
        assert is_problem(answer, 502, "GW5025")["detail"] == "too large"
    finally:
        pair.peer.serve = original
    assert pair.peer.wait_open(0) == 0
    assert pair.served()


@pytest.mark.threads
def test_many_at_once(pair):
    pair.peer.on("Add", lambda call: (time.sleep(0.002), call.reply([(0, I64, call.argument(1) + call.argument(2))])))
    wrong = []

    def ask(seed):
        with pair.gateway.client() as c:
            for i in range(20):
                if c.post("/Add", json.dumps({"a": seed, "b": i}).encode()).json != seed + i:
                    wrong.append((seed, i))
    threads = [threading.Thread(target=ask, args=(i,)) for i in range(100)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


@pytest.mark.threads
def test_reload_while_calls_are_under_way(factory):
    """A call under way keeps its IDL; the next has the new one."""
    peer = Peer()
    factory.upstreams.append(peer)
    gw = factory.gateway(rpc_config(factory.folder, [peer.address], workers=2))
    begun, go = threading.Event(), threading.Event()

    def wait(call):
        begun.set()
        go.wait(10)
        call.reply([(0, STRUCT, [(1, STRING, "old"), (9, STRING, "new")])])
    peer.on("Call", wait)
    with gw.client() as c:
        c.request("POST", "/Call", body=b"{}")
        assert begun.wait(10)
        folder = factory.folder / "idl" / "echo.thrift"
        folder.write_text(IDL.replace("3: Color color }", "3: Color color, 9: string more }"))
        assert gw.reload().status == 200
        go.set()
        assert c.response().json == {"msg": "old"}
        assert c.post("/Call", b"{}").json == {"msg": "old", "more": "new"}
    assert peer.connections <= 2


# ---- the envelope


def test_the_envelope(envelope):
    success = {"err_code": 0, "err_message": "success"}

    def result(method, fields, body={}):
        envelope.peer.on(method, lambda call: call.reply(fields))
        answer = envelope.post("/" + method, body)
        assert (answer.status, answer.headers.get("Content-Type")) == (200, JSON)
        return answer.json
    assert result("Call", GOOD) == {**success, "msg": "x"}
    assert result("Call", [(0, STRUCT, [])]) == success
    assert result("Taken", [(0, STRUCT, [(1, STRING, "mine")])]) == {**success, "data": {"err_code": "mine"}}
    assert result("Taken", [(0, STRUCT, [])]) == {**success, "data": {}}
    assert result("Text", [(0, STRING, "t")]) == {**success, "data": "t"}
    assert result("Texts", [(0, LIST, (STRING, ["t"]))]) == {**success, "data": ["t"]}
    assert result("Add", [(0, I64, 4)]) == {**success, "data": 4}
    assert result("Nothing", []) == success
    assert result("Risky", []) == success
    answer = envelope.post("/Tell", {})
    assert (answer.status, answer.json, answer.headers.get("Content-Type")) == (200, success, JSON)


@pytest.mark.parametrize("size", [10_000, 100_000])
def test_the_envelope_streams(envelope, size):
    success = {"err_code": 0, "err_message": "success"}
    text = "x" * size
    framing = "length" if size < 16_000 else "chunked"
    for method, body, more in (("Call", {"msg": text}, {"msg": text}), ("Text", {"text": text}, {"data": text})):
        answer = envelope.post("/" + method, body)
        assert (answer.status, answer.framing, answer.json) == (200, framing, {**success, **more})


def test_the_envelope_of_failures(envelope):
    def asked(method, handler, body={}):
        envelope.peer.on(method, handler)
        answer = envelope.post("/" + method, body)
        assert answer.status == 200
        return answer.json
    remote = "remote or network error[remote]"
    assert asked("Call", lambda call: call.fault(6, "no")) == {"error_category": remote, "error_details": "no"}
    failed = asked("Call", lambda call: call.reply([(1, STRUCT, [(1, STRING, "x" * 20_000)])]))
    assert failed["error_category"] == remote and json.loads(failed["error_details"]) == {"why": "x" * 20_000}
    missing = {"error_category": "missing method", "error_details": "CallXXX in service: Echo"}
    assert envelope.post("/CallXXX", {}).json == missing
    assert asked("Call", UNREADABLE["http"]) == {"err_code": 10006, "err_message": "response unable parse"}
    assert asked("Call", lambda call: call.close()) == {"err_code": 10004, "err_message": "request server fail"}
    assert envelope.post("/Call", b'{"msg": "').json == {"err_code": 10001, "err_message": "bad request"}


# ---- the config


def check(tmp_path, endpoint, path="/**", **service):
    (tmp_path / "idl").mkdir()
    (tmp_path / "idl" / "echo.thrift").write_text(IDL)
    file = tmp_path / "gateway.cfg"
    file.write_text(config([route("a", path, endpoint=endpoint)],
                           {"echo": {"instances": ["127.0.0.1:1"], **service}, "plain": ["127.0.0.1:1"]},
                           idl={"folder": str(tmp_path / "idl")}))
    result = subprocess.run([os.path.join(build_folder(), "cli", "gwctl"), "check", str(file)], capture_output=True,
                            text=True, timeout=60)
    return result.returncode, result.stderr


@pytest.mark.parametrize("endpoint, code, text", [
    (rpc("eco", "Call"), "GW1021", "service 'eco' is not known, did you mean 'echo'?"),
    (rpc("plain", "Call"), "GW1026", "service 'plain' is described by no IDL file"),
    (rpc("echo", "Cal"), "GW1027", "service 'echo' (Echo) has no method 'Cal', did you mean 'Call'?"),
    (rpc("echo", "Call", encoding="protobuf"), "GW1014", 'one of "binary"'),
    (rpc("echo", "Call", transport="udp"), "GW1014", 'one of "unframed", "framed", "theader"'),
    (rpc("echo", "Call", zlib=True), "GW1028", "zlib = true needs transport = "),
    (rpc("echo", "Call", in_flight=2), "GW1028", "in_flight > 1 needs a transport whose messages have an id"),
    (rpc("echo", "Call", transport="http", path="x"), "GW1028", "path does not begin with '/'"),
    (rpc("echo", "Call", in_flight=65), "GW1012", "from 1 to 64"),
    (rpc("echo", "Call", biz_status=[{"code": 1, "status": 200}]), "GW1012", "from 400 to 599"),
])
def test_wrong_configs(tmp_path, endpoint, code, text):
    status, said = check(tmp_path, endpoint)
    assert status == 2 and text in said and f"[{code}]" in said


def test_a_config_without_idl_calls_no_methods(tmp_path):
    path = tmp_path / "gateway.cfg"
    path.write_text(config([route("a", "/{service}/{method}", endpoint=rpc("{service}"))], {"echo": ["127.0.0.1:1"]}))
    result = subprocess.run([os.path.join(build_folder(), "cli", "gwctl"), "check", str(path)], capture_output=True,
                            text=True, timeout=60)
    assert result.returncode == 2 and "[GW1026]" in result.stderr and "idl = { folder" in result.stderr


def test_variables_are_looked_at_when_they_are_known(tmp_path):
    assert check(tmp_path, rpc("{service}", "Anything"), path="/{service}")[0] == 0


def test_the_services_own_word_goes_first(factory):
    peer = Peer()
    factory.upstreams.append(peer)
    text = rpc_config(factory.folder, [peer.address], [
        route("rpc", "/{method}", endpoint=rpc(transport="unframed", json="strict"))])
    gw = factory.gateway(text.replace('name = "echo";', 'name = "echo"; transport = "framed"; json = "kitex";'))
    with gw.client() as c:
        assert c.post("/Call", b'{"msg": 5}').json["msg"] == "5"
    assert peer.calls[0].framed


def test_status_and_log_name_the_instance(factory):
    peer = Peer()
    factory.upstreams.append(peer)
    log = factory.folder / "access.log"
    peer.on("Call", lambda call: (time.sleep(0.05), call.reply(GOOD)))
    gw = factory.gateway(rpc_config(factory.folder, [peer.address],
                                    decorators=[{"access_log": {"path": str(log), "format": "json"}}, PROBLEM]))
    with gw.client() as c:
        c.post("/Call", b"{}")
    gw.stop()
    line = json.loads(log.read_text().splitlines()[0])
    assert line["upstream"] == peer.address
    assert line["upstream_us"] >= 40_000
