"""Every type there and back: JSON, gateway, a real server that echoes, gateway, JSON; Apache Thrift's Python and Go
servers, unframed and framed. Values are compared one by one, integers digit for digit, doubles bit for bit.

Left out is what the servers can't do. Python writes only the fields that are set; Go writes those of its zero value too,
leaves out an optional one that equals its default, and fails at a union of which no field is set."""
import json

import pytest
from support import peers
from support.config import config, route
from support.gateway import eventually
from support.thrift_values import (ECHOES, INTEGERS, LISTS, MAPS, NO_SCALARS, STRUCTS, TEXTS, empty, everything, read, same,
                                   scalars)

pytestmark = pytest.mark.timeout(300)  # whoever comes first builds the servers

LANGUAGES, TRANSPORTS = ("python", "go"), ("unframed", "framed")


# ---- one gateway, one server of each language

@pytest.fixture(scope="module")
def gw(module_factory):
    services = {}
    for language in LANGUAGES:
        server = module_factory.peer(peers.types_server(language))
        for transport in TRANSPORTS:
            entry = {"instances": [server.address(f"binary_{transport}")], "transport": transport}
            services[f"{language}-{transport}"] = {"idl": "derived", **entry}
            services[f"{language}-{transport}-base"] = {"idl": "types.BaseSvc", **entry}
    routes = [route(name, path=f"/{name}/{{service}}/{{method}}",
                    endpoint={"thrift": {"service": "{service}", "method": "{method}", **options}})
              for name, options in (("strict", {}), ("kitex", {"json": "kitex"}), ("names", {"enums": "name"}))]
    return module_factory.gateway(config(routes, services, idl={"folder": str(peers.peer_cache.IDL)},
                                         decorators=[{"errors": {"format": "problem"}}]))


class Service:
    """What is behind the gateway in one language on one transport."""

    def __init__(self, gw, language, transport):
        self.client, self.language, self.name = gw.client(), language, f"{language}-{transport}"

    def post(self, method, body=None, form="strict", suffix=""):
        data = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        return self.client.post(f"/{form}/{self.name}{suffix}/{method}", data, [("Content-Type", "application/json")])

    def call(self, method, body=None, form="strict", suffix=""):
        answer = self.post(method, body, form, suffix)
        assert answer.status == 200, answer
        assert answer.headers.all("Content-Type") == ["application/json; charset=utf-8"]
        return read(answer.body)

    def echo(self, method, value, form="strict"):
        return self.call(method, value if method in STRUCTS else {"value": value}, form)


@pytest.fixture(params=[f"{language}-{transport}" for language in LANGUAGES for transport in TRANSPORTS])
def service(request, gw):
    made = Service(gw, *request.param.split("-"))
    yield made
    made.client.close()


@pytest.mark.parametrize("method", ECHOES)
def test_there_and_back(service, method):
    for value in ECHOES[method]:
        same(service.echo(method, value), value)


def test_long_answers_and_requests_in_pieces(service):
    value = {"records": [scalars(i) for i in range(600)], "rows": [INTEGERS[32]] * 500}
    body = json.dumps({**empty(LISTS), **value}, ensure_ascii=False).encode()
    for chunked, seed in ((True, 1), (False, 2)):
        request = service.client.compose("POST", f"/strict/{service.name}/echo_lists", body=body, chunked=chunked)
        answer = service.client.both_ways(request, seed=seed, low=1, high=4000)
        assert answer.status == 200
        same(read(answer.body), {**empty(LISTS), **value})


def test_escapes(service):
    body = b'{"value":"\\ud83d\\ude00\\u00e9\\/\\u0000"}'
    answer = service.client.post(f"/strict/{service.name}/echo_string", body)
    assert read(answer.body) == "\U0001f600é/\0"


# ---- enums

def test_enums_by_name(service):
    for name, number in (("RED", 1), ("GREEN", 2), ("BLUE", 4)):
        same(service.echo("echo_color", name), number)
        same(service.echo("echo_color", name, "names"), name)
        same(service.echo("echo_color", number, "names"), name)
    same(service.echo("echo_color", 77, "names"), 77)
    maps = {**empty(MAPS), "by_color": {"RED": "r", "4": "b"}, "deep": {1: {"k": ["BLUE", 2]}}}
    same(service.echo("echo_maps", maps, "names"),
         {**empty(MAPS), "by_color": {"RED": "r", "BLUE": "b"}, "deep": {1: {"k": ["BLUE", "GREEN"]}}})
    lists = {**empty(LISTS), "colors": ["RED", "BLUE"], "records": [{**NO_SCALARS, "color": "GREEN"}]}
    same(service.echo("echo_lists", lists, "names"), lists)
    assert service.echo("echo_everything", everything("HIGH"), "names")["level"] == "HIGH"
    answer = service.post("echo_color", {"value": "PINK"})
    assert answer.status == 400 and answer.json["errors"][0]["pointer"] == "/value"


# ---- presence

DEFAULTS = {"chosen": "none", "limit": 100, "half": 0.5, "color": 2, "on": True, "primes": [2, 3, 5, 7],
            "far": 9007199254740993, "ages": {"ann": 41, "bob": 7}}


def test_absent_fields(service):
    python = service.language == "python"
    same(service.echo("echo_scalars", {}), {} if python else NO_SCALARS)
    same(service.echo("echo_lists", {}), {} if python else empty(LISTS))
    same(service.echo("echo_tree", {"name": "a"}), {"name": "a"} if python else {"name": "a", "children": [], "named": {}})


def test_absent_fields_with_defaults(service):
    want = {"needed": 1, **DEFAULTS}
    if service.language == "go":
        del want["chosen"]
        want["plain"] = 0
    same(service.echo("echo_presence", {"needed": 1}), want)
    same(service.echo("echo_presence", {"needed": 1, **dict.fromkeys(DEFAULTS)}), want)
    answer = service.post("echo_presence", {"maybe": 1})
    assert answer.status == 400 and answer.json["errors"][0]["pointer"] == "/needed"


def test_absent_fields_are_zero_in_kitex(service):
    same(service.echo("echo_scalars", {}, "kitex"), NO_SCALARS)
    same(service.echo("echo_lists", {"rows": [None, [None, 7]]}, "kitex"), {**empty(LISTS), "rows": [[], [0, 7]]})
    same(service.echo("echo_maps", {}, "kitex"), empty(MAPS))
    want = {"needed": 0, "plain": 0, "limit": 0, "half": 0.0, "color": 0, "on": False, "primes": [], "far": 0, "ages": {}}
    if service.language == "python" or service.echo("echo_presence", {}, "kitex").get("chosen"):
        want["chosen"] = "none"  # the server's own default
    same(service.echo("echo_presence", {}, "kitex"), want)


# ---- methods

def test_several_arguments(service):
    assert service.call("join", {"second": "b", "times": 3, "first": "a"}) == "ababab"
    assert service.call("join", {"second": "\U0001f600", "first": ""}) == "\U0001f600"
    same(service.call("add", {"a": INTEGERS[64][0], "b": INTEGERS[64][4]}), -1)
    arguments = {"lists": empty(LISTS), "whole": everything(), "scalars": scalars(4)}
    same(service.call("combine", arguments), {**everything(), "lists": empty(LISTS), "scalars": scalars(4)})


def test_inherited_methods(service):
    for suffix in ("", "-base"):
        assert service.call("ping", suffix=suffix) == "pong"
        assert service.post("reset", suffix=suffix).status == 204
    assert service.post("add", {"a": 1, "b": 1}, suffix="-base").status == 404


def test_void(service):
    for body in (None, {}):
        answer = service.post("nothing", body)
        assert (answer.status, answer.body) == (204, b"")
    assert service.post("touch", {"id": INTEGERS[64][4]}).status == 204


def test_exceptions(service):
    def thrown(method, number):
        answer = service.post(method, {"id": number})
        assert answer.status == 422 and answer.json["code"] == "GW4221"
        exception = read(answer.body)["exception"]
        return exception["type"], exception["value"]
    same(thrown("find", 0)[1], {"what": "number 0", "code": 404})
    same(thrown("find", -5)[1], {"why": "negative", "details": ["-5", '"<0"']})
    same(thrown("touch", 0)[1], {"what": "nothing to touch", "code": -1})
    assert [thrown("find", number)[0] for number in (0, -5)] == ["NotFound", "Refused"]
    found = service.call("find", {"id": 9})
    same(found["id"], 9)
    assert (found["text"], found["bytes"], found["color"]) == ("found", "AP8=", "4")


def test_undeclared_exceptions(service):
    answer = service.post("add", {"a": INTEGERS[64][4], "b": 1})
    text = "too large" if service.language == "python" else "Internal error processing add: too large"
    assert answer.status == 502 and answer.json["code"] == "GW5025" and answer.json["detail"] == text
    assert answer.json["exception"] == {"type": "TApplicationException", "kind": "internal error",
                                    "value": {"type": 6, "message": text}}


def test_oneway(service):
    assert service.post("reset").status == 204
    for text in TEXTS:
        answer = service.post("notify", {"text": text})
        assert (answer.status, answer.body) == (202, b"")
    eventually(lambda: service.call("notified") == TEXTS, what="all that was sent")
