"""Real servers as processes, on ports of their own."""
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

import pytest

from . import peer_cache
from .gateway import SLOW, eventually

START_SECONDS = 60
PYTHON = "/usr/bin/python3"
SAYS = re.compile(r"^(?:(\w+) )?listening on 127\.0\.0\.1:(\d+)$", re.M)


def built(name):
    """The folder of a built peer. That no registry can be reached is a skip, all else a failure."""
    try:
        return peer_cache.build(name)
    except peer_cache.Unreachable as e:
        pytest.skip(f"no registry of packages for {name}: {e}")


class Server:
    """A process that says on its output where it listens, once for each of its transports."""

    def __init__(self, *command, transports=1, environment=None):
        self.command, self.transports, self.found = command, transports, None
        self.log = tempfile.TemporaryFile("w+")
        # It does not outlive the tests, however they end.
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *map(str, command)], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, env={**os.environ, **(environment or {})})

    @property
    def ports(self):
        """Transport to port; waits until it listens on all of them."""
        end = time.monotonic() + START_SECONDS * SLOW
        while not self.found:
            lines = SAYS.findall(self.output())
            if len(lines) == self.transports:
                self.found = {name: int(port) for name, port in lines}
                break
            assert self.process.poll() is None, f"{self.command} ended with {self.process.returncode}:\n{self.output()}"
            assert time.monotonic() < end, f"{self.command} does not listen:\n{self.output()}"
            time.sleep(0.01)
        return self.found

    def address(self, transport=""):
        return f"127.0.0.1:{self.ports[transport]}"

    def output(self):
        # Without moving the offset, which the process shares: what it wrote behind a seek() would overwrite the beginning.
        return os.pread(self.log.fileno(), 1 << 20, 0).decode(errors="replace")

    def pause(self):
        """Stops it until go_on(). The signal stops one thread, which stops the others: waits for all of them."""
        self.process.send_signal(signal.SIGSTOP)
        states = pathlib.Path(f"/proc/{self.process.pid}/task")
        eventually(lambda: all((task / "stat").read_text().rpartition(")")[2].split()[0] == "T"
                               for task in states.iterdir()), what="a stopped process")

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        """Ends it without a goodbye; its ports refuse from then on."""
        self.process.kill()
        self.process.wait()


ENCODINGS = ("binary", "compact", "json")
PORTS = [f"{encoding}_{transport}" for encoding in ENCODINGS for transport in ("unframed", "framed", "http")]
COMMANDS = {"python": (PYTHON, "server.py"), "node": ("node", "server.js")}


def types_server(language):
    """A server of DerivedSvc, in "python", "go", "cpp", "node" or "rust" (VoloSvc).

    "rust" listens on one port; all others on each of PORTS, and all but "node" on "header", with THeader and what is told
    from it, and on "multiplexed", where the service "Derived" is called in framed binary."""
    folder = built(f"thrift-{language}")
    *interpreter, program = COMMANDS.get(language, ("server",))
    return Server(*interpreter, folder / program, transports={"rust": 1, "node": len(PORTS)}.get(language, len(PORTS) + 2))


def quickstart_server(name):
    """The quickstart's server of EchoSvc ("echo") or SumSvc ("sum"), unframed."""
    program = peer_cache.ROOT / "examples" / "quickstart" / "thrift_server.py"
    return Server(PYTHON, program, name, 0, environment={"PYTHONPATH": str(built("quickstart"))})
