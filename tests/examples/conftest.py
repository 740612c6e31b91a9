"""Fixtures of the tests of examples and pages; see programs.py."""
import os
import re
import subprocess

import pytest
from programs import BUILD, ROOT, Installed, Program, run, session
from shop import Nobody, Shop
from support.peers import Server


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    return Installed(tmp_path_factory.mktemp("installed"))


@pytest.fixture
def program(tmp_path):
    """program(command, environment) starts one; it must end well when the test is over."""
    started = []

    def start(command, environment, folder=tmp_path, **kw):
        started.append(Program(command, environment, folder, **kw))
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.fixture(scope="session")
def quickstart():
    """What each command of the quickstart printed, on the ports it has."""
    printed = run(ROOT / "examples/quickstart/run.sh", "--once", env={**os.environ, "GW_BUILD": str(BUILD)}, timeout=100)
    return dict(session(printed))


class Example:
    """A gateway with the config of an example, on ports that are free."""

    def __init__(self, folder, config, servers):
        """servers: the ports of the config, and what listens there: an `address` and `close()`, or the command of a
        server (on port 0) with its environment."""
        self.servers = {port: Server(*found[0], environment=found[1]) if isinstance(found, tuple) else found
                        for port, found in servers.items()}
        self.addresses = {port: found.address() if callable(found.address) else found.address
                          for port, found in self.servers.items()}
        text = config.replace("127.0.0.1:8080", "127.0.0.1:0").replace("../../idl", str(ROOT / "idl"))
        for port, address in self.addresses.items():
            text = text.replace(f"127.0.0.1:{port}", address)
        (folder / "gateway.cfg").write_text(text)
        self.gateway = Program([BUILD / "cli/gwctl", "run", folder / "gateway.cfg"], os.environ, folder)

    def type(self, command):
        """What the command of a page prints here, with the ports of the page."""
        command = command.replace("127.0.0.1:8080", f"127.0.0.1:{self.gateway.port}")
        for port, address in self.addresses.items():
            command = command.replace(f"127.0.0.1:{port}", address)
        printed = subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, text=True, timeout=60, cwd=ROOT,
                                 env={**os.environ, "PATH": f"{BUILD}/cli:{os.environ['PATH']}"}).stdout
        for port, address in self.addresses.items():
            printed = printed.replace(address.rpartition(":")[2], str(port))
        return printed.replace(str(self.gateway.port), "8080")

    def stop(self):
        self.gateway.stop()
        for server in self.servers.values():
            server.close()


@pytest.fixture(scope="session")
def http_example(tmp_path_factory):
    backend = ["/usr/bin/python3", ROOT / "examples/http/backend.py", 0]
    made = Example(tmp_path_factory.mktemp("http"), (ROOT / "examples/http/gateway.cfg").read_text(),
                   {port: (backend, None) for port in (9000, 9001)})
    yield made
    made.stop()


@pytest.fixture(scope="session")
def strict_example(quickstart, tmp_path_factory):
    """The quickstart with strict JSON and errors as problems; the servers are its own, of what it has generated."""
    config = (ROOT / "examples/quickstart/gateway.cfg").read_text().replace(' json = "kitex";', "")
    config = config.replace('{ format = "envelope"; rpc_errors = "category"; }', '"problem"')
    server, environment = ROOT / "examples/quickstart/thrift_server.py", {"PYTHONPATH": str(BUILD / "gen-py")}
    made = Example(tmp_path_factory.mktemp("strict"), config,
                   {port: (["/usr/bin/python3", server, "echo" if port < 9000 else "sum", 0], environment)
                    for port in (8870, 8871, 8872, 9870, 9871, 9872)})
    yield made
    made.stop()


@pytest.fixture(scope="session")
def shop_example(tmp_path_factory):
    """The service and the config of doc/thrift.md."""
    folder, page = tmp_path_factory.mktemp("shop"), (ROOT / "doc/thrift.md").read_text()
    idl, config = (re.search(rf"^```{kind} shop\n(.*?)^```$", page, re.M | re.S).group(1) for kind in ("thrift", "libconfig"))
    (folder / "idl").mkdir()
    (folder / "idl/shop.thrift").write_text(idl)
    made = Example(folder, config, {9090: Shop(), 9091: Nobody(full=False), 9092: Nobody(full=True)})
    yield made
    made.stop()
