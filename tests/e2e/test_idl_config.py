"""The IDL folder of a config: compiled with it, refused with it, and seen in /status."""
import os
import re
import signal
import subprocess

import pytest
from support.config import build_folder, config, respond, route
from support.gateway import eventually

ECHO = "struct Req { 1: string msg }\nservice Echo { Req Call(1: Req req) }\nservice Other extends Echo { void More() }\n"


class Idl:
    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()

    def put(self, text):
        (self.folder / "echo.thrift").write_text(text)

    def config(self, text="a", folder="idl", **service):
        return config([route("a", endpoint=respond(text))], {"echo": {"instances": ["127.0.0.1:1"], **service}},
                      idl={"folder": str(self.folder.parent / folder)})

    def refused(self, **more):
        """What `gwctl check` says of a config."""
        return self.refused_text(self.config(**more))

    def refused_text(self, text):
        path = self.folder.parent / "gateway.cfg"
        path.write_text(text)
        result = subprocess.run([os.path.join(build_folder(), "cli", "gwctl"), "check", str(path)],
                                capture_output=True, text=True, timeout=60)
        assert result.returncode == 2
        return result.stderr.replace(str(self.folder.parent) + "/", "")


@pytest.fixture
def idl(tmp_path):
    made = Idl(tmp_path / "idl")
    made.put(ECHO)
    return made


def get(gw):
    with gw.client() as c:
        c.request("GET", "/")
        return c.response().body


def methods(gw):
    return [block["methods"] for block in gw.status()["schemas"][0]["services"]]


def test_status_tells_schemas(gateway, idl):
    assert gateway(idl.config()).status()["schemas"] == [{"name": "echo", "file": "echo.thrift", "services": [
        {"name": "Echo", "methods": ["Call"]}, {"name": "Other", "methods": ["More", "Call"]}]}]


def test_a_reload_reads_the_folder_again_and_a_wrong_file_changes_nothing(gateway, idl):
    gw = gateway(idl.config())
    idl.put(ECHO.replace("More()", "More(1: Missing m)"))
    gw.write(idl.config("b"))
    gw.signal(signal.SIGHUP)
    eventually(lambda: "[GW11" in gw.stderr())
    assert f"{idl.folder}/echo.thrift:3:" in gw.stderr() and "Missing" in gw.stderr()
    assert (get(gw), methods(gw)) == (b"a", [["Call"], ["More", "Call"]])
    idl.put(ECHO.replace("More()", "Less()"))
    gw.signal(signal.SIGHUP)
    eventually(lambda: get(gw) == b"b")
    assert methods(gw) == [["Call"], ["Less", "Call"]]


def test_a_service_names_its_block(gateway, idl):
    gateway(idl.config(idl="echo.Echo"))
    assert idl.refused(idl="echo.Ecko") == ("gateway.cfg:5: service 'echo': the IDL has no service 'echo.Ecko', "
                                            "did you mean 'echo.Echo'? [GW1026]\n")


def test_what_is_wrong_in_the_folder_is_all_that_is_told(idl):
    idl.put("struct A { 1: Missing m }")
    assert idl.refused(idl="echo.Echo").startswith("idl/echo.thrift:1:15: ")
    assert idl.refused(idl="echo.Echo").count("\n") == 1
    text = idl.refused(folder="nowhere")
    assert re.fullmatch(r"\S*gateway\.cfg:\d+: the folder of IDL 'nowhere': no such folder \[GW1100\]\n", text), text


@pytest.mark.parametrize("wrong, code", [({"timeouts": {"response": "0s"}}, "GW1012"), ({"idl": {"folder": 5}}, "GW1011"),
                                         ({"idl": 5}, "GW1011")])
def test_a_wrong_setting_does_not_leave_services_without_idl(idl, wrong, code):
    calls = route("a", endpoint={"thrift": {"service": "echo", "method": "Call"}})
    text = idl.refused_text(config([calls], {"echo": {"instances": ["127.0.0.1:1"], "idl": "echo.Echo"}},
                                   **{"idl": {"folder": str(idl.folder)}, **wrong}))
    assert text.count("\n") == 1 and f"[{code}]" in text
