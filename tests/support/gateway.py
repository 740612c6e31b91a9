"""A running gwctl: starts, knows its ports, ends cleanly or says why not."""
import json
import os
import re
import signal
import socket
import subprocess
import time

from .client import Client
from .config import build_folder

SLOW = {"address": 4, "thread": 10}.get(os.environ.get("GW_SANITIZE", ""), 1)  # factor for patience
START_SECONDS, STOP_SECONDS = 30 * SLOW, 5 * SLOW
COMPLAINTS = re.compile(r"Sanitizer|runtime error|Assertion|SUMMARY:", re.I)


class Gateway:
    def __init__(self, folder, config, environment=None):
        self.folder, self.path = str(folder), os.path.join(str(folder), "gateway.cfg")
        self.environment = {**os.environ, **(environment or {})}
        self.process, self.ports, self.addresses, self.clients = None, [], [], []
        self.exit_code = 0
        self.write(config)

    # life

    def write(self, config):
        """Writes the config as one step, as an editor does."""
        with open(self.path + ".new", "w") as f:
            f.write(config)
        os.rename(self.path + ".new", self.path)
        self.listeners = len(re.findall(r"address", config.partition("listeners")[2].partition(");")[0]))

    def start(self):
        with open(self.file("stderr"), "ab") as log:
            self.process = subprocess.Popen([os.path.join(build_folder(), "cli", "gwctl"), "run", self.path],
                                            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self.environment)
        end = time.monotonic() + START_SECONDS
        while len(self.find_addresses()) < self.listeners:
            assert self.process.poll() is None, f"gwctl ended with {self.process.returncode}:\n{self.stderr()}"
            assert time.monotonic() < end, f"gwctl does not listen:\n{self.stderr()}"
            time.sleep(0.005)
        self.ports = [int(a.rpartition(":")[2]) if a[-1].isdigit() and not a.startswith("unix:") else None
                      for a in self.addresses]
        return self

    def find_addresses(self):
        self.addresses = re.findall(r"listening on (\S+?)[,;.]?(?=\s|$)", self.stderr())
        return self.addresses

    @property
    def port(self):
        return self.ports[0]

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """Ends it by SIGTERM and asserts that it went well: code 0, in time, no complaint of a sanitizer."""
        for client in self.clients:
            client.close()
        if not self.process:
            return
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self.process = None
            raise AssertionError(f"gwctl did not end within {STOP_SECONDS} s of SIGTERM:\n{self.stderr()}") from None
        self.process = None
        text = self.stderr()
        assert code == self.exit_code, f"gwctl ended with {code}:\n{text[-6000:]}"
        complaint = COMPLAINTS.search(text)
        assert not complaint, f"gwctl complained:\n{text[max(0, complaint.start() - 500):][:6000]}"

    # talking

    def client(self, index=0, **kw):
        """A new connection to the index-th listener; closed at the end of the test."""
        address = self.ports[index] or self.addresses[index].partition("unix:")[2]
        if self.addresses[index].startswith("["):
            address = ("::1", address)
        client = Client(address, **kw)
        self.clients.append(client)
        return client

    def get(self, target="/", headers=(), **kw):
        """One request on a connection of its own."""
        with self.client() as c:
            return c.get(target, headers, **kw)

    def admin(self, method="GET", target="/status", body=None):
        with Client(self.file("gateway.sock")) as client:
            return client.request(method, target, body=body).response(method)

    def status(self):
        answer = self.admin()
        assert answer.status == 200, answer
        return json.loads(answer.body)

    def reload(self, config=None):
        """Puts a config in place and reloads by the admin API; returns the answer."""
        if config is not None:
            self.write(config)
        return self.admin("POST", "/reload", b"")

    # looking

    def file(self, name):
        return os.path.join(self.folder, name)

    def log(self):
        """The access log's entries; of a line that is being written none."""
        if not os.path.exists(self.file("access.log")):
            return []
        with open(self.file("access.log")) as f:
            return [json.loads(line) for line in f.read().split("\n")[:-1]]

    def stderr(self):
        try:
            with open(self.file("stderr"), errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def wait_stderr(self, expression, count=1, seconds=10):
        end = time.monotonic() + seconds * SLOW
        while len(re.findall(expression, self.stderr())) < count:
            assert time.monotonic() < end, f"no {expression!r} on stderr:\n{self.stderr()}"
            time.sleep(0.01)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def rss_kib(self):
        with open(f"/proc/{self.pid}/status") as f:
            return int(re.search(r"^VmRSS:\s+(\d+)", f.read(), re.M).group(1))


def eventually(condition, seconds=10, what="condition"):
    """Waits for a condition; returns its value, or fails."""
    end = time.monotonic() + seconds * SLOW
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < end, f"{what} did not come true within {seconds} s"
        time.sleep(0.01)


def unused_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
