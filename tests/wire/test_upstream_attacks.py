"""Upstreams that attack, many at once: each ends in its status or a cut within the timeout, with its line in the log, and
nothing of it is felt on another route. What one answer may be is in test_upstream.py."""
import errno
import itertools
import os
import socket
import threading
import time

import pytest
from support.client import Cut
from support.config import config, respond, route
from support.gateway import SLOW, eventually
from support.upstream import closed_port

OK = "HTTP/1.1 200 OK\r\n"
CHUNKED = OK + "Transfer-Encoding: chunked\r\n\r\n"
TIMEOUT, MARGIN = 1.0 if SLOW == 1 else 2.4, 2.0 * SLOW  # the upstream, too, needs time to answer
numbers = itertools.count()


def repeat(first, piece, pause=0.0):
    """Says `first`, then `piece` again and again until the gateway leaves."""
    def handler(c, r):
        c.read_body(r)
        c.send(first)
        while True:
            c.send(piece)
            time.sleep(pause)
    return handler


def early(answer):
    """Answers while the body is still coming, and reads no more."""
    def handler(c, r):
        c.send(answer)
        time.sleep(0.3)
        c.reset()
    return handler


def half(answer):
    """Says that, and no more."""
    def handler(c, r):
        c.read_body(r)
        c.send(answer)
        c.reader.rest()
    return handler


def resets(answer):
    def handler(c, r):
        c.read_body(r)
        c.send(answer)
        time.sleep(0.02)
        c.reset()
    return handler


LARGE = "x" * 65536
BEFORE_THE_HEAD = {  # handler, status, code
    "black hole": (half(""), 504, "GW5041"),
    "half a head": (half(OK + "Content-Le"), 504, "GW5041"),
    "reset": (resets(""), 502, "GW5023"),
    "reset in the head": (resets(OK + "X: "), 502, "GW5023"),
    "head by the byte": (repeat(OK + "X: ", "y", 0.02), 504, "GW5041"),
    "head without end": (repeat(OK + "X: ", LARGE), 502, "GW5024"),
    "fields without end": (repeat(OK, "X: y\r\n" * 100), 502, "GW5024"),
    "fields without end, slowly": (repeat(OK, "X: y\r\n", 0.05), 504, "GW5041"),
    "status line without end": (repeat("HTTP/1.1 200 ", LARGE), 502, "GW5024"),
    "interim answers without end": (repeat("", "HTTP/1.1 100 Continue\r\n\r\n" * 100), 502, "GW5024"),
    "interim answers without end, slowly": (repeat("", "HTTP/1.1 102 Processing\r\n\r\n", TIMEOUT / 10), 504, "GW5041"),
    "large interim answers": (repeat("", "HTTP/1.1 103 Early Hints\r\nLink: " + "y" * 60000 + "\r\n\r\n"), 502, "GW5024"),
    "noise": (repeat("", bytes(range(256)) * 256), 502, "GW5024"),
    "line ends without end": (repeat("", "\r\n" * 10000), 502, "GW5024"),
}
IN_THE_BODY = {  # handler, reason in the log
    "stalls": (half(OK + "Content-Length: 10\r\n\r\nfive!"), "deadline"),
    "stalls in a chunk's size": (half(CHUNKED + "1"), "deadline"),
    "reset": (resets(OK + "Content-Length: 10\r\n\r\nfive!"), "upstream gone"),
    "chunk's size without end": (repeat(CHUNKED, "0" * 1000), "upstream gone"),
    "extension without end": (repeat(CHUNKED + "5;", "x" * 1000), "upstream gone"),
    "trailers without end": (repeat(CHUNKED + "0\r\n", "X: y\r\n" * 1000), "upstream gone"),
    "noise for chunks": (repeat(CHUNKED, "noise\r\n" * 1000), "upstream gone"),
}


@pytest.fixture(scope="module")
def hole():
    """An address that takes no connection: its queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for s in waiting:
            s.setblocking(False)
            s.connect_ex(listener.getsockname())
        time.sleep(0.05)
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        for s in waiting:
            s.close()


@pytest.fixture(scope="module")
def gate(module_factory, up, hole):
    good = module_factory.upstream()
    patient = {"response": "20s", "stall": "20s"}  # its instance shares a process with all that attack
    routes = [route("own", path="/own", endpoint=respond("own")),
              route("good", path="/good/**", service="good", timeouts=patient),
              route("refused", path="/refused", service="nobody"), route("hole", path="/hole", service="hole"), route("bad")]
    services = {"up": [up.address], "good": [good.address], "nobody": [f"127.0.0.1:{closed_port()}"],
                "hole": {"instances": [hole], "timeouts": {"connect": "300ms"}}}
    limit = f"{TIMEOUT * 1000:.0f}ms"
    times = {"response": limit, "stall": limit}
    return module_factory.gateway(config(routes, services, timeouts=times, decorators=[{"access_log": {"path": "access.log"}}]))


def lines(gate):
    return {line["path"]: line for line in gate.log()}


def attack(gate, up, handler, path=None, body=None):
    """Its answer, or None if it was cut; how long it took; its line in the log."""
    path = path or f"/attack/{next(numbers)}"
    if handler:
        up.on(path, handler)
    start = time.monotonic()
    with gate.client() as c:
        try:
            answer = c.both_ways(c.compose("POST", path, body=body or b"x"))
        except (Cut, ConnectionResetError):
            answer = None
        seconds = time.monotonic() - start
    return answer, seconds, eventually(lambda: lines(gate).get(path))


def check_refused(outcome, status, code):
    answer, seconds, line = outcome
    assert answer and answer.status == status == line["status"], outcome
    assert line["error"] == code and code in answer.headers.get("Proxy-Status")
    assert seconds < TIMEOUT + MARGIN
    assert seconds > TIMEOUT * 0.9 or status != 504


def check_cut(outcome, why):
    answer, seconds, line = outcome
    assert answer is None and line["status"] == 200 and line["cut"] == why, outcome
    assert seconds < TIMEOUT + MARGIN


@pytest.mark.parametrize("name", BEFORE_THE_HEAD)
def test_before_the_head(gate, up, name):
    handler, status, code = BEFORE_THE_HEAD[name]
    check_refused(attack(gate, up, handler), status, code)
    assert up.wait_idle(seconds=5) == 0, "its connection was kept"


@pytest.mark.parametrize("name", IN_THE_BODY)
def test_in_the_body(gate, up, name):
    handler, why = IN_THE_BODY[name]
    check_cut(attack(gate, up, handler), why)
    assert up.wait_idle(seconds=5) == 0, "its connection was kept"


@pytest.mark.parametrize("path, code", [("/refused", "GW5021"), ("/hole", "GW5022")])
def test_not_to_be_reached(gate, up, path, code):
    check_refused(attack(gate, up, None, path), 502, code)


ENDLESS = {
    "until close": repeat(OK + "\r\n", LARGE),
    "length": repeat(OK + "Content-Length: 1000000000000\r\n\r\n", LARGE),
    "chunks": repeat(CHUNKED, "10000\r\n" + LARGE + "\r\n"),
    "chunks of a byte": repeat(CHUNKED, "1\r\nx\r\n" * 1000),
}


@pytest.mark.parametrize("name", ENDLESS)
@pytest.mark.parametrize("reads", [True, False])
def test_body_without_end(gate, up, name, reads):
    """It flows as long as the client reads, in constant memory, and ends with the client."""
    up.on("/endless", ENDLESS[name])
    for rehearsal in range(2):
        before = gate.rss_kib()
        with gate.client(receive_buffer=8192) as c:
            c.request("GET", "/endless")
            c.reader.until(b"\r\n\r\n", "head")
            if reads:
                for _ in range(300):
                    assert len(c.sock.recv(262144)) > 0
            else:
                eventually(lambda: c.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET)
            assert os.environ.get("GW_SANITIZE") or rehearsal == 0 or gate.rss_kib() < before + 4096
        assert up.wait_idle(seconds=5) == 0, "the upstream still speaks"


@pytest.mark.parametrize("status", [200, 413])
def test_early_answer_to_an_upload_without_end(gate, up, status):
    up.on("/early", early(f"HTTP/1.1 {status} X\r\nContent-Length: 5\r\n\r\nearly"))
    with gate.client() as c:
        c.send("POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        answers = []
        reader = threading.Thread(target=lambda: answers.append(c.response()), daemon=True)
        reader.start()
        with pytest.raises(OSError):  # the rest is not taken for ever
            while True:
                c.send("10000\r\n" + LARGE + "\r\n")
        reader.join(10)
    assert answers and answers[0].status == status and answers[0].body == b"early"
    assert up.wait_idle(seconds=5) == 0


def test_all_at_once(gate, up):
    """Three of each, and a client of another route, whose every request is answered at once."""
    outcomes, failures, slowest, done = [], [], [], threading.Event()

    def attacking(check, handler, *expected):
        try:
            check(attack(gate, up, handler), *expected)
            outcomes.append(1)
        except Exception as e:
            failures.append(repr(e))

    def served():
        with gate.client() as c:
            while not done.is_set():
                for target in ("/own", "/good/bytes/1000"):
                    start = time.monotonic()
                    if c.get(target).status != 200:
                        failures.append(target)
                    slowest.append(time.monotonic() - start)

    cases = [(check_refused, *c) for c in BEFORE_THE_HEAD.values()] + [(check_cut, *c) for c in IN_THE_BODY.values()]
    threads = [threading.Thread(target=attacking, args=case, daemon=True) for case in cases * 3]
    good = threading.Thread(target=served, daemon=True)
    for thread in [good, *threads]:
        thread.start()
    for thread in threads:
        thread.join(30 * SLOW)
    done.set()
    good.join(30 * SLOW)
    assert not failures and len(outcomes) == len(threads)
    assert len(slowest) > 10 and max(slowest) < TIMEOUT + MARGIN
    assert up.wait_idle(seconds=5) == 0
