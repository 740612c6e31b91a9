"""What a Thrift server may say and what it may not, as test_upstream.py has it for HTTP: the client's answer, Proxy-Status,
the line in the log, how often the call was sent, and whether the connection is used again."""
import itertools
import json
import struct
import time

import pytest
from support.client import Cut
from support.config import config, route
from support.gateway import eventually
from support.thrift_peer import CALL, EXCEPTION, I32, LIST, ONEWAY, STRING, STRUCT, Peer, encode

IDL = """
struct Item { 1: string msg }
exception Broken { 1: string why }
service Echo {
    Item Call(1: Item item) throws (1: Broken broken)
    list<string> Texts(1: string text)
    void Nothing(1: string text)
    oneway void Tell(1: string text)
    string Which()
}
"""
GOOD = [(0, STRUCT, [(1, STRING, "ok")])]
DECLARED = [(1, STRUCT, [(1, STRING, "why")])]
TEXTS = [(0, LIST, (STRING, ["x" * 1000] * 100))]
OK, UNREADABLE, CLOSED, LATE = (200, None), (502, "GW5026"), (502, "GW5027"), (504, "GW5041")
ERRORS = {"GW5025": "http_protocol_error", "GW5026": "http_protocol_error", "GW5027": "connection_terminated",
          "GW5041": "http_response_timeout", "GW5043": "http_response_timeout"}
numbers = itertools.count()


@pytest.fixture(scope="module", params=["unframed", "framed"])
def gate(request, module_factory, tmp_path_factory):
    peer = Peer()
    module_factory.upstreams.append(peer)
    folder = tmp_path_factory.mktemp("idl")
    (folder / "echo.thrift").write_text(IDL)
    endpoint = {"thrift": {"service": "echo", "method": "{method}", "transport": request.param}}
    gate = module_factory.gateway(config(
        [route("late", "/late/{case}/{method}", endpoint=endpoint, timeouts={"response": "600ms", "stall": "600ms"}),
         route("call", "/{case}/{method}", endpoint=endpoint)], {"echo": [peer.address]}, idl={"folder": str(folder)},
        decorators=[{"access_log": {"path": "access.log"}}, {"errors": {"format": "problem"}}]))
    gate.peer, gate.framed = peer, request.param == "framed"
    peer.on("Which", lambda call: call.reply([(0, STRING, str(call.connection.number))]))
    return gate


class Outcome:
    """Of a call that the server answers by `handler`, on a connection that was used before; ends: and that ends later."""

    def __init__(self, gate, handler, method="POST", name="Call", body=b"{}", ends=False, late=""):
        self.gate, self.path = gate, f"{late}/{next(numbers)}/{name}"
        self.answer, self.cut, seen = None, None, []
        gate.peer.on(name, lambda call: (seen.append(call), handler(call)))
        with gate.client() as client:
            before = self.which(client)
            self.begun = time.monotonic()
            try:
                self.answer = client.both_ways(client.compose(method, self.path, body=body), method)
            except (Cut, ConnectionResetError) as e:
                self.cut = e
            self.seconds = time.monotonic() - self.begun
        if ends:
            eventually(lambda: int(before) not in gate.peer.open)
        with gate.client() as client:
            self.reused = self.which(client) == before
        self.calls = seen

    @staticmethod
    def which(client):
        answer = client.request("PUT", "/0/Which", body=b"").response()  # once more if the server has just closed
        assert answer.status == 200, answer
        return answer.json

    @property
    def line(self):
        return eventually(lambda: next((x for x in self.gate.log() if x["path"] == self.path), None))

    def check(self, status, code, reused, times=1):
        assert self.answer and (self.answer.status, self.line["status"]) == (status, status), (self.answer, self.line)
        assert self.line["error"] == code and self.line["cut"] is None
        assert self.line["upstream"] == self.gate.peer.address
        proxy_status = self.answer.headers.get("Proxy-Status")
        if code in ERRORS:
            assert proxy_status == f'gateway; error={ERRORS[code]}; details="{code}"'
            assert self.answer.json["code"] == code and self.answer.json["source"] == "upstream"
        elif code is None:
            assert proxy_status is None
        assert self.reused == reused and len(self.calls) == times


def says(data, end=None, wait=0.02):
    """Says the bytes that data(call) makes, and closes or resets, if it is said how."""
    def handler(call):
        call.send(data(call))
        if end:
            call.wait_sent()
            time.sleep(wait)
            getattr(call, end)()
    return handler


def reply(body, **kw):
    return lambda call: call.message(body, **kw)


# right answers, and when they come

ANSWERS = {  # method, answer, status, code
    "a struct": ("Call", reply(GOOD), 200, None),
    "a list": ("Texts", reply(TEXTS), 200, None),
    "void": ("Nothing", reply([]), 204, None),
    "a declared exception": ("Call", reply(DECLARED), 422, "GW4221"),
    "an exception of the server": ("Call", reply([(1, STRING, "no"), (2, I32, 6)], kind=EXCEPTION), 502, "GW5025"),
    "an unknown method": ("Call", reply([(1, STRING, "no"), (2, I32, 1)], kind=EXCEPTION), 404, "GW4043"),
    "framed": ("Call", reply(GOOD, framed=True), 200, None),
    "unframed": ("Call", reply(GOOD, framed=False), 200, None),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answers(gate, name):
    method, data, status, code = ANSWERS[name]
    outcome = Outcome(gate, says(data), name=method)
    outcome.check(status, code, reused=True)
    if code == "GW4221":
        assert "Proxy-Status" not in outcome.answer.headers or code in outcome.answer.headers.get("Proxy-Status")


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("name", ANSWERS)
def test_answers_and_then_ends(gate, name, end):
    """It is whole: how the connection ends is no concern of the client's."""
    method, data, status, code = ANSWERS[name]
    Outcome(gate, says(data, end), name=method, ends=True).check(status, code, reused=False)


def test_by_the_byte(gate):
    outcome = Outcome(gate, lambda call: call.trickle(call.message(GOOD), delay=0.001))
    outcome.check(200, None, reused=True)


# bytes that are no part of it

@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("more", ["a second answer", "a byte", "an answer to another call", "zeros"])
@pytest.mark.parametrize("name", ["a struct", "void", "a declared exception", "an exception of the server"])
def test_bytes_behind_an_answer(gate, name, more, later):
    """They are no answer to anything: the connection is not used again."""
    method, data, status, code = ANSWERS[name]
    surplus = {"a second answer": data, "a byte": lambda call: b"\x80", "zeros": lambda call: bytes(50),
               "an answer to another call": lambda call: call.message(GOOD, sequence=call.sequence + 1)}[more]
    def handler(call):
        if later:
            call.send(data(call))
            time.sleep(0.03)  # the connection idles
            call.send(surplus(call))
        else:
            call.send(data(call) + surplus(call))
    Outcome(gate, handler, name=method, ends=later).check(status, code, reused=False)


def test_an_answer_to_oneway(gate):
    """It comes on an idle connection, which is closed."""
    outcome = Outcome(gate, lambda call: call.reply([]), name="Tell", ends=True)
    assert outcome.answer.status == 202 and outcome.line["status"] == 202 and not outcome.reused


@pytest.mark.parametrize("end", [None, "close", "reset"])
def test_oneway(gate, end):
    outcome = Outcome(gate, lambda call: getattr(call, end)() if end else None, name="Tell", ends=bool(end))
    assert outcome.answer.status == 202 and outcome.answer.body == b""
    assert outcome.line["status"] == 202 and outcome.line["upstream"] == gate.peer.address
    assert outcome.line["error"] is None and outcome.reused == (end is None)


# what is not understood

GARBAGE = {
    "another sequence id": reply(GOOD, sequence=0x1234567),
    "another method": reply(GOOD, name="Which"),
    "no method": reply(GOOD, name=""),
    "a call": reply(GOOD, kind=CALL),
    "oneway": reply(GOOD, kind=ONEWAY),
    "message type 0": reply(GOOD, kind=0),
    "no result": reply([]),
    "two results": reply(GOOD + DECLARED),
    "a type that is none": reply(b"\x7f\x00\x00"),
    "a string of negative length": reply(b"\x0c\x00\x00\x0b\x00\x01\xff\xff\xff\xff"),
    "a malformed exception": reply(b"\x7f\x00\x00", kind=EXCEPTION),
    "HTTP": lambda call: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "zeros": lambda call: bytes(1000),
    "ones": lambda call: b"\xff" * 1000,
    "a frame too short": lambda call: struct.pack(">i", 20) + call.message(GOOD, framed=False),
    "a frame too long": lambda call: struct.pack(">i", 500) + call.message(GOOD, framed=False) + bytes(500),
    "an endless name": lambda call: struct.pack(">Ii", 0x80010002, 0x7fffffff) + b"x" * 70000,
}


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("name", GARBAGE)
def test_garbage(gate, name, method):
    """Nor is it asked for again."""
    Outcome(gate, says(GARBAGE[name]), method=method).check(*UNREADABLE, reused=False)


def test_bytes_before_the_call(gate):
    """What came while the connection idled belongs to no call, which goes on another one."""
    def early(call):
        call.reply([(0, STRING, str(call.connection.number))])
        time.sleep(0.03)
        call.send(b"\x80\x01")
    gate.peer.on("Which", early)
    try:
        with gate.client() as c:
            first = Outcome.which(c)
            eventually(lambda: int(first) not in gate.peer.open)
            assert Outcome.which(c) != first
    finally:
        gate.peer.on("Which", lambda call: call.reply([(0, STRING, str(call.connection.number))]))
        gate.peer.drop_connections()


# ends before, and in, an answer

@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("sent", [1, 3, 4, 11, 17, 25, -1])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_cut_answers(gate, sent, end, method):
    """Never again behind a byte of an answer."""
    Outcome(gate, says(lambda call: call.message(GOOD)[:sent], end), method=method).check(*CLOSED, reused=False)


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("method, times", [("POST", 1), ("PATCH", 1), ("PUT", 2), ("DELETE", 2), ("GET", 2), ("OPTIONS", 2)])
def test_dies_before_its_first_byte(gate, method, times, end):
    """A pooled connection: once more on a fresh one where HTTP's method may be carried out twice."""
    ended = []
    def handler(call):
        if ended:
            call.reply(GOOD)
        else:
            ended.append(call)
            getattr(call, end)()
    outcome = Outcome(gate, handler, method=method)
    if times == 2:
        outcome.check(200, None, reused=False, times=2)
        assert outcome.calls[0].arguments == outcome.calls[1].arguments
    else:
        outcome.check(*CLOSED, reused=False)


@pytest.mark.parametrize("method, times", [("POST", 1), ("PUT", 2)])
def test_dies_every_time(gate, method, times):
    """Once more, not for ever: a fresh connection that dies is the server's answer."""
    Outcome(gate, lambda call: call.close(), method=method).check(*CLOSED, reused=False, times=times)


@pytest.mark.parametrize("end", ["close", "reset", "garbage", "stays"])
def test_long_answers_that_break_are_cut(gate, end):
    """The head has gone out; nobody takes the rest for whole."""
    def handler(call):
        call.send(call.message(TEXTS)[:50_000])
        time.sleep(0.05)
        if end == "garbage":
            call.send(b"\xff" * 50_000)
        elif end == "stays":
            time.sleep(1.5)
        else:
            getattr(call, end)()
    outcome = Outcome(gate, handler, name="Texts", late="/late" if end == "stays" else "")
    assert outcome.answer is None and outcome.cut and not outcome.reused
    cuts = {"stays": "deadline", "garbage": "bad answer: a string has a negative length"}
    assert outcome.line["status"] == 200 and outcome.line["cut"] == cuts.get(end, "upstream gone")


# slow servers

@pytest.mark.parametrize("sent", [0, 2, 20])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_black_hole(gate, sent, method):
    def handler(call):
        call.send(call.message(GOOD)[:sent])
        time.sleep(1.5)
    outcome = Outcome(gate, handler, method=method, late="/late")
    outcome.check(*LATE, reused=False)
    assert 0.5 < outcome.seconds < 5


def test_too_slow_by_the_byte(gate):
    """Every byte comes soon after the last, the answer does not in time."""
    outcome = Outcome(gate, lambda call: call.trickle(call.message(GOOD), delay=0.06), late="/late")
    outcome.check(*LATE, reused=False)


def test_slow_but_in_time(gate):
    Outcome(gate, lambda call: (time.sleep(0.3), call.reply(GOOD))).check(200, None, reused=True)


# answers while the call is still being sent

LARGE = json.dumps({"msg": "x" * 20_000_000}).encode()


@pytest.fixture
def early(gate):
    """early(end, fields): answers the next call with an exception before it was read, then ends so."""
    original = gate.peer.serve
    def make(end):
        def answer(connection):
            head = connection.reader.exactly(20, "head")
            at = 4 * (not head[0] & 0x80)
            name, kind = head[at + 8:at + 12], b"\x80\x01\0\x03"
            assert name == b"Call"
            sequence = connection.reader.exactly(at, "id")[-4:] if at else b""
            sequence = (head[at + 12:] + sequence)[:4]
            data = kind + head[at + 4:at + 12] + sequence + encode(STRUCT, [(1, STRING, "too large"), (2, I32, 7)])
            connection.sock.sendall(struct.pack(">i", len(data)) + data if at else data)
            if end == "reads":
                while connection.sock.recv(1 << 20):
                    pass
            elif end == "stays":
                time.sleep(0.3)
            elif end == "late close":
                time.sleep(0.02)

        def serve(connection):
            try:
                answer(connection)
            except ConnectionResetError:  # by the gateway, which had its answer
                pass
            finally:
                connection.sock.close()  # with bytes unread: a reset
                with gate.peer.lock:
                    gate.peer.open.pop(connection.number, None)
        gate.peer.drop_connections()
        gate.peer.serve = serve
    yield make
    gate.peer.serve = original
    gate.peer.drop_connections()


@pytest.mark.parametrize("as_chunks", [False, True])
@pytest.mark.parametrize("end", ["reads", "stays", "close", "late close"])
def test_answer_while_the_call_is_still_sent(gate, early, end, as_chunks):
    """It arrives, also where a reset is on its heels, and a connection with a rest to send is not used again."""
    early(end)
    for _ in range(1 if end in ("reads", "stays") else 5):
        with gate.client() as c:
            answer = c.both_ways(c.compose("POST", "/large/Call", body=LARGE, chunked=as_chunks))
        assert answer.status == 502 and answer.json["code"] == "GW5025" and answer.json["detail"] == "too large", answer
        if end != "reads":  # that one may have had all of it before the answer was looked at
            assert gate.peer.wait_open(0) == 0


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_server_that_resets_a_large_call(gate, method):
    """On a fresh connection: nothing was answered, and nothing is sent again."""
    gate.peer.drop_connections()
    original, seen = gate.peer.serve, []
    def serve(connection):
        seen.append(connection.number)
        connection.reader.exactly(1000, "some")
        connection.sock.close()
        with gate.peer.lock:
            gate.peer.open.pop(connection.number, None)
    gate.peer.serve = serve
    try:
        with gate.client() as c:
            answer = c.both_ways(c.compose(method, "/large/Call", body=LARGE))
        assert answer.status == 502 and answer.json["code"] == "GW5027" and len(seen) == 1
    finally:
        gate.peer.serve = original
