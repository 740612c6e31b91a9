"""TTHeader: what goes with a call beside its arguments, and what comes back. CloudWeGo's Volo says what it received; a
scripted peer sees every entry, and answers as Volo never would."""
import json
import shutil
import struct

import pytest
from support import peers
from support.config import config, route
from support.gateway import eventually
from support.thrift_peer import I32, STRING
from support.ttheader_peer import ACL, NUMBERS, STRINGS, HeaderPeer, block, text

pytestmark = pytest.mark.timeout(600)  # whoever comes first builds the server

METADATA = [("rpc-persist-user-id", "7"), ("Rpc-Transit-A-B-c", "x y"), ("rpc-persist-empty", ""), ("X-Other", "stays here"),
            ("rpc-persistent", "is none")]
TRANSPORTS = ("ttheader", "ttheader_framed")


def call_route(id, decorator, **options):
    endpoint = {"thrift": {"service": "{service}", "method": "{method}", **options}}
    return route(id, path=f"/{id}/{{service}}/{{method}}", endpoint=endpoint, filters=[{"timeout": "2s"}, decorator] if decorator else
                 [{"timeout": "2s"}])


def post(gateway, path, body, headers=()):
    with gateway.client() as c:
        return c.post(path, json.dumps(body).encode(), headers)


# ---- Volo

@pytest.fixture(scope="module")
def volo(module_factory):
    folder = module_factory.folder / "idl-volo"
    folder.mkdir()
    for file in [*peers.peer_cache.IDL.glob("*.thrift"), *(peers.peer_cache.PEERS / "thrift-rust").glob("*.thrift")]:
        shutil.copy(file, folder)
    server = module_factory.peer(peers.types_server("rust"))
    services = {transport: {"idl": "volo", "transport": transport, "instances": [server.address()]}
                for transport in (*TRANSPORTS, "framed")}
    return module_factory.gateway(config([call_route("call", None, caller="the.gateway")], services, idl={"folder": str(folder)},
                                         decorators=[{"errors": {"format": "problem"}}]))


@pytest.mark.xdist_group("volo")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_volo_received(volo, transport):
    answer = post(volo, f"/call/{transport}/about", {}, METADATA)
    assert answer.status == 200, answer
    got = answer.json
    assert 1 <= int(got.pop("timeout_ms")) <= 2000
    assert got == {"persistent.USER_ID": "7", "transient.A_B_C": "x y", "persistent.EMPTY": "", "method": "about",
                   "from": "the.gateway", "to": transport, "ttheader": "true",
                   "framed": "true" if transport == "ttheader_framed" else "false"}
    assert answer.headers.all("rpc-backward-back") == ["from volo"]


@pytest.mark.xdist_group("volo")
def test_metadata_needs_ttheader(volo):
    answer = post(volo, "/call/framed/about", {}, METADATA)
    assert answer.status == 200 and "rpc-backward-back" not in answer.headers
    assert answer.json == {"method": "about", "from": "", "to": "", "timeout_ms": "", "ttheader": "false", "framed": "true"}


@pytest.mark.xdist_group("volo")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_business_errors_of_volo(volo, transport):
    for code, message, extra in ((1001, "no stock", {}), (-7, "", {"sku": "7"}), (2147483647, "\u00e9 \"quoted\"", {"a": "", "b": "\n"})):
        answer = post(volo, f"/call/{transport}/refuse", {"status": code, "message": message, "extra": extra})
        assert (answer.status, answer.json["code"]) == (422, "GW4222")
        assert answer.json["detail"] == (message or "business error")
        assert (answer.json["biz_status"], answer.json["biz_message"], answer.json.get("biz_extra", {})) == (code, message, extra)
    assert post(volo, f"/call/{transport}/ping", {}).json == "pong"


@pytest.mark.xdist_group("volo")
def test_business_errors_are_exceptions_without_ttheader(volo):
    answer = post(volo, "/call/framed/refuse", {"status": 1001, "message": "no stock", "extra": {}})
    assert (answer.status, answer.json["code"]) == (502, "GW5025") and "no stock" in answer.json["detail"]


# ---- a scripted peer

IDL = """
exception Broken { 1: string why }
service Base { string Inherited(1: string text) }
service Echo extends Base {
    string Text(1: string text) throws (1: Broken broken)
    void Nothing()
    oneway void Tell(1: string text)
}
"""


class Pair:
    def __init__(self, factory):
        self.peer = HeaderPeer()
        factory.upstreams.append(self.peer)
        folder = factory.folder / "idl"
        folder.mkdir(exist_ok=True)
        (folder / "echo.thrift").write_text(IDL)
        services = {name: {"idl": "echo", "instances": [self.peer.address], "transport": name} for name in TRANSPORTS}
        mapped = ({"code": 1001, "status": 409}, {"code": -1, "status": 503})
        self.gateway = factory.gateway(config(
            [call_route("problem", {"errors": {"format": "problem"}}, biz_status=mapped),
             call_route("envelope", {"errors": {"format": "envelope"}})], services, idl={"folder": str(folder)},
            limits={"head_bytes": "64KiB"}))

    def post(self, method="Text", value="hello", headers=(), form="problem", transport="ttheader"):
        return post(self.gateway, f"/{form}/{transport}/{method}", {"text": value} if value is not None else {}, headers)

    def answer(self, *blocks, body=((0, STRING, "hello"),), **kw):
        self.peer.on("Text", lambda call: call.reply(body, blocks, **kw))


@pytest.fixture
def pair(factory):
    return Pair(factory)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_entry_of_a_request(pair, transport):
    sequences = set()
    for method, value, status in (("Text", "hello", 200), ("Inherited", "", 200), ("Nothing", None, 204), ("Tell", "x", 202)):
        assert pair.post(method, value, METADATA, transport=transport).status == status
        eventually(lambda: pair.peer.calls and pair.peer.calls[-1].name == method, what=method)
        call = pair.peer.calls[-1]
        header = call.header
        assert call.framed == (transport == "ttheader_framed")
        assert (header.protocol, header.flags) == (0, 0) and header.sequence == call.sequence
        assert header.strings == {"RPC_PERSIST_USER_ID": "7", "RPC_TRANSIT_A_B_C": "x y", "RPC_PERSIST_EMPTY": "", "isn": "Echo"}
        assert 1 <= int(header.numbers.pop(12)) <= 2000
        assert {number: header.numbers.get(number) for number in (3, 6, 9)} == {3: "libgateway", 6: transport, 9: method}
        assert sorted(header.blocks) == [STRINGS, NUMBERS]
        sequences.add(header.sequence)
    assert len(sequences) == 4


def test_no_metadata(pair):
    pair.post()
    assert pair.peer.calls[0].header.strings == {"isn": "Echo"}


def test_much_metadata(pair):
    headers = [(f"rpc-transit-key-{i}", "v" * i) for i in range(60)] + [("rpc-persist-long", "l" * 60000)]
    assert pair.post(headers=headers).status == 200
    strings = pair.peer.calls[0].header.strings
    assert all(strings[f"RPC_TRANSIT_KEY_{i}"] == "v" * i for i in range(60)) and len(strings) == 62
    assert strings["RPC_PERSIST_LONG"] == "l" * 60000


def test_entries_of_answers(pair):
    entries = {"RPC_BACKWARD_ONE": "1", "RPC_BACKWARD_A_B": "", "RPC_BACKWARD_": "no name", "RPC_BACKWARD_C D": "no token",
               "RPC_BACKWARD_E": "line\r\nend", "RPC_PERSIST_F": "not back", "other": "o", "": "", "biz-status": "0"}
    pair.answer(block(STRINGS, entries), block(NUMBERS, {22: b"\2", 999: b"\xff\0"}))
    answer = pair.post()
    assert (answer.status, answer.json) == (200, "hello")
    assert [header for header in answer.headers if header[0].lower().startswith("rpc-")] == \
        [("rpc-backward-one", "1"), ("rpc-backward-a-b", "")]


@pytest.mark.parametrize("blocks", [
    [], [block(STRINGS, {})], [block(NUMBERS, {})], [block(STRINGS, {}), block(NUMBERS, {}), block(STRINGS, {"a": "b"})],
    [struct.pack(">B", ACL) + text("a token"), block(STRINGS, {"a": "b"})], [block(STRINGS, {"a": "b"}), b"\0" * 9],
    [block(STRINGS, {"k" * 65535: "v" * 65535})],
], ids=["none", "no strings", "no numbers", "empty ones", "a token", "much padding", "long"])
def test_headers_that_say_nothing(pair, blocks):
    pair.answer(*blocks)
    for _ in range(2):
        answer = pair.post()
        assert (answer.status, answer.json) == (200, "hello")
    assert pair.peer.connections == 1


@pytest.mark.parametrize("block", [
    struct.pack(">BH", STRINGS, 1), struct.pack(">BHH", STRINGS, 1, 1), struct.pack(">BHH", STRINGS, 1, 9) + b"short",
    struct.pack(">BHHH", NUMBERS, 1, 3, 100), b"\x77\0\0\0", struct.pack(">BH", NUMBERS, 65535),
], ids=["no entry", "no key", "key beyond the end", "value beyond the end", "unknown kind", "too many"])
def test_headers_that_are_malformed(pair, block):
    pair.answer(block)
    answer = pair.post()
    assert (answer.status, answer.json["code"]) == (502, "GW5026")
    pair.answer()
    assert pair.post().json == "hello" and pair.peer.connections == 2


def test_about_to_close(pair):
    pair.answer(block(STRINGS, {"crrst": "1"}))
    for number in (1, 2):
        assert pair.post().json == "hello" and pair.peer.connections == number


@pytest.mark.parametrize("status, message, extra, want", [
    ("1001", "no stock", None, (409, "no stock", {"biz_status": 1001, "biz_message": "no stock"})),
    ("-1", "later", '{"in":[1,{"s":5.50}]}', (503, "later", {"biz_status": -1, "biz_message": "later", "biz_extra": {"in": [1, {"s": 5.5}]}})),
    ("7", "", "", (422, "business error", {"biz_status": 7, "biz_message": ""})),
    ("7", "m", "no JSON", (422, "m", {"biz_status": 7, "biz_message": "m", "biz_extra": "no JSON"})),
    ("7", "m", '{"cut":', (422, "m", {"biz_status": 7, "biz_message": "m", "biz_extra": '{"cut":'})),
])
def test_business_errors(pair, status, message, extra, want):
    entries = {"biz-status": status, "biz-message": message, **({} if extra is None else {"biz-extra": extra})}
    pair.answer(block(STRINGS, entries))
    answer = pair.post()
    assert (answer.status, answer.json["code"], answer.json["detail"]) == (want[0], "GW4222", want[1])
    assert {key: value for key, value in answer.json.items() if key.startswith("biz_")} == want[2]
    enveloped = pair.post(form="envelope").json
    assert (enveloped["err_code"], enveloped["err_message"]) == (int(status), message)
    assert pair.peer.connections == 1


def test_business_errors_come_before_the_payload(pair):
    """Whatever that is: an exception, another method's result."""
    biz = block(STRINGS, {"biz-status": "1001", "biz-message": "first"})
    for body, kind in ((((1, STRING, "second"), (2, I32, 6)), 3), (((1, STRING, "declared"),), 2), ((), 2)):
        pair.answer(biz, body=body, kind=kind)
        assert pair.post().json["detail"] == "first"


@pytest.mark.parametrize("status", ["", "0", "x", "99999999999"])
def test_a_status_that_is_none(pair, status):
    pair.answer(block(STRINGS, {"biz-status": status, "biz-message": "m"}))
    assert pair.post().json == "hello"
