"""Fixtures of the tests against a running gateway; see support/."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from support.gateway import Gateway  # noqa: E402
from support.upstream import Upstream  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--failures", help="the file to which the names of tests that fail go, one a line")
    parser.addoption("--again", help="such a file; these tests alone are run")


def pytest_configure(config):
    config.addinivalue_line("markers", "threads: drives several threads of the gateway; for the thread sanitizer")
    config.addinivalue_line("markers", "plain: measures time or memory; runs under no sanitizer")
    if config.getoption("failures") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Failures(config.getoption("failures"), chosen(config)))


class Failures:
    """What failed, and what was chosen but did not pass."""

    def __init__(self, path, names):
        self.path, self.names, self.failed = path, names, set()

    def pytest_runtest_logreport(self, report):
        name = place(report)
        if report.failed:
            self.failed.add(name)
            self.names = [x for x in self.names if x != name] + [name]
        elif report.when == "teardown" and name not in self.failed and name in self.names:
            self.names.remove(name)

    def pytest_sessionfinish(self):
        with open(self.path, "w") as file:
            file.writelines(f"{name}\n" for name in self.names)


def place(test):
    """Its name; pytest-xdist adds to the node id."""
    return f"{test.location[0]}::{test.location[2]}"


def chosen(config):
    if not config.getoption("again"):
        return []
    with open(config.getoption("again")) as file:
        return file.read().splitlines()


def pytest_collection_modifyitems(config, items):
    if config.getoption("again"):
        names = chosen(config)
        items[:] = [item for item in items if place(item) in names]


class Factory:
    """Makes gateways and upstreams; close() ends them and reports the first thing wrong with any."""

    def __init__(self, folder):
        self.folder, self.gateways, self.upstreams, self.peers = folder, [], [], []

    def gateway(self, config, start=True, **kw):
        folder = self.folder / f"gateway{len(self.gateways)}"
        folder.mkdir()
        made = Gateway(folder, config, **kw)
        self.gateways.append(made)
        return made.start() if start else made

    def upstream(self, **kw):
        made = Upstream(**kw)
        self.upstreams.append(made)
        return made

    def peer(self, server):
        """Keeps a real server (support/peers.py) until the gateways have ended."""
        self.peers.append(server)
        return server

    def close(self):
        wrong = []
        for gateway in self.gateways:
            try:
                gateway.stop()
            except AssertionError as e:
                wrong.append(str(e))
        for upstream in self.upstreams:
            upstream.close()
            wrong += [f"the upstream got what it could not read: {e}" for e in upstream.errors]
        for peer in self.peers:
            peer.close()
        assert not wrong, "\n".join(wrong)


@pytest.fixture
def factory(tmp_path):
    made = Factory(tmp_path)
    yield made
    made.close()


@pytest.fixture
def gateway(factory):
    """gateway(config_text) starts one; it must end cleanly when the test is over."""
    return factory.gateway


@pytest.fixture
def upstream(factory):
    return factory.upstream()


@pytest.fixture(scope="module")
def module_factory(tmp_path_factory):
    """The same for gateways that all tests of a file share."""
    made = Factory(tmp_path_factory.mktemp("shared"))
    yield made
    made.close()
