"""Fixtures of the tests against a running gateway; see support/."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from support.gateway import Gateway  # noqa: E402
from support.upstream import Upstream  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "threads: drives several threads of the gateway; for the thread sanitizer")
    config.addinivalue_line("markers", "plain: measures time or memory; runs under no sanitizer")


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
