"""Real servers as processes, on ports of their own."""
import re
import subprocess
import tempfile
import time

import pytest

from . import peer_cache
from .gateway import SLOW

START_SECONDS = 20
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
        self.log = tempfile.TemporaryFile("w+")
        # It does not outlive the tests, however they end.
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *map(str, command)], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, env=environment)
        end = time.monotonic() + START_SECONDS * SLOW
        while len(SAYS.findall(self.output())) < transports:
            assert self.process.poll() is None, f"{command} ended with {self.process.returncode}:\n{self.output()}"
            assert time.monotonic() < end, f"{command} does not listen:\n{self.output()}"
            time.sleep(0.01)
        self.ports = {name: int(port) for name, port in SAYS.findall(self.output())}

    def output(self):
        self.log.seek(0)
        return self.log.read()

    @property
    def port(self):
        return next(iter(self.ports.values()))

    def address(self, transport=""):
        return f"127.0.0.1:{self.ports[transport]}"

    def kill(self):
        """Ends it without a goodbye; its port refuses from then on."""
        self.process.kill()
        self.process.wait()

    close = kill
