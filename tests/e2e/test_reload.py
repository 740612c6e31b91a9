"""Reload: whole or not at all, with no request lost, and nothing of the old kept."""
import json
import os
import signal
import socket
import subprocess
import threading
import time

import pytest
from support.client import Client
from support.config import build_folder, config, respond, route
from support.data import pattern
from support.gateway import eventually


def answering(text, up=None, **more):
    routes = [route("text", predicates={"path": "/text"}, endpoint=respond(text)),
              route("counts", predicates={"path": "/counts"}, endpoint={"counts": {}}),
              route("all", filters=["counter"])]
    return config(routes, {"up": [up.address]}, plugins=["counter"], **more)


class Load:
    """Clients that ask all the time, on kept and on fresh connections; `failed` must stay empty."""

    def __init__(self, gw, targets=("/text", "/bytes/3000"), clients=6):
        self.gw, self.targets, self.failed, self.done, self.count = gw, targets, [], threading.Event(), 0
        self.texts = set()
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(clients)]

    def run(self, number):
        client = None
        while not self.done.is_set():
            try:
                if client is None or number % 2:
                    if client:
                        client.close()
                    client = self.gw.client()
                target = self.targets[self.count % len(self.targets)]
                if target == "/sink":
                    answer = client.request("POST", target, body=pattern(3000)).response()
                else:
                    answer = client.get(target)
                self.count += 1
                if answer.status != 200 or (target == "/bytes/3000" and answer.body != pattern(3000)):
                    self.failed.append(repr(answer))
                if target == "/text":
                    self.texts.add(answer.text)
            except Exception as e:
                self.failed.append(repr(e))
                client = None
        if client:
            client.close()

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        for t in self.threads:
            t.join(30)


@pytest.fixture(params=["signal", "admin"])
def reload(request):
    """Reloads by SIGHUP or by POST /reload, and waits until it has happened."""
    def by_signal(gw, text, expected):
        gw.write(text)
        gw.signal(signal.SIGHUP)
        eventually(lambda: gw.get("/text").text == expected, what="reload")

    def by_admin(gw, text, expected):
        answer = gw.reload(text)
        assert answer.status == 200, answer
        assert gw.get("/text").text == expected
    return by_signal if request.param == "signal" else by_admin


@pytest.mark.threads
def test_reload_under_load(gateway, upstream, reload):
    gw = gateway(answering("first", upstream, workers=2))
    with Load(gw) as load:
        for i in range(8):
            reload(gw, answering(f"text {i}", upstream, workers=2), f"text {i}")
        time.sleep(0.1)
    assert not load.failed, load.failed[:5]
    assert load.count > 50 and len(load.texts) > 1
    def ended(counts):
        return counts["requests"] == counts["ends"] and counts["wrong"] == 0
    eventually(lambda: ended(gw.get("/counts").json), what="the end of all exchanges")  # another worker's may be behind


@pytest.mark.threads
def test_ten_reloads_under_64_connections(gateway, factory):
    """Kept and fresh connections, through instances that come and go."""
    ups = [factory.upstream() for _ in range(3)]
    def generation(number):
        routes = [route("text", predicates={"path": "/text"}, endpoint=respond(str(number))),
                  route("sink", path="/sink", filters=[{"add_request_header": {"name": "X-Number", "value": f"n{number}"}}]),
                  *(route(f"extra{i}", path=f"/extra/{i}", endpoint=respond()) for i in range(number % 3 * 50)), route("all")]
        chosen = [up.address for i, up in enumerate(ups) if i != number % 3]
        listeners = ["127.0.0.1:0"] + [f"unix:{factory.folder}/second.sock"] * (number % 2)
        return config(routes, {"up": chosen}, workers=2, listeners=listeners)
    gw = gateway(generation(0))
    with Load(gw, ("/text", "/bytes/3000", "/sink"), clients=64) as load:
        for number in range(1, 11):
            time.sleep(1.2 if os.environ.get("GW_LONG") else 0.25)
            gw.write(generation(number))
            gw.signal(signal.SIGHUP)
            eventually(lambda: str(number) in load.texts, what="reload")
    assert not load.failed, load.failed[:5]
    assert load.count > 500
    assert all(up.requests for up in ups)


def test_requests_in_flight_finish_on_the_old_table(gateway, upstream):
    gw = gateway(answering("old", upstream))
    with gw.client() as slow, gw.client() as upload:
        slow.request(target="/sleep/0.4")
        upload.send("POST /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
        time.sleep(0.05)
        assert gw.reload(config([route("text", predicates={"path": "/text"}, endpoint=respond("new"))])).status == 200
        assert gw.get("/text").text == "new"
        assert gw.get("/bytes/3").status == 404
        assert slow.response().body == b"awake"
        upload.send("def")
        assert upload.response().json["size"] == 6
        assert slow.get("/text").text == "new", "a kept connection goes on with the new table"


def test_connections_survive(gateway, upstream, reload):
    """Neither the client's connection nor the upstream's is closed."""
    gw = gateway(answering("a", upstream))
    with gw.client() as c:
        first = c.get("/echo").json["connection"]
        for text in "bcd":
            reload(gw, answering(text, upstream), text)
            assert c.get("/text").text == text
            assert c.get("/echo").json["connection"] == first


def test_good_bad_good(gateway, upstream):
    gw = gateway(answering("good", upstream))
    alive = gw.status()["generations"]["alive"]
    bad = answering("bad", upstream).replace('path = "/text"', 'path = "/text"; pth = "/x"')
    answer = gw.reload(bad)
    assert answer.status in (400, 409, 422), answer
    assert "pth" in answer.text and "path" in answer.text
    assert gw.get("/text").text == "good"
    assert gw.reload("version = 1; routes = (").status in (400, 409, 422)
    assert gw.get("/text").text == "good"
    gw.write(bad)
    gw.signal(signal.SIGHUP)
    gw.wait_stderr("pth")
    assert gw.get("/text").text == "good"
    assert gw.status()["generations"]["alive"] == alive
    assert gw.reload(answering("better", upstream)).status == 200
    assert gw.get("/text").text == "better"


def test_bad_config_under_load(gateway, upstream):
    gw = gateway(answering("good", upstream, workers=2))
    with Load(gw) as load:
        for i in range(5):
            assert gw.reload(answering("x", upstream, workers=2, nonsense=i)).status in (400, 409, 422)
    assert not load.failed and load.texts == {"good"}


def test_changed_workers_are_refused(gateway, upstream):
    gw = gateway(answering("one", upstream, workers=1))
    answer = gw.reload(answering("two", upstream, workers=2))
    assert answer.status in (400, 409, 422) and "restart" in answer.text
    assert gw.get("/text").text == "one"


def test_listener_added_and_removed(gateway, upstream, factory):
    path = str(factory.folder / "second.sock")
    gw = gateway(answering("a", upstream))
    kept = gw.client()
    assert kept.get("/text").text == "a"
    assert gw.reload(answering("b", upstream, listeners=["127.0.0.1:0", f"unix:{path}"])).status == 200
    with Client(path) as idle, Client(path) as busy:
        assert idle.get("/text").text == "b"
        busy.request(target="/sleep/0.3")
        time.sleep(0.05)
        assert gw.reload(answering("c", upstream)).status == 200
        assert busy.response().body == b"awake", "what was under way on a listener that went finishes"
    with pytest.raises((FileNotFoundError, ConnectionRefusedError)):
        Client(path)
    assert kept.get("/text").text == "c"


@pytest.mark.threads
def test_generations_are_freed(gateway, upstream):
    gw, held = gateway(answering("0", upstream, workers=2)), threading.Event()
    upstream.on("/held", lambda c, r: (held.wait(20), c.answer()))
    slow = gw.client().request(target="/held")
    eventually(lambda: any(r.path == "/held" for r in upstream.requests), what="the slow request to arrive")
    for i in range(10):
        assert gw.reload(answering(str(i), upstream, workers=2)).status == 200
    assert gw.status()["generations"]["alive"] == 2, "the one in use, and that of the slow request"
    held.set()
    assert slow.response().status == 200
    eventually(lambda: gw.status()["generations"]["alive"] == 1, what="old generations to be freed")
    eventually(lambda: gw.get("/counts").json["instances"] == 2, what="instances of old tables to be destroyed")


@pytest.mark.plain
def test_memory_does_not_grow(gateway, upstream):
    gw = gateway(answering("0", upstream))
    for i in range(30):
        gw.reload(answering(str(i), upstream))
    before = gw.rss_kib()
    for i in range(200):
        assert gw.reload(answering(str(i), upstream)).status == 200
    assert gw.rss_kib() - before < 1024


def test_admin_refuses_other_users(gateway, upstream):
    """By peer credentials, though the file's mode would let them in."""
    gw = gateway(answering("a", upstream))
    path = gw.file("gateway.sock")
    program = ("import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n"
               "s.sendall(b'POST /reload HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 0\\r\\n\\r\\n')\n"
               "print(s.recv(100).decode())\n")
    if os.geteuid() == 0:
        os.chmod(path, 0o777)
        folder = os.path.dirname(path)
        while folder != "/":
            os.chmod(folder, os.stat(folder).st_mode | 0o711)
            folder = os.path.dirname(folder)
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        result = subprocess.run([*command, "/usr/bin/python3", "-c", program, path], capture_output=True, text=True,
                                timeout=20)
        assert "200" not in result.stdout
        assert "403" in result.stdout or "Connection" in result.stderr or result.stdout.strip() == "", result
    else:
        assert os.stat(path).st_mode & 0o077 == 0, "other users could open the socket"
    assert gw.status()["generations"]


def test_status(gateway, upstream):
    gw = gateway(answering("a", upstream))
    status = gw.status()
    for key in ("server", "workers", "listeners", "routes", "services", "schemas", "generations"):
        assert key in status, key
    assert "up" in json.dumps(status["services"]) and "text" in json.dumps(status["routes"])
    assert str(gw.port) in json.dumps(status["listeners"])
    assert gw.admin("GET", "/nothing").status == 404
    assert gw.admin("GET", "/reload").status in (404, 405)


def gwctl(*arguments):
    return subprocess.run([os.path.join(build_folder(), "cli", "gwctl"), *arguments], capture_output=True, text=True,
                          timeout=30)


def test_gwctl_status_and_reload(gateway, upstream):
    gw = gateway(answering("a", upstream))
    for target in (gw.path, "--socket"):
        arguments = [target] if target == gw.path else ["--socket", gw.file("gateway.sock")]
        assert gwctl("status", *arguments).returncode == 0
    gw.write(answering("b", upstream))
    assert gwctl("reload", "--socket", gw.file("gateway.sock")).returncode == 0
    assert gw.get("/text").text == "b"
    gw.write(answering("c", upstream, nonsense=1))
    result = gwctl("reload", "--socket", gw.file("gateway.sock"))
    assert result.returncode in (1, 2) and "nonsense" in result.stdout + result.stderr
    assert gw.get("/text").text == "b"


def test_gwctl_status_of_nothing(tmp_path):
    assert gwctl("status", "--socket", str(tmp_path / "none.sock")).returncode == 3


def test_taken_port_is_an_error(gateway, factory, upstream):
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    gw = gateway(answering("a", upstream))
    answer = gw.reload(answering("b", upstream, listeners=["127.0.0.1:0", f"127.0.0.1:{taken.getsockname()[1]}"]))
    assert answer.status >= 400 and gw.get("/text").text == "a"
    taken.close()


def test_stop_lets_requests_finish(gateway, upstream):
    gw = gateway(answering("a", upstream))
    with gw.client() as c:
        c.request(target="/sleep/0.3")
        time.sleep(0.05)
        gw.signal(signal.SIGTERM)
        assert c.response().body == b"awake"
    assert gw.process.wait(10) == 0


def test_stop_with_idle_connections_is_quick(gateway, upstream):
    gw = gateway(answering("a", upstream))
    clients = [gw.client() for _ in range(10)]
    for c in clients:
        c.get("/text")
    start = time.monotonic()
    gw.signal(signal.SIGTERM)
    assert gw.process.wait(10) == 0
    assert time.monotonic() - start < 3
    assert all(c.closed() for c in clients)




@pytest.mark.threads
def test_stop_while_reloading(gateway, upstream):
    """SIGTERM in the middle of reloads, by signal and by the admin API, under load: it ends, in time."""
    for round_number in range(6):
        gw = gateway(answering("a", upstream, workers=2))
        stopped = threading.Event()

        def reloading(gw=gw, stopped=stopped):
            while not stopped.is_set():
                try:
                    gw.admin("POST", "/reload", b"")
                except Exception:
                    return
        threads = [threading.Thread(target=reloading) for _ in range(3)]
        for t in threads:
            t.start()
        time.sleep(0.03 + 0.01 * round_number)
        gw.signal(signal.SIGHUP)
        gw.stop()
        stopped.set()
        for t in threads:
            t.join(30)
