"""Slow peers by the hundreds (5,000 under --long), as slowhttptest makes them: heads, bodies and readers that trickle are
cut in time and cost little memory, and a good client is served meanwhile."""
import os
import subprocess
import sys
import threading
import time

import pytest
from support.config import config, respond, route

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bench"))

import rig  # noqa: E402

pytestmark = pytest.mark.plain
LONG = bool(os.environ.get("GW_LONG"))
TIMEOUT, PEERS = (20, 5000) if LONG else (2, 300)  # slowhttptest needs more than ten seconds for so many
SECONDS = 75 if LONG else 20  # of a test; it ends before, as soon as all of its connections are closed


@pytest.fixture(scope="module")
def gw(module_factory):
    upstream = rig.Upstream(cpu=None)
    routes = [route("hello", predicates={"path": "/hello"}, endpoint=respond("hello\n")), route()]
    timeouts = {key: f"{TIMEOUT}s" for key in ("head", "keep_alive", "stall", "slow")}
    yield module_factory.gateway(config(routes, {"up": [f"127.0.0.1:{upstream.port}"]}, timeouts=timeouts,
                                        limits={"body_rate": 1000}, decorators=[{"access_log": {"path": "access.log"}}]))
    upstream.stop()


class GoodClient(threading.Thread):
    """Asks one request after the other, each on a connection of its own, until it is stopped."""

    def __init__(self, gw):
        super().__init__()
        self.gw, self.answers, self.stopping = gw, [], False
        self.start()

    def run(self):
        while not self.stopping:
            try:
                with self.gw.client() as client:
                    self.answers.append(client.get("/s").status)
            except Exception as e:
                self.answers.append(repr(e))
            time.sleep(0.02)

    def stop(self):
        self.stopping = True
        self.join()
        assert len(self.answers) > 10 and set(self.answers) == {200}, self.answers


def attack(gw, mode, path, peers, *arguments):
    return subprocess.Popen(["slowhttptest", mode, "-c", str(peers), "-r", str(max(peers, 1000)), "-l", str(SECONDS),
                             "-u", f"http://127.0.0.1:{gw.port}{path}", *arguments],
                            cwd=gw.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def cut_in_time(gw, mode, path, peers, bytes_each, *arguments):
    """All of the peers' connections, once open, are gone a second behind the timeout."""
    before, good = gw.rss_kib(), GoodClient(gw)
    process = attack(gw, mode, path, peers, *arguments)
    most, last, largest, begun = 0, time.monotonic(), before, time.monotonic()
    try:
        while True:
            now, open_now = time.monotonic(), gw.status()["workers"][0]["connections"]
            largest = max(largest, gw.rss_kib())
            if open_now > most:
                most, last = open_now, now
            if most >= peers * 0.9 and open_now <= 2:
                break
            assert now < last + TIMEOUT + 1 or most < peers * 0.9, f"{open_now} of {most} are still there"
            assert now < begun + SECONDS, f"only {most} connections came"
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
        good.stop()
    each = (largest - before) * 1024 / peers
    print(f"{mode} {path}: {most} peers, gone {time.monotonic() - last:.1f} s behind the last, {each:.0f} bytes each")
    assert each <= bytes_each


def test_heads_that_trickle(gw):
    cut_in_time(gw, "-H", "/s", PEERS, 6000, "-i", "1", "-x", "8")


def test_bodies_that_trickle(gw):
    cut_in_time(gw, "-B", "/sink", PEERS, 12000, "-i", "1", "-s", "8192", "-x", "8")


def test_readers_that_trickle(gw):
    cut_in_time(gw, "-X", "/l", PEERS, 20000, "-w", "128", "-y", "256", "-n", "1", "-z", "16")


def test_readers_of_much_that_trickle(gw):
    """More than the kernel takes for them; few, since it takes megabytes."""
    cut_in_time(gw, "-X", "/bytes/8000000", 30, 200000, "-w", "128", "-y", "256", "-n", "1", "-z", "16")


@pytest.mark.parametrize("ranges,status", [(1000, 200), (20000, 431)])
def test_thousands_of_ranges(gw, ranges, status):
    good, process = GoodClient(gw), attack(gw, "-R", f"/hello?{ranges}", PEERS, "-a", "1", "-b", str(ranges))
    lines, end = [], time.monotonic() + SECONDS
    while len(lines) < PEERS * 0.9 and time.monotonic() < end:
        time.sleep(0.05)
        lines = [line for line in gw.log()  # slowhttptest sends GETs, too, to see whether it is served
                 if (line["method"], line["query"]) == ("HEAD", str(ranges)) or line["status"] == 431]
    process.kill()
    process.wait()
    good.stop()
    assert len(lines) >= PEERS * 0.9 and {line["status"] for line in lines} == {status}
