"""The access log: JSON lines and a format of one's own, written soon, reopened on SIGUSR1, and truthful."""
import json
import os
import re
import signal
import time

import pytest
from support.client import Cut
from support.config import config, respond, route
from support.gateway import eventually


def lines(gw, name="access.log"):
    try:
        with open(gw.file(name)) as f:
            return f.read().splitlines()
    except FileNotFoundError:
        return []


def wait_lines(gw, count, name="access.log"):
    return eventually(lambda: len(lines(gw, name)) >= count and lines(gw, name), what=f"{count} lines of the log")


def logging(up, format="json", **more):
    log = {"access_log": {"path": "access.log", "format": format}}
    routes = [route("hello", predicates={"path": "/hello"}, endpoint=respond()),
              route("strip", predicates={"path": "/strip/**"}, filters=[{"strip_prefix": 1}]),
              route("up", predicates={"path": "/x/**"}, filters=[{"strip_prefix": 1}])]
    return config(routes, {"up": [up.address]}, decorators=[log, {"errors": {"format": "problem"}}], **more)


def test_json_lines(gateway, upstream):
    gw = gateway(logging(upstream))
    with gw.client() as c:
        c.get("/hello?a=1", host="shop.test:81")
        c.post("/x/sink", b"x" * 5000)
        c.get("/nowhere")
        c.get("/strip/bytes/777", method="HEAD")
    entries = [json.loads(line) for line in wait_lines(gw, 4)]
    assert [e["status"] for e in entries] == [200, 200, 404, 200]
    assert [e["method"] for e in entries] == ["GET", "POST", "GET", "HEAD"]
    first, second, third, fourth = entries
    assert (first["path"], first["query"], first["host"], first["route"]) == ("/hello", "a=1", "shop.test", "hello")
    assert first["response_bytes"] == 5 and first["upstream"] is None and first["client"].startswith("127.0.0.1:")
    assert second["request_bytes"] == 5000 and second["upstream"] == upstream.address and second["upstream_us"] > 0
    assert third["route"] is None and third["error"].startswith("GW")
    assert fourth["path"] == "/strip/bytes/777" and fourth["response_bytes"] == 0
    halves = [half for e in entries for half in (e["id"][:16], e["id"][16:])]
    assert len(set(halves)) == 8 and all(re.fullmatch("[0-9a-f]{16}", half) for half in halves)
    assert all(0 <= e["duration_us"] < 5_000_000 and e["protocol"] == "HTTP/1.1" for e in entries)


def test_format(gateway, upstream):
    gw = gateway(logging(upstream, '${method} ${path} ${status} "${request_header:X-Name}" ${response_header:Content-Type}'))
    gw.get("/hello", [("X-Name", 'evil" \\ \t')])
    gw.get("/hello")
    got = wait_lines(gw, 2)
    assert got[0].startswith('GET /hello 200 "evil\\" \\\\') and got[0].endswith("text/plain")
    assert got[1].startswith('GET /hello 200 "')


def test_no_line_can_be_forged(gateway, upstream):
    gw = gateway(logging(upstream))
    gw.get("/hello?%0A{%22forged%22:1}")
    gw.get("/hello?a={b}\\")
    entries = [json.loads(line) for line in wait_lines(gw, 2)]
    assert len(entries) == 2 and entries[1]["query"] == "a={b}\\"


def test_cut_is_told(gateway, upstream):
    gw = gateway(logging(upstream))
    with gw.client() as c, pytest.raises((Cut, ConnectionResetError)):
        c.get("/x/cut")
    c = gw.client()
    c.request(target="/x/sleep/0.5")
    time.sleep(0.05)
    c.reset()
    entries = [json.loads(line) for line in wait_lines(gw, 2)]
    assert entries[0]["cut"] == "upstream gone" and entries[0]["status"] == 200
    assert entries[1]["cut"] == "client gone"


def test_one_line_for_each_request(gateway, upstream):
    gw = gateway(logging(upstream, workers=2))
    for _ in range(10):
        with gw.client() as c:
            for _ in range(10):
                c.get("/hello")
    gw.stop()
    entries = [json.loads(line) for line in lines(gw)]
    assert len(entries) == 100 and len({e["id"] for e in entries}) == 100


@pytest.mark.threads
def test_reopened_on_sigusr1(gateway, upstream):
    gw = gateway(logging(upstream, "${path}", workers=2))
    gw.get("/hello")
    wait_lines(gw, 1)
    os.rename(gw.file("access.log"), gw.file("access.log.1"))
    gw.signal(signal.SIGUSR1)
    eventually(lambda: os.path.exists(gw.file("access.log")), what="the log to be reopened")
    for _ in range(5):
        gw.get("/hello")
    assert wait_lines(gw, 5) == ["/hello"] * 5
    assert lines(gw, "access.log.1") == ["/hello"]


def test_log_goes_on_over_a_reload(gateway, upstream):
    gw = gateway(logging(upstream, "${path}"))
    gw.get("/hello")
    assert gw.reload(logging(upstream, "${status} ${path}")).status == 200
    gw.get("/hello")
    assert wait_lines(gw, 2) == ["/hello", "200 /hello"]


def test_unwritable_log_is_a_config_error(gateway, upstream):
    gw = gateway(logging(upstream))
    bad = logging(upstream).replace("access.log", "no/such/folder/access.log")
    answer = gw.reload(bad)
    assert answer.status >= 400 and "no/such/folder" in answer.text
    assert gw.get("/hello").status == 200
