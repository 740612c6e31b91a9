"""One gateway in front of one upstream, shared by the tests of a file, and two ways of sending."""
import pytest
from support.config import config, respond, route

ROUTES = [
    route("hello", predicates={"path": "/hello"}, endpoint=respond("hello\n")),
    route("all"),
]


@pytest.fixture(scope="module")
def up(module_factory):
    return module_factory.upstream()


@pytest.fixture(scope="module")
def gw(module_factory, up):
    return module_factory.gateway(config(ROUTES, {"up": [up.address]}, decorators=[{"errors": {"format": "problem"}}]))


@pytest.fixture
def client(gw):
    with gw.client() as c:
        yield c


@pytest.fixture(params=["whole", "bytes"])
def send(request):
    """Sends on a client at once, or byte by byte."""
    if request.param == "whole":
        return lambda client, data: client.send(data)
    return lambda client, data: client.trickle(data, delay=0.0002 if len(data) < 600 else 0)
