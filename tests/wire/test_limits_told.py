"""Each limit and timeout ends in its own status, says so in Proxy-Status, and in the log."""
import itertools
import threading
import time

import pytest
from support.client import Cut
from support.config import config, route
from support.gateway import eventually
from support.upstream import closed_port

IDL = "service Echo { string Text(1: string text) }"
numbers = itertools.count()


@pytest.fixture(scope="module")
def gate(module_factory, up, tmp_path_factory):
    folder = tmp_path_factory.mktemp("idl")
    (folder / "echo.thrift").write_text(IDL)
    routes = [
        route("whole", path="/whole/{n}", filters=["whole"]),
        route("call", path="/call/{n}", endpoint={"thrift": {"service": "echo", "method": "Text"}}, limits={"call": 100}),
        route("total", path="/total/**", timeouts={"total": "400ms"}, filters=[{"strip_prefix": 1}]),
        route("stall", path="/stall/{n}", limits={"body_rate": 0}),
        route("filter", path="/filter/{n}", filters=[{"timeout": "300ms"}, {"holder": {"where": "request", "after": "5s"}}]),
        route("held", path="/held", timeouts={"response": "20s"}),
        route("refused", path="/refused/{n}", service="nobody"),
        route("hole", path="/hole/{n}", service="hole"),
        route("none", path="/none/{n}", service="none"),
        route("rest"),
    ]
    services = {"up": [up.address], "echo": [f"127.0.0.1:{closed_port()}"], "nobody": [f"127.0.0.1:{closed_port()}"],
                "none": [], "hole": {"instances": [module_factory.hole], "timeouts": {"connect": "300ms"}}}
    return module_factory.gateway(config(
        routes, services, plugins=["whole", "holder"], idl={"folder": str(folder)},
        limits={"line_bytes": 1000, "head_bytes": 4000, "headers": 20, "body": 10000, "body_buffer": 5000,
                "body_rate": 1000, "in_flight": 4, "client_connections": 6},
        timeouts={"head": "300ms", "keep_alive": "500ms", "response": "500ms", "stall": "700ms", "slow": "400ms"},
        decorators=[{"access_log": {"path": "access.log"}}]))


@pytest.fixture(scope="module", autouse=True)
def hole(module_factory):
    """An address that takes no connection: its queue is full."""
    import socket
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for s in waiting:
            s.setblocking(False)
            s.connect_ex(listener.getsockname())
        module_factory.hole = f"127.0.0.1:{listener.getsockname()[1]}"
        yield
        for s in waiting:
            s.close()


def get(path, more=""):
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n{more}\r\n"


def post(path, size, body=b""):
    return f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode() + body


def chunks(path, size):
    return (f"POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
            + b"%x\r\n" % size + b"x" * size + b"\r\n0\r\n\r\n")


TEXT = b'{"text":"' + b"x" * 200 + b'"}'
TOLD = {  # what is sent, status, code, error of RFC 9209; closed: the connection is, behind the answer
    "request line": (lambda p: get(f"{p}?{'a' * 2000}"), 414, "GW4001", "http_request_error", True),
    "head's bytes": (lambda p: get(p, f"X: {'a' * 4500}\r\n"), 431, "GW4001", "http_request_error", True),
    "header count": (lambda p: get(p, "X: a\r\n" * 20), 431, "GW4001", "http_request_error", True),
    "unknown coding": (lambda p: get(p, "Transfer-Encoding: zip\r\n"), 501, "GW4001", "http_request_error", True),
    "body": (lambda p: post(p, 10001), 413, "GW4131", "http_request_error", None),
    "body, in chunks": (lambda p: chunks(p, 10001), 413, "GW4131", "http_request_error", None),
    "whole-body buffer": (lambda p: post("/whole" + p, 5001, b"x" * 5001), 413, "GW4131", "http_request_error", None),
    "encoded call": (lambda p: post("/call" + p, len(TEXT), TEXT), 413, "GW4131", "http_request_error", None),
    "head's time": (lambda p: get(p)[:-2], 408, "GW4082", "http_request_error", True),
    "body rate": (lambda p: post(p, 5000, b"x"), 408, "GW4081", "http_request_error", True),
    "between a body's bytes": (lambda p: post("/stall" + p, 5000, b"x"), 408, "GW4081", "http_request_error", True),
    "connect, refused": (lambda p: get("/refused" + p), 502, "GW5021", "connection_refused", False),
    "connect, in time": (lambda p: get("/hole" + p), 502, "GW5022", "connection_timeout", False),
    "no instance": (lambda p: get("/none" + p), 503, "GW5033", "destination_unavailable", False),
    "first byte": (lambda p: get("/sleep/2" + p), 504, "GW5041", "http_response_timeout", False),
    "a filter's time": (lambda p: get("/filter" + p), 504, "GW5042", "http_response_timeout", False),
    "total": (lambda p: get("/total/sleep/2" + p), 504, "GW5043", "http_response_timeout", False),
    "total, of a body": (lambda p: post("/total/sink" + p, 5000, b"x" * 2000), 408, "GW4081", "http_request_error", True),
}


@pytest.mark.parametrize("name", TOLD)
def test_told(gate, name):
    """Status, Proxy-Status and log; the client's connection stays where its bytes are still understood."""
    make, status, code, error, closed = TOLD[name]
    before = len(gate.log())
    path = f"/{next(numbers)}"
    with gate.client() as c:
        c.send(make(path))
        answer = c.response()
        assert answer.status == status, answer
        assert answer.headers.get("Proxy-Status") == f'gateway; error={error}; details="{code}"'
        if closed is not None:
            assert (answer.headers.get("Connection") == "close") == closed
            assert not closed or c.closed()
    def logged():  # a request line that is too long has no path
        return next((x for x in gate.log()[before:] if x["status"] == status and (x["path"] or path).endswith(path)), None)
    line = eventually(logged)
    assert line["error"] == code and line["method"] in ("GET", "POST")
    assert (line["path"] is None) == (status == 414) and line["protocol"] == ("HTTP/1.0" if status == 414 else "HTTP/1.1")


CUT = {  # behind the head of the answer
    "between an answer's bytes": "/half-then-sleep/2",
    "total": "/total/half-then-sleep/2",
}


@pytest.mark.parametrize("name", CUT)
def test_cut(gate, name):
    path = CUT[name] + f"/{next(numbers)}"
    with gate.client() as c:
        c.request("GET", path)
        with pytest.raises((Cut, ConnectionResetError)):
            c.response()
    line = eventually(lambda: next((x for x in gate.log() if path.endswith(x["path"] or "-")), None))
    assert line["status"] == 200 and line["cut"] == "deadline"


def test_half_closed_before_the_answer(gate):
    """The client has given up."""
    path = f"/{next(numbers)}"
    with gate.client() as c:
        c.send(get("/sleep/0.4" + path))
        time.sleep(0.05)
        c.half_close()
        with pytest.raises((Cut, ConnectionResetError)):
            c.response()
    line = eventually(lambda: next((x for x in gate.log() if (x["path"] or "").endswith(path)), None))
    assert line["cut"] == "client gone" and line["status"] == 0


def test_in_flight(gate, up):
    held = threading.Event()
    up.on("/held", lambda c, r: (c.read_body(r), held.wait(20), c.answer(200, b"done")))
    clients = [gate.client() for _ in range(4)]
    for c in clients:
        c.request("GET", "/held")
    eventually(lambda: sum(r.path == "/held" for r in up.requests) >= 4)
    path = f"/{next(numbers)}"
    with gate.client() as c:
        answer = c.get(path)
        assert answer.status == 503 and answer.headers.get("Retry-After") == "1"
        assert answer.headers.get("Proxy-Status").endswith('details="GW5034"')
    held.set()
    assert {c.response().status for c in clients} == {200}
    for c in clients:
        c.close()
    assert eventually(lambda: next((x for x in gate.log() if x["path"] == path), None))["error"] == "GW5034"


def test_client_connections(gate):
    clients = [gate.client(source="127.0.0.9") for _ in range(6)]
    assert {c.get("/echo").status for c in clients} == {200}
    with gate.client(source="127.0.0.9") as c:
        answer = c.response()
        assert answer.status == 429 and c.closed()
        assert answer.headers.get("Proxy-Status") == 'gateway; error=http_request_denied; details="GW4291"'
    for c in clients:
        c.close()
    assert eventually(lambda: next((x for x in gate.log() if x["status"] == 429), None))["error"] == "GW4291"


@pytest.mark.parametrize("requests", [0, 1])
def test_idle(gate, requests):
    """Closed without a word: nothing was asked."""
    with gate.client() as c:
        assert [c.get("/echo").status for _ in range(requests)] == [200] * requests
        start = time.monotonic()
        assert c.closed()
        assert 0.2 < time.monotonic() - start < 3
