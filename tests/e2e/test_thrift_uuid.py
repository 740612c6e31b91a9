"""UUIDs in each encoding, against a server written by hand: there, what arrived, and back."""
import json
import os
import shutil
import uuid

import pytest

from support.config import config, route
from support.thrift_peer import LIST, MAP, STRING, STRUCT, UUID
from support.uuid_peer import PROTOCOLS, UuidPeer

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TEXTS = ["00112233-4455-6677-8899-aabbccddeeff", "00000000-0000-0000-0000-000000000000",
         "ffffffff-ffff-ffff-ffff-ffffffffffff", "0f000000-0000-0000-0000-0000000000f0"]
IDS = [uuid.UUID(text) for text in TEXTS]


@pytest.fixture(params=PROTOCOLS)
def rig(request, factory):
    peer = UuidPeer(request.param)
    factory.upstreams.append(peer)
    (factory.folder / "idl").mkdir()
    shutil.copy(os.path.join(ROOT, "idl", "uuid.thrift"), factory.folder / "idl" / "uuid.thrift")
    services = {"uuid": {"instances": [peer.address], "encoding": request.param, "transport": "framed"}}
    routes = [route(name, f"/{name}/{{method}}", endpoint={"thrift": {"service": "uuid", "method": "{method}", "json": name}})
              for name in ("strict", "kitex")]
    gateway = factory.gateway(config(routes, services, idl={"folder": str(factory.folder / "idl")},
                                     decorators=[{"errors": {"format": "problem"}}]))

    def post(method, body, mode="strict"):
        with gateway.client() as client:
            return client.post(f"/{mode}/{method}", json.dumps(body).encode())
    peer.post = post
    return peer


def test_there_and_back(rig):
    for text, value in zip(TEXTS, IDS):
        for form in (text, text.upper()):
            assert rig.post("echo_uuid", {"value": form}).json == text
            assert rig.calls[-1] == ("echo_uuid", [(1, UUID, value)])


def test_inside_of_others(rig):
    for count in (1, 4, 20):
        others = [TEXTS[i % 4] for i in range(count)]
        named = {f"name {i}": text for i, text in enumerate(others)}
        body = {"id": TEXTS[0], "others": others, "named": named}
        assert rig.post("echo_tagged", body).json == body
        values = [uuid.UUID(text) for text in others]
        assert rig.calls[-1] == ("echo_tagged", [(1, STRUCT, [
            (1, UUID, IDS[0]), (2, LIST, (UUID, values)),
            (3, MAP, (STRING, UUID, [(f"name {i}".encode(), v) for i, v in enumerate(values)]))])])
    assert rig.post("echo_tagged", {"others": [], "named": {}}).json == {"others": [], "named": {}}


def test_zero_in_kitex(rig):
    assert rig.post("echo_tagged", {"named": {"a": None}}, "kitex").json == {"named": {"a": TEXTS[1]}, "id": TEXTS[1]}


def test_what_is_none(rig):
    for wrong in (TEXTS[0][1:], TEXTS[0].replace("-", ""), "x" + TEXTS[0][1:], "", 5, None, []):
        for mode in ("strict", "kitex"):
            answer = rig.post("echo_tagged", {"others": [wrong]}, mode)
            if wrong is None and mode == "kitex":
                assert answer.json["others"] == [TEXTS[1]]
            else:
                error, = answer.json["errors"]
                assert (answer.status, error["pointer"], error["expected"]) == (400, "/others/0", "uuid")
