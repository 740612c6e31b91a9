"""Calls in every encoding that the endpoint `thrift` has, unframed and framed; answers are understood in whichever they
come."""
import json

import pytest
from support.config import config, route
from support.thrift_peer import I64, LIST, STRING, STRUCT, Peer

IDL = """
struct Item { 1: string text; 2: list<i64> numbers }
exception Broken { 1: string why }
service Echo { Item Call(1: Item item) throws (1: Broken broken); oneway void Tell(1: Item item) }
"""
BODY = {"text": "a\u20ac", "numbers": [1, -2, 1 << 40]}
ITEM = [(1, STRING, "a\u20ac".encode()), (2, LIST, (I64, [1, -2, 1 << 40]))]


@pytest.fixture
def pair(factory, tmp_path):
    (tmp_path / "idl").mkdir()
    (tmp_path / "idl" / "echo.thrift").write_text(IDL)
    peer = Peer()
    factory.upstreams.append(peer)

    def start(**options):
        rpc = {"thrift": {"service": "echo", "method": "{method}", **options}}
        gateway = factory.gateway(config([route("rpc", "/{method}", endpoint=rpc)],
                                         {"echo": {"instances": [peer.address], "pool": {"idle": 8}}},
                                         idl={"folder": str(tmp_path / "idl")}))
        client = gateway.client()
        return peer, lambda method, body: client.post("/" + method, json.dumps(body).encode())
    return start


@pytest.mark.parametrize("transport", ["unframed", "framed"])
def test_the_old_header(pair, transport):
    peer, post = pair(encoding="binary_old", transport=transport)
    assert post("Call", BODY).json == BODY
    call = peer.calls[0]
    assert (call.strict, call.framed, call.argument()) == (False, transport == "framed", ITEM)
    assert post("Tell", BODY).status == 202


@pytest.mark.parametrize("encoding", ["binary", "binary_old"])
@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("framed", [False, True])
def test_an_answers_form_is_its_own(pair, encoding, strict, framed):
    peer, post = pair(encoding=encoding)
    peer.on("Call", lambda call: call.trickle(call.message([(0, STRUCT, ITEM)], framed=framed, strict=strict)))
    assert post("Call", BODY).json == BODY
    peer.on("Call", lambda call: call.reply([(1, STRUCT, [(1, STRING, "no")])], framed=framed, strict=strict))
    assert post("Call", BODY).status == 422
    peer.on("Call", lambda call: call.fault(6, "no"))
    assert post("Call", BODY).status == 502
    assert peer.connections == 1


def test_wrong_answers_with_the_old_header(pair):
    peer, post = pair()
    for wrong in ({"name": "Call2"}, {"sequence": 99}, {"kind": 1}, {"kind": 7}):
        peer.on("Call", lambda call: call.reply([], strict=False, **wrong))
        assert post("Call", BODY).status == 502, wrong
