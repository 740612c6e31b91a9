"""Fixtures of the tests of examples and pages; see programs.py."""
import pytest
from programs import Installed, Program


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
