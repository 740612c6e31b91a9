"""A soak of ten minutes under --long, of eight seconds else: GETs and Thrift calls with jitter, a reload each second,
two of three instances killed and restarted at random. Memory and descriptors stay flat, and no request fails but those
whose instance was killed after the first byte of its answer, or at the first request of a connection.

The instances (soak_instance.py) record what they read, so that of a request that failed it is known how far it came.
"""
import collections
import json
import os
import random
import socket
import subprocess
import threading
import time

import pytest
from support.client import Client, Cut
from support.config import config, respond, route
from support.data import pattern
from support.gateway import eventually

pytestmark = pytest.mark.plain
LONG = bool(os.environ.get("GW_LONG"))
SECONDS = 600 if LONG else 8
CLIENTS = 12
KILLED = 2  # of the three instances
RSS_KIB, DESCRIPTORS = 1024, 6 if LONG else 30  # what a line through the samples may rise by; pools go up and down
IDL = "service Echo { string Text(1: string text) }"
CLOSED = {"GW5023", "GW5027"}
HERE = os.path.dirname(os.path.abspath(__file__))


def unused_port():
    """Not one that the kernel gives to outgoing connections: one of those would have it when an instance comes back."""
    while True:
        port = random.randrange(10000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


class Instance:
    def __init__(self, record):
        self.http, self.thrift, self.record, self.process = unused_port(), unused_port(), record, None
        self.start()

    def start(self):
        self.process = subprocess.Popen(["/usr/bin/python3", os.path.join(HERE, "soak_instance.py"), str(self.http),
                                         str(self.thrift), self.record], stdout=subprocess.PIPE)

    def wait_ready(self):
        assert self.process.stdout.readline() == b"ready\n"

    def kill(self):
        self.process.kill()
        self.process.communicate()
        self.process = None


def generation(number, instances, idl):
    """Reloads go back and forth between two of these."""
    services = {"up": [f"127.0.0.1:{i.http}" for i in instances],
                "calls": {"instances": [f"127.0.0.1:{i.thrift}" for i in instances], "transport": "framed",
                          "idl": "echo"}}
    routes = [route("call", path="/call", endpoint={"thrift": {"service": "calls", "method": "Text"}}),
              *(route(f"extra{i}", path=f"/extra{number % 2}/{i}", endpoint=respond(str(i))) for i in range(20)),
              route()]
    decorators = [{"access_log": {"path": "access.log"}}, {"errors": {"format": "problem"}}]
    return config(routes, services, workers=2, idl={"folder": idl}, decorators=decorators,
                  filters=[{"set_response_header": {"name": "X-Generation", "value": str(number % 2)}}])


Failure = collections.namedtuple("Failure", "number begun ended what")


class Load:
    def __init__(self, port):
        self.port, self.done, self.good, self.wrong, self.failures = port, threading.Event(), 0, [], []
        self.generations = set()
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(CLIENTS)]

    def run(self, client_number):
        rng, client, number = random.Random(), None, client_number
        while not self.done.is_set():
            time.sleep(rng.expovariate(1 / 0.01))
            number += CLIENTS
            begun = time.monotonic()
            try:
                client = client or Client(self.port)
                failure, keep = self.ask(client, number, rng)
            except (Cut, ConnectionError):
                failure, keep = "cut", False
            except Exception as e:
                failure, keep = repr(e), False
            if not failure:
                self.good += 1
            elif failure == "cut" or failure in CLOSED:
                self.failures.append(Failure(number, begun, time.monotonic(), failure))
            else:
                self.wrong.append(failure)
            if client and (not keep or rng.random() < 0.05):
                client.close()
                client = None

    def ask(self, client, number, rng):
        """One request. PUT may be sent again to another instance as GET may."""
        size = int(rng.expovariate(1 / 5000))
        if rng.random() < 0.5:
            expected = pattern(size)
            answer = client.get(f"/{number}/{size}")
        else:
            text = f"{number} " + "x" * size
            expected = json.dumps(text).encode()
            answer = client.get("/call", method="PUT", body=b'{"text":%b}' % expected)
        self.generations.add(answer.headers.get("X-Generation"))
        keep = answer.headers.get("Connection") != "close"
        if answer.status == 200:
            return ("" if answer.body == expected else f"another body: {answer!r}"), keep
        code = answer.json.get("code") if answer.status == 502 else None
        return code if code in CLOSED else repr(answer), keep

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        for thread in self.threads:
            thread.join(30)


class Every(threading.Thread):
    """Does something again and again, with pauses, until it is stopped; what it raises is raised by stop()."""

    def __init__(self, what, pause):
        super().__init__()
        self.what, self.pause, self.done, self.error, self.count = what, pause, threading.Event(), None, 0
        self.start()

    def run(self):
        while not self.done.wait(self.pause()):
            try:
                self.what()
                self.count += 1
            except Exception as e:
                self.error = e
                return

    def stop(self):
        self.done.set()
        self.join(30)
        if self.error:
            raise self.error


def slope(samples):
    """Of the least squares' line through (time, value)."""
    mean_t, mean_v = (sum(column) / len(samples) for column in zip(*samples))
    return sum((t - mean_t) * (v - mean_v) for t, v in samples) / sum((t - mean_t) ** 2 for t, _ in samples)


def how_far(path, numbers):
    """What the instances recorded of some requests: number -> uses; and how many of all were read more than once."""
    found = {number: [] for number in numbers}
    repeated, last = 0, {}
    with open(path) as f:
        for line in f:
            number, use = map(int, line.split())
            if number in found:
                found[number].append(use)
            if use:
                repeated += number in last
                last[number] = use
    return found, repeated


def excuse(uses, what):
    """Why a request may have failed whose instance was killed meanwhile; None: it should not have."""
    if what == "cut":
        return "after a byte" if 0 in uses else None
    return {0: "after a byte", 1: "first use"}.get(uses[-1]) if uses else "first use, not read yet"


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def instances(tmp_path):
    made = [Instance(str(tmp_path / "record")) for _ in range(KILLED + 1)]
    for instance in made:
        instance.wait_ready()
    yield made
    for instance in made:
        if instance.process:
            instance.kill()


@pytest.mark.timeout(SECONDS + 120)
def test_soak(gateway, instances, tmp_path):
    (tmp_path / "idl").mkdir()
    (tmp_path / "idl" / "echo.thrift").write_text(IDL)
    configs = [generation(n, instances, str(tmp_path / "idl")) for n in range(2)]
    gw = gateway(configs[0])
    unused, kills, samples, begun = gw.descriptors(), [], [], time.monotonic()

    def reload():
        gw.write(configs[(reloads.count + 1) % 2])
        with Client(gw.file("gateway.sock")) as admin:
            answer = admin.request("POST", "/reload", body=b"").response()
        assert answer.status == 200, answer

    def kill_or_restart():
        instance = random.choice(instances[:KILLED])
        if instance.process:
            killed = time.monotonic()
            instance.kill()  # until it is gone its listener still takes connections
            kills.append((killed, time.monotonic()))
        else:
            instance.start()

    def sample():
        samples.append((time.monotonic() - begun, gw.rss_kib(), gw.descriptors()))

    load = Load(gw.port)
    reloads = Every(reload, lambda: 1.0)
    killer = Every(kill_or_restart, lambda: random.uniform(0.3, 1.0))
    sampler = Every(sample, lambda: 0.2)
    try:
        with load:
            time.sleep(SECONDS)
            eventually(lambda: reloads.count >= SECONDS * 0.8 and len(kills) >= SECONDS / 4 and load.good > 20 * SECONDS, 60)
    finally:
        for thread in (reloads, killer, sampler):
            thread.stop()
    cpu = cpu_seconds(gw.pid)
    steady = [s for s in samples if s[0] > SECONDS / 4]
    span = steady[-1][0] - steady[0][0]
    rss, descriptors = (slope([(s[0], s[i]) for s in steady]) * span for i in (1, 2))
    records, repeated = how_far(tmp_path / "record", {f.number for f in load.failures})
    excuses = collections.Counter()
    for failure in load.failures:
        why = excuse(records[failure.number], failure.what)
        if not why or not any(failure.begun <= gone and killed <= failure.ended for killed, gone in kills):
            load.wrong.append(f"{failure}, of whose uses {records[failure.number]} were recorded")
        excuses[why] += 1
    print(f"\n{SECONDS} s, {reloads.count} reloads, {len(kills)} kills: {load.good} requests good, {repeated} sent "
          f"once more, {len(load.failures)} failed with reason ({dict(excuses)}), {len(load.wrong)} without\n"
          f"RSS {steady[0][1]} KiB, then {steady[-1][1]} (at most {max(s[1] for s in samples)}; line {rss:+.0f} KiB), "
          f"descriptors {steady[0][2]}, then {steady[-1][2]} (line {descriptors:+.1f}), CPU {cpu:.1f} s")
    assert not load.wrong, load.wrong[:5]
    assert len(load.failures) <= load.good / 100
    assert load.generations == {"0", "1"} and repeated
    assert rss <= RSS_KIB and descriptors <= DESCRIPTORS
    for instance in instances:
        if instance.process:
            instance.kill()
    eventually(lambda: gw.descriptors() <= unused + 1, 5, "the number of descriptors before, and the log's")
