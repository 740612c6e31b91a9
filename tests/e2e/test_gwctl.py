"""gwctl run under signals, and the verbs that ask a running gateway."""
import json
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from support.config import build_folder, config, respond, route
from support.gateway import SLOW


def gwctl(*arguments, folder=None):
    return subprocess.run([os.path.join(build_folder(), "cli", "gwctl"), *arguments], cwd=folder, capture_output=True,
                          text=True, timeout=60)


def test_run_of_a_broken_config(tmp_path):
    (tmp_path / "a.cfg").write_text("version = 1;\nwrokers = 2;\n")
    result = gwctl("run", "a.cfg", folder=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert "a.cfg:2: 'wrokers' is no known key, did you mean 'workers'? [GW1010]\n" in result.stderr
    assert "listening" not in result.stderr


def test_run_where_the_port_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        (tmp_path / "b.cfg").write_text(config([route(endpoint=respond())], listeners=[address]))
        result = gwctl("run", "b.cfg", folder=tmp_path)
    assert result.returncode == 1 and "b.cfg:3: can't listen on" in result.stderr and "[GW1050]" in result.stderr


def test_each_listener_is_printed(gateway):
    gw = gateway(config([route(endpoint=respond("hi"))], listeners=["127.0.0.1:0", "unix:local.sock"]))
    assert re.fullmatch(r"127\.0\.0\.1:[1-9]\d*", gw.addresses[0])
    assert gw.addresses[1] == "unix:" + gw.file("local.sock")
    with gw.client(1) as c:
        assert c.get("/").text == "hi"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_first_signal_drains(gateway, upstream, number):
    gw = gateway(config([route()], {"up": [upstream.address]}))
    with gw.client() as c:
        c.request("GET", "/sleep/0.5")
        time.sleep(0.2)
        gw.signal(number)
        assert c.response().status == 200
    assert gw.process.wait(5 * SLOW) == 0


def test_second_signal_cuts(gateway, upstream):
    gw = gateway(config([route()], {"up": [upstream.address]}, decorators=[{"access_log": {"path": "access.log"}}]))
    with gw.client() as c:
        c.request("GET", "/sleep/3")
        time.sleep(0.2)
        gw.signal(signal.SIGTERM)
        time.sleep(0.2)
        assert gw.process.poll() is None and os.path.exists(gw.file("gateway.sock"))
        gw.signal(signal.SIGTERM)
        assert gw.process.wait(2 * SLOW) == 0
    with open(gw.file("access.log")) as log:
        assert json.loads(log.read())["path"] == "/sleep/3"


@pytest.mark.parametrize("pause", [0, 0.0005, 0.002])
def test_signals_in_a_row_leave_no_socket_behind(gateway, tmp_path, pause):
    gw = gateway(config([route(endpoint=respond())], listeners=["127.0.0.1:0", f"unix:{tmp_path}/local.sock"]))
    assert os.path.exists(tmp_path / "local.sock") and os.path.exists(gw.file("gateway.sock"))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT, signal.SIGTERM, signal.SIGTERM):
        gw.signal(number)
        time.sleep(pause)
    assert gw.process.wait(5 * SLOW) == 0
    assert not os.path.exists(tmp_path / "local.sock") and not os.path.exists(gw.file("gateway.sock"))


def test_status_as_table_and_as_json(gateway, upstream):
    gw = gateway(config([route("one")], {"up": [upstream.address]}))
    said = json.loads(gwctl("status", "--socket", gw.file("gateway.sock"), "-o", "json").stdout)
    assert set(said) == set(gw.status())
    table = gwctl("status", gw.path).stdout
    for key in said:
        assert f"{key}\n" in table
    assert re.search(rf"^  127\.0\.0\.1:0 +{gw.port}\b", table, re.M) and re.search(r"^  one\b", table, re.M)
    assert not re.search(r" $", table, re.M)


def test_reload_says_the_generation(gateway):
    gw = gateway(config([route(endpoint=respond("a"))]))
    gw.write(config([route(endpoint=respond("b"))]))
    result = gwctl("reload", gw.path)
    assert (result.returncode, result.stdout) == (0, "generation 2 is in force\n")
    assert gw.get().text == "b"


def test_refused_reload_says_why_word_for_word(gateway):
    gw = gateway(config([route(endpoint=respond("a"))]))
    with open(gw.path, "a") as f:
        f.write("limts = {};\nwrokers = 2;\n")
    result = gwctl("reload", "--socket", gw.file("gateway.sock"))
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr == gwctl("check", gw.path).stderr and result.stderr.count("[GW1010]\n") == 2


def test_log_level(gateway):
    gw = gateway(config([route(endpoint=respond("a"))], log={"level": "error"}))
    gw.reload(config([route(endpoint=respond("b"))], log={"level": "error"}))
    gw.reload("version = 1; x = 1;")
    gw.wait_stderr(r"(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z error ")
    assert not re.search(r"(?m)^\S+Z (info|debug|warning) ", gw.stderr())


def test_a_port_in_use_is_refused(gateway, tmp_path):
    """SO_REUSEPORT, which the workers need, would let two gateways share it and tell nobody."""
    first = gateway(config([route("a", endpoint=respond())]))
    text = config([route("a", endpoint=respond())], listeners=[f"127.0.0.1:{first.port}"])
    (tmp_path / "second.cfg").write_text(text)
    result = gwctl("run", "second.cfg", folder=tmp_path)
    assert result.returncode == 1 and "Address already in use [GW1050]" in result.stderr
