"""TTHeader with CloudWeGo's Volo: what goes with a call beside its arguments, and what comes back. The server says what it
received. (test_thrift_matrix.py has its values; test_thrift_transports.py entries which it does not show.)"""
import concurrent.futures
import json
import os
import shutil
import subprocess

import pytest
from support import peers
from support.config import build_folder, config, route

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("matrix-rust")]  # whoever comes first builds the server

METADATA = [("rpc-persist-user-id", "7"), ("Rpc-Transit-A-B-c", "x y"), ("rpc-persist-empty", ""), ("X-Other", "stays here"),
            ("rpc-persistent", "is none")]
TRANSPORTS = ("ttheader", "ttheader_framed")


def post(gateway, path, body, headers=()):
    with gateway.client() as c:
        return c.post(path, json.dumps(body).encode(), headers)


@pytest.fixture(scope="module")
def folder(module_factory):
    folder = module_factory.folder / "idl-volo"
    folder.mkdir()
    for file in [*peers.peer_cache.IDL.glob("*.thrift"), *(peers.peer_cache.PEERS / "thrift-rust").glob("*.thrift")]:
        shutil.copy(file, folder)
    return folder


@pytest.fixture(scope="module")
def server(module_factory):
    return module_factory.peer(peers.types_server("rust"))


@pytest.fixture(scope="module")
def volo(module_factory, server, folder):
    services = {transport: {"idl": "volo", "transport": transport, "instances": [server.address()]}
                for transport in (*TRANSPORTS, "framed")}
    services["shared"] = {**services["ttheader"], "in_flight": 8}
    endpoint = {"thrift": {"service": "{service}", "method": "{method}", "caller": "the.gateway"}}
    call = route("call", path="/{service}/{method}", endpoint=endpoint, filters=[{"timeout": "2s"}])
    return module_factory.gateway(config([call], services, idl={"folder": str(folder)},
                                         decorators=[{"errors": {"format": "problem"}}]))


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_volo_received(volo, transport):
    answer = post(volo, f"/{transport}/about", {}, METADATA)
    assert answer.status == 200, answer
    got = answer.json
    assert 1 <= int(got.pop("timeout_ms")) <= 2000
    assert got == {"persistent.USER_ID": "7", "transient.A_B_C": "x y", "persistent.EMPTY": "", "method": "about",
                   "from": "the.gateway", "to": transport, "ttheader": "true",
                   "framed": "true" if transport == "ttheader_framed" else "false"}
    assert answer.headers.all("rpc-backward-back") == ["from volo"]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_volo_received_of_gwctl_call(server, folder, transport):
    command = [os.path.join(build_folder(), "cli", "gwctl"), "call", "--idl", folder, "-s", server.address(), "-i",
               "--transport", transport, "--header", "rpc-persist-user-id=7", "--header", "Rpc-Transit-Stage=two", "volo.about"]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done
    head, _, body = done.stdout.partition("\n\n")
    got = json.loads(body)
    assert (got["persistent.USER_ID"], got["transient.STAGE"], got["method"], got["to"]) == ("7", "two", "about", "volo")
    assert "rpc-backward-back: from volo" in head.lower()


def test_metadata_needs_ttheader(volo):
    answer = post(volo, "/framed/about", {}, METADATA)
    assert answer.status == 200 and "rpc-backward-back" not in answer.headers
    assert answer.json == {"method": "about", "from": "", "to": "", "timeout_ms": "", "ttheader": "false", "framed": "true"}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_business_errors(volo, transport):
    for code, message, extra in ((1001, "no stock", {}), (-7, "", {"sku": "7"}),
                                 (2147483647, "\u00e9 \"quoted\"", {"a": "", "b": "\n"})):
        answer = post(volo, f"/{transport}/refuse", {"status": code, "message": message, "extra": extra})
        assert (answer.status, answer.json["code"]) == (422, "GW4222")
        assert answer.json["detail"] == (message or "business error")
        members = [answer.json.get(name) for name in ("biz_status", "biz_message", "biz_extra")]
        assert members == [code, message, extra or None]
    assert post(volo, f"/{transport}/ping", {}).json == "pong"


def test_business_errors_are_exceptions_without_ttheader(volo):
    answer = post(volo, "/framed/refuse", {"status": 1001, "message": "no stock", "extra": {}})
    assert (answer.status, answer.json["code"]) == (502, "GW5025") and "no stock" in answer.json["detail"]


def test_several_calls_on_one_connection(volo):
    """Each client gets what is its own."""
    def call(number):
        with volo.client() as c:
            for i in range(20):
                own = f"{number}-{i}"
                answer = c.post("/shared/about", b"{}", [("rpc-persist-user-id", own)])
                if answer.status != 200 or answer.json["persistent.USER_ID"] != own:
                    return answer
    with concurrent.futures.ThreadPoolExecutor(16) as clients:
        assert [answer for answer in clients.map(call, range(16)) if answer] == []
