"""Every server with every encoding and transport it speaks: values with all their edges there and back, exceptions of either
kind, methods it does not know, without result, and without answer.

What a server itself gets wrong is left out below by name, each with what it does."""
import json
import re
import shutil

import pytest
from support import peers
from support.config import config, route
from support.gateway import eventually
from support.thrift_values import ECHOES, INTEGERS, LISTS, STRUCTS, TEXTS, Bag, empty, everything, read, same, scalars

pytestmark = pytest.mark.timeout(600)  # whoever comes first builds the servers


class Cell:
    """A server's port and how it is called. On "header" the server tells from the bytes how."""

    def __init__(self, language, port, encoding, transport, **options):
        self.language, self.port, self.encoding, self.transport = language, port, encoding, transport
        self.entry = {"idl": "matrix", "encoding": encoding, "transport": transport, **options}
        self.name = "-".join([language, encoding, transport, *(["told"] if port == "header" else []), *options])

    def marks(self):
        return pytest.param(self, id=self.name, marks=pytest.mark.xdist_group(f"matrix-{self.language}"))


def cells():
    for language in ("python", "go", "cpp", "node"):
        for transport in ("unframed", "framed", "http"):
            for encoding in ("binary", "compact", "json"):
                yield Cell(language, f"{encoding}_{transport}", encoding, transport)
            if language != "python":  # it keeps the name as bytes and finds no method
                yield Cell(language, f"binary_{transport}", "binary_old", transport)
        if language == "node":
            continue  # neither THeader nor multiplexed services are in its server
        for encoding in ("binary", "compact"):
            for transport in ("unframed", "framed", "theader"):
                yield Cell(language, "header", encoding, transport)
            if language != "cpp":  # compressing, it overruns its memory
                yield Cell(language, "header", encoding, "theader", zlib=True)
        yield Cell(language, "multiplexed", "binary", "framed", multiplexed="Derived")
    for transport in ("unframed", "framed", "ttheader", "ttheader_framed"):
        yield Cell("rust", "", "binary", transport)


CELLS = list(cells())


# ---- what servers get wrong

def node_cannot(cell, name, value):
    """There is no negative zero. Keys of maps are strings to it, so that false is true, and 64 bits are seldom right. In
    compact each bool in a container is false. In JSON an i64 is right from 0 to 2**53 only, and so are lists in lists and
    maps that are not empty, and keys that are not."""
    encoding = cell.encoding
    if name == "by_truth" or (name == "truths" and encoding == "compact" and isinstance(value, dict)):
        return {}
    if name == "by_large":
        return {key: item for key, item in value.items() if key in (0, 1)}
    if name == "truths" and encoding == "compact":
        return type(value)([False] * (len(value) > 0))
    if encoding == "json" and isinstance(value, int) and not 0 <= value <= 1 << 53:
        return value % 100
    if encoding == "json" and name in ("rows", "deep", "bags", "tables") and isinstance(value, list):
        return type(value)(item for item in value if item)
    if encoding == "json" and isinstance(value, dict):
        return {key: item for key, item in value.items()
                if key != "" and not (name in ("rows", "deep", "bags") and not item)}
    return 0.0 if isinstance(value, float) and value == 0 else value


def cpp_cannot(cell, name, value):
    """In JSON it does not read \\u0000."""
    return value.replace("\0", "") if cell.encoding == "json" and isinstance(value, str) else value


def python_cannot(cell, name, value):
    """In JSON it misreads an escape with four digits if not all of it is there, as may be where nothing is framed."""
    apart = cell.encoding == "json" and cell.transport == "unframed" and isinstance(value, str)
    return re.sub(r"[\0-\x1f]", "", value) if apart else value


CANNOT = {"node": node_cannot, "cpp": cpp_cannot, "python": python_cannot}


def possible(cell, value, name=""):
    """The value without what the cell's server gets wrong."""
    if cell.language not in CANNOT:
        return value
    value = CANNOT[cell.language](cell, name, value)
    if isinstance(value, dict):
        return {possible(cell, key): possible(cell, item, key) for key, item in value.items()}
    if isinstance(value, list):
        made = [possible(cell, item) for item in value]
        return Bag(dict.fromkeys(made)) if isinstance(value, Bag) else made
    return value


# ---- one gateway and one server of each language

class Behind:
    """A language's server and the gateway in front of it, with a service for each cell."""

    def __init__(self, factory, language):
        server = factory.peer(peers.types_server(language))
        folder = factory.folder / f"idl-{language}"
        folder.mkdir()
        for file in [*peers.peer_cache.IDL.glob("*.thrift"), *(peers.peer_cache.PEERS / "thrift-rust").glob("*.thrift")]:
            shutil.copy(file, folder)
        base = "volo.VoloSvc" if language == "rust" else "derived.DerivedSvc"
        (folder / "matrix.thrift").write_text(
            f'include "{base.split(".")[0]}.thrift"\nservice MatrixSvc extends {base} {{ string stranger(1: i32 number) }}')
        services = {cell.name: {**cell.entry, "instances": [server.address(cell.port)]}
                    for cell in CELLS if cell.language == language}
        call = route("call", path="/{service}/{method}", endpoint={"thrift": {"service": "{service}", "method": "{method}"}})
        self.gateway = factory.gateway(config([call], services, idl={"folder": str(folder)},
                                              decorators=[{"errors": {"format": "problem"}}]))


@pytest.fixture(scope="module")
def behind(module_factory):
    made = {}

    def one(language):
        if language not in made:
            made[language] = Behind(module_factory, language)
        return made[language]
    return one


class Service:
    def __init__(self, cell, gateway):
        self.cell, self.client = cell, gateway.client()

    def post(self, method, body=None):
        data = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        return self.client.post(f"/{self.cell.name}/{method}", data, [("Content-Type", "application/json")])

    def call(self, method, body=None):
        answer = self.post(method, body)
        assert answer.status == 200, answer
        return read(answer.body)

    def echo(self, method, value):
        return self.call(method, value if method in STRUCTS else {"value": value})


@pytest.fixture(params=[cell.marks() for cell in CELLS])
def service(request, behind):
    made = Service(request.param, behind(request.param.language).gateway)
    yield made
    made.client.close()


def test_values(service):
    for method, values in ECHOES.items():
        for number, value in enumerate(values):
            value = possible(service.cell, value)
            same(service.echo(method, value), value, f"{method}[{number}]")


def test_long_answers_and_requests_in_pieces(service):
    value = {**empty(LISTS), "records": [scalars(i) for i in range(300)], "rows": [INTEGERS[32]] * 300}
    value = possible(service.cell, value)
    body = json.dumps(value, ensure_ascii=False).encode()
    for chunked, seed in ((True, 1), (False, 2)):
        request = service.client.compose("POST", f"/{service.cell.name}/echo_lists", body=body, chunked=chunked)
        answer = service.client.both_ways(request, seed=seed, low=1, high=4000)
        assert answer.status == 200, answer
        same(read(answer.body), value)


def test_several_arguments(service):
    assert service.call("join", {"second": "b", "times": 3, "first": "a"}) == "ababab"
    assert service.call("join", {"second": "\U0001f600", "first": ""}) == "\U0001f600"
    a, b = possible(service.cell, [INTEGERS[64][0], INTEGERS[64][4]])
    same(service.call("add", {"a": a, "b": b}), a + b)
    whole = possible(service.cell, everything())
    arguments = {"lists": empty(LISTS), "whole": whole, "scalars": scalars(4)}
    same(service.call("combine", arguments), {**whole, "lists": empty(LISTS), "scalars": scalars(4)})


def test_no_result(service):
    for body in (None, {}):
        answer = service.post("nothing", body)
        assert (answer.status, answer.body) == (204, b"")
    assert service.post("touch", {"id": INTEGERS[64][4]}).status == 204


def test_declared_exceptions(service):
    def thrown(method, number):
        answer = service.post(method, {"id": number})
        assert answer.status == 422 and answer.json["code"] == "GW4221", answer
        exception = read(answer.body)["exception"]
        return exception["type"], exception["value"]
    for method, number, kind, value in (
            ("find", 0, "NotFound", {"what": "number 0", "code": 404}),
            ("find", -5, "Refused", {"why": "negative", "details": ["-5", '"<0"']}),
            ("touch", 0, "NotFound", {"what": "nothing to touch", "code": -1})):
        got = thrown(method, number)
        assert got[0] == kind
        same(got[1], value)
    found = service.call("find", {"id": 9})
    assert (found["id"], found["text"], found["bytes"], found["color"]) == ("9", "found", "AP8=", "4")


def test_undeclared_exceptions(service):
    text = {"go": "Internal error processing add: too large"}.get(service.cell.language, "too large")
    kind = 0 if service.cell.language in ("cpp", "node") else 6
    answer = service.post("add", {"a": INTEGERS[64][4], "b": 1})
    assert answer.status == 502 and answer.json["code"] == "GW5025" and answer.json["detail"] == text, answer
    assert answer.json["exception"]["value"] == {"type": kind, "message": text}
    assert service.call("ping") == "pong"


def test_methods_the_server_does_not_know(service):
    answer = service.post("stranger", {"number": 1})
    # Node's exception is of no kind.
    want = (502, "GW5025") if service.cell.language == "node" else (404, "GW4043")
    assert (answer.status, answer.json["code"]) == want, answer
    # Volo closes the connection behind it, which the next call may not see in time.
    eventually(lambda: service.post("ping").status == 200, what="an answer")


def test_oneway(service):
    assert service.post("reset").status == 204
    texts = possible(service.cell, TEXTS)
    for text in texts:
        answer = service.post("notify", {"text": text})
        assert (answer.status, answer.body) == (202, b"")
    # By HTTP each has a connection of its own.
    eventually(lambda: sorted(service.call("notified")) == sorted(texts), what="all that was sent")
