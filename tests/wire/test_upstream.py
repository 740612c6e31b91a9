"""What an upstream may say and what it may not: the client's answer, the line in the log, and whether the connection
is used again."""
import itertools
import socket
import time

import pytest
from support.client import Cut
from support.config import config, route
from support.data import chunked, pattern, sha256
from support.gateway import eventually

OK = "HTTP/1.1 200 OK\r\n"
numbers = itertools.count()


@pytest.fixture(scope="module")
def gate(module_factory, up):
    late = {"response": "800ms", "stall": "800ms"}
    return module_factory.gateway(config([route("late", predicates={"path": "/late/**"}, timeouts=late),
                                          route("steady", predicates={"path": "/steady/**"}, timeouts={"stall": "1500ms"}),
                                          route()], {"up": [up.address]},
                                         decorators=[{"access_log": {"path": "access.log"}}]))


class Outcome:
    """Of a request to which the upstream answered with raw bytes on a pooled connection; ends: and that ends later."""

    def __init__(self, gate, up, raw, method="GET", close=False, body=None, handler=None, ends=False, way="case"):
        self.path = f"/{way}/{next(numbers)}"
        self.gate, self.answer, self.cut = gate, None, None
        def default(c, r):
            c.read_body(r)
            for piece in [raw] if isinstance(raw, (str, bytes)) else raw:
                c.send(piece)
            if close:
                c.close()
        up.on(self.path, handler or default)
        with gate.client() as client:
            before = client.get("/echo").json["connection"]
            client.request(method, self.path, body=body)
            try:
                self.answer = client.response(method)
            except (Cut, ConnectionResetError) as e:
                self.cut = e
        self.seen = sum(r.path == self.path for r in up.requests)
        if ends:
            eventually(lambda: before not in up.open)
        with gate.client() as client:
            self.reused = client.get("/echo").json["connection"] == before

    @property
    def line(self):
        return eventually(lambda: next((x for x in self.gate.log() if x["path"] == self.path), None))


GOOD = {  # raw, closes, status, body, is used again
    "length": (OK + "Content-Length: 2\r\n\r\nok", False, 200, b"ok", True),
    "no body": (OK + "Content-Length: 0\r\n\r\n", False, 200, b"", True),
    "leading zeros": (OK + "Content-Length: 0002\r\n\r\nok", False, 200, b"ok", True),
    "chunked": (OK + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", False, 200, b"ok", True),
    "chunked, in capitals": (OK + "TRANSFER-ENCODING: CHUNKED\r\n\r\n2\r\nok\r\n0\r\n\r\n", False, 200, b"ok", True),
    "chunk extensions": (OK + "Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0;c\r\n\r\n", False, 200, b"ok", True),
    "empty chunked": (OK + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", False, 200, b"", True),
    "trailers": (OK + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-A: b\r\n\r\n", False, 200, b"ok", True),
    "until it closes": (OK + "\r\nok", True, 200, b"ok", False),
    "until it closes, empty": (OK + "\r\n", True, 200, b"", False),
    "says close": (OK + "Connection: close\r\nContent-Length: 2\r\n\r\nok", False, 200, b"ok", False),
    "says close in a list": (OK + "Connection: x, CLOSE\r\nContent-Length: 2\r\n\r\nok", False, 200, b"ok", False),
    "HTTP/1.0": ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", False, 200, b"ok", False),
    "HTTP/1.0 keep-alive": ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", False, 200, b"ok",
                            True),
    "HTTP/1.0 until it closes": ("HTTP/1.0 200 OK\r\n\r\nok", True, 200, b"ok", False),
    "no reason": ("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", False, 200, b"ok", True),
    "empty reason": ("HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", False, 200, b"ok", True),
    "reason with eighth bits": (b"HTTP/1.1 200 S\xfc\xdf\r\nContent-Length: 2\r\n\r\nok", False, 200, b"ok", True),
    "204": ("HTTP/1.1 204 No Content\r\n\r\n", False, 204, b"", True),
    "204 with a length": ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", False, 204, b"", True),
    "204 with chunked": ("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", False, 204, b"", True),
    "304": ("HTTP/1.1 304 Not Modified\r\n\r\n", False, 304, b"", True),
    "304 with a length": ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", False, 304, b"", True),
    "304 with chunked": ("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", False, 304, b"", True),
    "205 without a body": ("HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", False, 205, b"", True),
    "status nobody knows": ("HTTP/1.1 299 Odd\r\nContent-Length: 0\r\n\r\n", False, 299, b"", True),
    "599": ("HTTP/1.1 599 Odd\r\nContent-Length: 0\r\n\r\n", False, 599, b"", True),
    "100 first": ("HTTP/1.1 100 Continue\r\n\r\n" + OK + "Content-Length: 2\r\n\r\nok", False, 200, b"ok", True),
    "103 twice": ("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 2 + OK + "Content-Length: 2\r\n\r\nok", False, 200,
                  b"ok", True),
    "102 with a length": ("HTTP/1.1 102 Processing\r\nContent-Length: 7\r\n\r\n" + OK + "Content-Length: 2\r\n\r\nok", False,
                          200, b"ok", True),
    "16 interim answers": ("HTTP/1.1 103 Early Hints\r\n\r\n" * 16 + OK + "Content-Length: 2\r\n\r\nok", False, 200, b"ok",
                           True),
    "large head": (OK + "X: " + "y" * 60000 + "\r\nContent-Length: 2\r\n\r\nok", False, 200, b"ok", True),
    "255 fields": (OK + "X: y\r\n" * 255 + "Content-Length: 2\r\n\r\nok", False, 200, b"ok", True),
    "Host in an answer": (OK + "Host: a, b\r\nContent-Length: 2\r\n\r\nok", False, 200, b"ok", True),
    "unasked Upgrade": (OK + "Upgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 2\r\n\r\nok", False, 200, b"ok", True),
}


@pytest.mark.parametrize("name", GOOD)
def test_good(gate, up, name):
    raw, close, status, body, reused = GOOD[name]
    outcome = Outcome(gate, up, raw, close=close)
    assert outcome.answer.status == status and outcome.answer.body == body
    assert outcome.reused == reused and outcome.seen == 1


HEADS = {  # of answers to HEAD: raw, Content-Length, is used again
    "length": (OK + "Content-Length: 1234\r\n\r\n", "1234", True),
    "chunked": (OK + "Transfer-Encoding: chunked\r\n\r\n", None, True),
    "neither": (OK + "\r\n", None, True),
    "404": ("HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n", "9", True),
    "103 first": ("HTTP/1.1 103 Early Hints\r\n\r\n" + OK + "Content-Length: 3\r\n\r\n", "3", True),
    "with a body": (OK + "Content-Length: 5\r\n\r\nhello", "5", False),
    "with chunks": (OK + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", None, False),
}


@pytest.mark.parametrize("name", HEADS)
def test_answers_to_head(gate, up, name):
    raw, length, reused = HEADS[name]
    outcome = Outcome(gate, up, raw, method="HEAD")
    assert outcome.answer.body == b"" and outcome.answer.headers.get("Content-Length") == length
    assert outcome.reused == reused


GARBAGE = {
    "no HTTP": "SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "HTTP/0.9": "<html>hello</html>\r\n\r\n",
    "HTTP/2.0": "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.2": "HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n",
    "an empty line first": "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "status 600": "HTTP/1.1 600 X\r\nContent-Length: 0\r\n\r\n",
    "status 000": "HTTP/1.1 000 X\r\nContent-Length: 0\r\n\r\n",
    "status of four digits": "HTTP/1.1 2000 X\r\nContent-Length: 0\r\n\r\n",
    "status of letters": "HTTP/1.1 2xx X\r\nContent-Length: 0\r\n\r\n",
    "no status": "HTTP/1.1 \r\nContent-Length: 0\r\n\r\n",
    "two blanks": "HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n",
    "NUL in the reason": "HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n",
    "101": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "17 interim answers": "HTTP/1.1 103 Early Hints\r\n\r\n" * 17 + OK + "Content-Length: 2\r\n\r\nok",
    "interim answers without end": "HTTP/1.1 100 Continue\r\n\r\n" * 2000,
    "malformed interim answer": "HTTP/1.1 103 Early\r\nX : y\r\n\r\n" + OK + "Content-Length: 0\r\n\r\n",
    "head over 64 KiB": OK + "X: " + "y" * 66000 + "\r\n\r\n",
    "head without end": OK + "X: " + "y" * 500000,
    "257 fields": OK + "X: y\r\n" * 257 + "\r\n",
    "status line over 8 KiB": "HTTP/1.1 200 " + "O" * 9000 + "\r\n\r\n",
    "length and chunked": OK + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": OK + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two equal lengths": OK + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
    "list of lengths": OK + "Content-Length: 2, 2\r\n\r\nok",
    "negative length": OK + "Content-Length: -2\r\n\r\nok",
    "signed length": OK + "Content-Length: +2\r\n\r\nok",
    "empty length": OK + "Content-Length: \r\n\r\nok",
    "length over 64 bits": OK + "Content-Length: 18446744073709551618\r\n\r\nok",
    "gzip, chunked": OK + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": OK + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked with a vertical tab": OK + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "blank before the first field": OK + " X: y\r\n\r\n",
    "no colon": OK + "nonsense\r\n\r\n",
    "empty name": OK + ": x\r\n\r\n",
    "control byte in a name": OK + "X\x01: y\r\n\r\n",
    "CR in a value": OK + "X: a\rb\r\n\r\n",
    "line feeds alone": "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage(gate, up, name):
    outcome = Outcome(gate, up, GARBAGE[name])
    assert outcome.answer.status == 502
    assert outcome.answer.headers.get("Proxy-Status") == 'gateway; error=http_protocol_error; details="GW5024"'
    assert not outcome.reused and outcome.seen == 1
    assert outcome.line["status"] == 502 and outcome.line["error"] == "GW5024"


ENDS = {"at once": "", "in the status line": "HTTP/1.1 2", "behind it": OK, "in a field": OK + "Content-Len",
        "before the empty line": OK + "Content-Length: 0\r\n", "behind an interim answer": "HTTP/1.1 103 Early\r\n\r\n"}


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("name", ENDS)
def test_ends_before_its_head(gate, up, name, how):
    """A POST, which is not tried again whatever was answered."""
    def handler(c, r):
        c.read_body(r)
        c.send(ENDS[name])
        time.sleep(0.02)
        c.close() if how == "close" else c.reset()
    outcome = Outcome(gate, up, "", method="POST", body=b"x", handler=handler)
    assert outcome.answer.status == 502 and outcome.seen == 1
    assert outcome.answer.headers.get("Proxy-Status") == 'gateway; error=connection_terminated; details="GW5023"'
    assert outcome.line["error"] == "GW5023"


@pytest.mark.parametrize("name", [n for n in ENDS if n != "at once"])
def test_not_again_behind_a_byte(gate, up, name):
    """A GET on a connection that was used before: once a byte of the answer has come it is not sent again."""
    outcome = Outcome(gate, up, ENDS[name], close=True)
    assert outcome.answer.status == 502 and outcome.seen == 1


def once(times, answer=b"fine"):
    """Closes without a word so many times, then answers."""
    left = [times]
    def handler(c, r):
        c.read_body(r)
        left[0] -= 1
        if left[0] >= 0:
            c.close()
        else:
            c.answer(200, answer)
    return handler


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_again_on_a_fresh_connection(gate, up, method):
    outcome = Outcome(gate, up, "", method=method, handler=once(1, b"" if method == "HEAD" else b"fine"))
    assert outcome.answer.status == 200 and outcome.seen == 2


@pytest.mark.parametrize("size, chunks", [(1, False), (16384, False), (5000, True)])
@pytest.mark.parametrize("method", ["PUT", "DELETE", "GET"])
def test_again_with_the_body_that_was_held(gate, up, method, size, chunks):
    path, body = f"/again/{next(numbers)}", pattern(size)
    def handler(c, r):
        if sum(x.path == path for x in up.requests) == 1:
            c.read_body(r)
            c.close()
        else:
            up.do_echo(c, r)
    up.on(path, handler)
    with gate.client() as c:
        assert c.get("/echo").status == 200
        answer = c.both_ways(c.compose(method, path, body=body, chunked=chunks, trailers=[("X-T", "1")] if chunks else ()))
        assert answer.status == 200 and answer.json["size"] == size and answer.json["sha256"] == sha256(body)
        assert answer.json["trailers"] == ([["X-T", "1"]] if chunks else [])
        assert answer.json["framing"] == ("chunked" if chunks else "length")
    assert sum(r.path == path for r in up.requests) == 2


def test_again_while_the_body_still_comes(gate, up):
    """The connection dies behind the first half; the second half goes behind it on the fresh one."""
    path, body = f"/again/{next(numbers)}", pattern(8000)
    def handler(c, r):
        if sum(x.path == path for x in up.requests) == 1:
            next(c.body_pieces(r))
            c.close()
        else:
            up.do_echo(c, r)
    up.on(path, handler)
    with gate.client() as c:
        assert c.get("/echo").status == 200
        data = c.compose("PUT", path, body=body)
        c.send(data[:-4000])
        eventually(lambda: sum(r.path == path for r in up.requests) == 2)
        time.sleep(0.05)
        c.send(data[-4000:])
        answer = c.response()
        assert answer.status == 200 and answer.json["sha256"] == sha256(body)


@pytest.mark.parametrize("method, size", [("PUT", 16385), ("PUT", 300000), ("POST", 1)])
def test_not_again_what_was_not_held(gate, up, method, size):
    outcome = Outcome(gate, up, "", method=method, body=pattern(size), handler=once(1))
    assert outcome.answer.status == 502 and outcome.seen == 1


def test_again_but_once(gate, up):
    outcome = Outcome(gate, up, "", handler=once(2))
    assert outcome.answer.status == 502 and outcome.seen == 2


@pytest.mark.parametrize("method", ["POST", "PATCH", "PROPFIND"])
def test_not_again_what_might_act_twice(gate, up, method):
    outcome = Outcome(gate, up, "", method=method, handler=once(1))
    assert outcome.answer.status == 502 and outcome.seen == 1


def test_not_again_on_a_first_use(gate, up):
    up.on("/first", once(1))
    up.drop_connections()
    assert gate.get("/first").status == 502
    assert sum(r.path == "/first" for r in up.requests) == 1


CUTS = {
    "short length": OK + "Content-Length: 10\r\n\r\nfive!",
    "no last chunk": OK + "Transfer-Encoding: chunked\r\n\r\n5\r\nfive!\r\n",
    "within a chunk": OK + "Transfer-Encoding: chunked\r\n\r\na\r\nfive!",
    "within a chunk's size": OK + "Transfer-Encoding: chunked\r\n\r\n5\r\nfive!\r\n1",
    "bad chunk size": OK + "Transfer-Encoding: chunked\r\n\r\n5\r\nfive!\r\nxyz\r\n",
    "negative chunk size": OK + "Transfer-Encoding: chunked\r\n\r\n5\r\nfive!\r\n-1\r\n",
    "chunk size over 64 bits": OK + "Transfer-Encoding: chunked\r\n\r\n5\r\nfive!\r\n10000000000000000\r\n",
    "chunk longer than it says": OK + "Transfer-Encoding: chunked\r\n\r\n5\r\nfive!six\r\n0\r\n\r\n",
    "line feeds alone": OK + "Transfer-Encoding: chunked\r\n\r\n5\nfive!\n0\n\n",
    "malformed trailer": OK + "Transfer-Encoding: chunked\r\n\r\n5\r\nfive!\r\n0\r\nX : y\r\n\r\n",
    "trailers over 64 KiB": OK + "Transfer-Encoding: chunked\r\n\r\n5\r\nfive!\r\n0\r\nX: " + "y" * 70000 + "\r\n\r\n",
    "no end of trailers": OK + "Transfer-Encoding: chunked\r\n\r\n5\r\nfive!\r\n0\r\nX: y\r\n",
    "extension over 4 KiB": OK + "Transfer-Encoding: chunked\r\n\r\n5\r\nfive!\r\n1;" + "x" * 5000 + "\r\n",
}


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("name", CUTS)
def test_cut_bodies(gate, up, name, how):
    """The head has gone out: the connection is cut, and nobody takes the body for whole."""
    def handler(c, r):
        c.send(CUTS[name])
        time.sleep(0.02)
        c.close() if how == "close" else c.reset()
    outcome = Outcome(gate, up, "", handler=handler)
    assert outcome.answer is None and outcome.cut and not outcome.reused
    assert outcome.line["status"] == 200 and outcome.line["cut"] == "upstream gone"


def test_reset_of_a_body_until_close(gate, up):
    def handler(c, r):
        c.send(OK + "\r\nfive!")
        time.sleep(0.05)
        c.reset()
    outcome = Outcome(gate, up, "", handler=handler)
    assert outcome.answer is None and outcome.line["cut"] == "upstream gone"


SURPLUS = {
    "behind a length": (OK + "Content-Length: 2\r\n\r\nok", 200, b"ok"),
    "behind no body": (OK + "Content-Length: 0\r\n\r\n", 200, b""),
    "behind chunks": (OK + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, b"ok"),
    "behind trailers": (OK + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n", 200, b"ok"),
    "behind a 204": ("HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    "behind a 204's length": ("HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n", 204, b""),
    "behind a 304": ("HTTP/1.1 304 Not Modified\r\n\r\n", 304, b""),
}


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("more", ["evil", "\r\n", OK + "Content-Length: 4\r\n\r\nevil"])
@pytest.mark.parametrize("name", SURPLUS)
def test_bytes_behind_an_answer(gate, up, name, more, later):
    """They are no answer to anything: the connection is not used again."""
    raw, status, body = SURPLUS[name]
    def handler(c, r):
        c.send(raw if later else raw + more)
        if later:
            time.sleep(0.03)  # the connection idles
            c.send(more)
    outcome = Outcome(gate, up, "", handler=handler, ends=later)
    assert outcome.answer.status == status and outcome.answer.body == body
    assert not outcome.reused
    for _ in range(3):
        assert gate.get("/echo").status == 200


# interim answers

def test_interim_answers_in_order(gate, up):
    raw = ["HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\nX: y\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n",
           "HTTP/1.1 102 Processing\r\n\r\n", OK + "Content-Length: 2\r\n\r\nok"]
    answer = Outcome(gate, up, raw).answer
    assert [i.status for i in answer.interim] == [103, 102] and answer.body == b"ok"
    assert answer.interim[0].headers.get("Link") == "</a>" and "X" not in answer.interim[0].headers


def test_interim_answers_do_not_gain_time(gate, up):
    def handler(c, r):
        for _ in range(40):
            c.send("HTTP/1.1 102 Processing\r\n\r\n")
            time.sleep(0.15)
        c.answer(200, b"late")
    start = time.monotonic()
    outcome = Outcome(gate, up, "", handler=handler, way="late")
    assert outcome.answer.status == 504 and "GW5041" in outcome.answer.headers.get("Proxy-Status")
    assert time.monotonic() - start < 5


# slow answers

def test_black_hole(gate, up):
    outcome = Outcome(gate, up, "", handler=lambda c, r: time.sleep(2.5), way="late")
    assert outcome.answer.status == 504 and outcome.line["error"] == "GW5041" and not outcome.reused


def test_head_by_the_byte(gate, up):
    def handler(c, r):
        for byte in OK + "Content-Length: 2\r\n\r\nok":
            c.send(byte)
            time.sleep(0.06)
    start = time.monotonic()
    outcome = Outcome(gate, up, "", handler=handler, way="late")
    assert outcome.answer.status == 504 and outcome.line["error"] == "GW5041"
    assert time.monotonic() - start < 5


def test_body_that_stalls(gate, up):
    def handler(c, r):
        c.send(OK + "Content-Length: 10\r\n\r\nfive!")
        time.sleep(2.5)
    outcome = Outcome(gate, up, "", handler=handler, way="late")
    assert outcome.cut and outcome.line["cut"] == "deadline" and not outcome.reused


def test_body_by_the_byte(gate, up):
    """Slow, but it never stalls."""
    def handler(c, r):
        c.send(OK + "Content-Length: 17\r\n\r\n")
        for _ in range(17):
            time.sleep(0.1)
            c.send("x")
    outcome = Outcome(gate, up, "", handler=handler, way="steady")
    assert outcome.answer.body == b"x" * 17 and outcome.reused


# early answers

UPLOAD = pattern(4_000_000)


@pytest.mark.parametrize("as_chunks", [False, True])
@pytest.mark.parametrize("how", ["close", "reset", "stay"])
def test_answer_while_the_body_still_comes(gate, up, as_chunks, how):
    """A refusal that comes before the body was read arrives, also where a reset is on its heels."""
    def handler(c, r):
        c.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n"
               + ("" if how == "stay" else "Connection: close\r\n") + "\r\nearly")
        if how == "close":
            c.close()  # with bytes unread: a reset
        elif how == "reset":
            c.sock.shutdown(socket.SHUT_WR)
            time.sleep(0.01)
            c.close()
        else:
            c.read_body(r)
    up.on("/refuses", handler)
    for _ in range(10):
        with gate.client() as c:
            answer = c.both_ways(c.compose("POST", "/refuses", body=UPLOAD, chunked=as_chunks))
            assert answer.status == 413 and answer.body == b"early"
    assert gate.get("/echo").status == 200


def test_early_answer_then_the_rest_of_the_upload(gate, up):
    """A small rest is taken, and the client's connection goes on."""
    up.on("/refuses", lambda c, r: (c.answer(403, b"no"), c.read_body(r)))
    with gate.client() as c:
        data = c.compose("POST", "/refuses", body=b"x" * 20000)
        c.send(data[:10000])
        assert c.response().status == 403
        c.send(data[10000:])
        assert c.get("/echo").status == 200


def test_early_answer_streams_while_the_upload_goes_on(gate, up):
    def handler(c, r):
        c.send(OK + "Transfer-Encoding: chunked\r\n\r\n")
        c.send(chunked(b"first")[:-5])
        c.read_body(r)
        c.send(f"{len(str(r.size)):x}\r\n{r.size}\r\n0\r\n\r\n")
    up.on("/both", handler)
    with gate.client() as c:
        c.send("POST /both HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabcde")
        c.reader.until(b"first", "first chunk")
        c.send("fghij")
        assert c.reader.until(b"0\r\n\r\n", "end").endswith(b"10\r\n0\r\n\r\n")
        assert c.get("/echo").status == 200


def test_upstream_that_reads_no_more(gate, up):
    """It answers in full and lets the upload lie: the client has its answer, the connection to it is not used again."""
    def handler(c, r):
        c.answer(200, b"enough")
        time.sleep(0.5)
        c.close()
    up.on("/enough", handler)
    with gate.client() as c:
        answer = c.both_ways(c.compose("POST", "/enough", body=UPLOAD))
        assert answer.status == 200 and answer.body == b"enough"
    assert gate.get("/echo").status == 200


def test_upstream_that_resets_an_upload(gate, up):
    def handler(c, r):
        next(c.body_pieces(r))
        c.reset()
    up.on("/breaks", handler)
    with gate.client() as c:
        answer = c.both_ways(c.compose("POST", "/breaks", body=UPLOAD))
        assert answer.status == 502 and "GW5023" in answer.headers.get("Proxy-Status")


# trailers

FORBIDDEN = ["Content-Length: 9", "Transfer-Encoding: chunked", "Host: evil", "Connection: close", "Set-Cookie: a=b",
             "Content-Type: text/html", "Cache-Control: private", "Location: /x", "Date: now", "Trailer: X"]


@pytest.mark.parametrize("line", FORBIDDEN)
def test_trailers_that_decide_are_dropped(gate, up, line):
    raw = OK + f"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Kept: 1\r\n{line}\r\n\r\n"
    outcome = Outcome(gate, up, raw)
    assert list(outcome.answer.trailers) == [("X-Kept", "1")] and outcome.reused


def test_trailers_to_http10_are_dropped(gate, up):
    up.on("/trailers", lambda c, r: c.send(OK + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n"))
    with gate.client() as c:
        c.send("GET /trailers HTTP/1.0\r\n\r\n")
        answer = c.response()
        assert answer.body == b"ok" and answer.framing == "close"
