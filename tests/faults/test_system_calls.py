"""System calls that fail: strace makes every 50th of a kind return an error while HTTP and Thrift requests keep coming.
The gateway stays alive, answers nothing wrong, does not spin, loses no descriptor and serves all again within a second."""
import os
import signal
import subprocess
import threading
import time

import pytest
from support.client import Client, Cut
from support.config import config, respond, route
from support.data import pattern
from support.gateway import SLOW, eventually
from support.thrift_peer import Peer

CALLS = ["accept4", "recvfrom", "sendto", "connect", "epoll_ctl", "socket", "setsockopt"]
ERRORS = ["EINTR", "EAGAIN", "ECONNRESET", "EPIPE", "ENOMEM", "ENOBUFS", "EMFILE", "ENFILE", "ETIMEDOUT"]
SAMPLE = [("accept4", "EMFILE"), ("accept4", "EINTR"), ("accept4", "ECONNRESET"), ("recvfrom", "ECONNRESET"),
          ("recvfrom", "EAGAIN"), ("recvfrom", "ENOMEM"), ("sendto", "EAGAIN"), ("sendto", "EPIPE"), ("sendto", "EINTR"),
          ("connect", "ETIMEDOUT"), ("connect", "EINTR"), ("connect", "EAGAIN"), ("epoll_ctl", "ENOMEM"), ("epoll_ctl", "EINTR"),
          ("socket", "ENFILE"), ("socket", "ENOBUFS"), ("setsockopt", "ENOMEM"), ("setsockopt", "EPIPE")]
CELLS = [(c, e) for c in CALLS for e in ERRORS] if os.environ.get("GW_LONG") else SAMPLE
EVERY, ENOUGH = 50, 20 if os.environ.get("GW_LONG") else 8  # injections that make a cell
IDL = "service Echo { string Text(1: string text) }"
FAILURES = {502, 503, 504}
OWN_LACK = {"ENOMEM", "ENOBUFS", "EMFILE", "ENFILE"}  # no upstream's fault


@pytest.fixture(scope="module")
def up(module_factory):
    return module_factory.upstream()


@pytest.fixture(scope="module")
def peer(module_factory):
    made = Peer()
    module_factory.upstreams.append(made)
    return made


@pytest.fixture(scope="module")
def gw(module_factory, up, peer):
    folder = module_factory.folder / "idl"
    folder.mkdir()
    (folder / "echo.thrift").write_text(IDL)

    def call(name, service):
        return route(name, path=f"/{name}", endpoint={"thrift": {"service": service, "method": "Text"}})
    fresh = {"pool": {"idle": 0}}
    services = {"kept": [up.address], "fresh": {"instances": [up.address], **fresh},
                "calls": {"instances": [peer.address], "idl": "echo"},
                "fresh_calls": {"instances": [peer.address], "idl": "echo", **fresh}}
    routes = [route("own", path="/own", endpoint=respond("own")), call("call", "calls"), call("fresh-call", "fresh_calls"),
              route("fresh", path="/fresh/**", filters=[{"strip_prefix": 1}], service="fresh"), route("kept", service="kept")]
    times = {"head": "2s", "response": "2s", "stall": "2s"}
    gw = module_factory.gateway(config(routes, services, idl={"folder": str(folder)}, timeouts=times))
    gw.unused = gw.descriptors()
    return gw


def requests(number):
    """What to send, and the body of its answer."""
    size = 1 + number * 37 % 5000
    text = '"%d"' % number
    return [(Client.compose("GET", f"/bytes/{size}"), pattern(size)), (Client.compose("GET", f"/fresh/bytes/{size}"), pattern(size)),
            (Client.compose("GET", "/own"), b"own"), (Client.compose("POST", "/call", body=b'{"text":%s}' % text.encode()), text.encode()),
            (Client.compose("POST", "/fresh-call", body=b'{"text":%s}' % text.encode()), text.encode()),
            (Client.compose("POST", "/fresh/bytes/10", body=pattern(size)), pattern(10))]


class Load:
    """Clients on fresh and on kept connections; `wrong` is what no failing system call excuses."""

    def __init__(self, gw, clients=4):
        self.gw, self.done, self.good, self.failed, self.wrong = gw, threading.Event(), 0, 0, []
        self.statuses = set()
        self.threads = [threading.Thread(target=self.run, args=(n,), daemon=True) for n in range(clients)]

    def run(self, first):
        number = first * 1000
        while not self.done.is_set():
            number += 1
            try:
                with Client(self.gw.port, timeout=6 * SLOW) as client:
                    for data, expected in requests(number)[number % 3:]:
                        answer = client.send(data).response()
                        if answer.status in FAILURES:
                            self.failed += 1
                            self.statuses.add(answer.status)
                        elif answer.status != 200 or answer.body != expected:
                            self.wrong.append(repr(answer))
                        else:
                            self.good += 1
            except (Cut, ConnectionError):
                self.failed += 1
            except Exception as e:
                self.wrong.append(repr(e))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        for thread in self.threads:
            thread.join(30 * SLOW)


class Injector:
    def __init__(self, gw, call, error):
        self.log = gw.file(f"strace-{call}-{error}")
        self.process = subprocess.Popen(["strace", "-f", "-qq", "-o", self.log, "-e", f"trace={call}", "-e",
                                         f"inject={call}:error={error}:when={EVERY}+{EVERY}", "-p", str(gw.pid)],
                                        stderr=subprocess.PIPE, text=True)

    def count(self):
        assert self.process.poll() is None, f"strace ended: {self.process.stderr.read()}"
        if not os.path.exists(self.log):
            return 0
        with open(self.log) as f:
            return f.read().count("(INJECTED)")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=10 * SLOW)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def all_good(gw):
    with gw.client() as client:
        for data, expected in requests(1):
            answer = client.send(data).response()
            if answer.status != 200 or answer.body != expected:
                return False
    return True


@pytest.mark.parametrize("call, error", CELLS, ids=lambda x: x)
def test_every_fiftieth_call_fails(gw, up, peer, call, error):
    with Injector(gw, call, error) as injector:
        with Load(gw) as load:
            eventually(lambda: injector.count() >= ENOUGH, 20, f"{ENOUGH} failures of {call}")
        start = cpu_seconds(gw.pid)
        time.sleep(0.4)
        assert cpu_seconds(gw.pid) - start < 0.2, "it spins"
    assert gw.process.poll() is None
    assert not load.wrong, load.wrong[:3]
    assert load.good > load.failed
    if call == "socket" or call == "connect":
        assert load.statuses == {503 if error in OWN_LACK else 502}
    eventually(lambda: all_good(gw), 1, "serving")
    assert all(all_good(gw) for _ in range(5))
    up.drop_connections()
    peer.drop_connections()
    eventually(lambda: gw.descriptors() == gw.unused, 3, "the number of descriptors before")
