"""What the gateway takes in when memory or descriptors run out: less, stage by stage; the admin API goes on."""
import os
import re
import resource
import socket
import subprocess
import time

import pytest
from support.config import build_folder, config, respond, route
from support.gateway import SLOW, eventually

PAGE = os.sysconf("SC_PAGESIZE")


def plain(**more):
    return config([route(endpoint=respond())], **more)


def limit(gw, files):
    """Too late for the default to be lowered."""
    resource.prlimit(gw.pid, resource.RLIMIT_NOFILE, (files, files))


def start_with(factory, text, soft, hard=None):
    """A gateway that is not made yet, and the process that begins with these limits of open files."""
    gw = factory.gateway(text, start=False)
    command = ["prlimit", f"--nofile={soft}:{hard or soft}", os.path.join(build_folder(), "cli", "gwctl")]
    with open(gw.file("stderr"), "ab") as log:
        return gw, subprocess.Popen([*command, "run", gw.path], cwd=gw.folder, stderr=log)


# descriptors


def test_a_config_beyond_the_limit_of_open_files_is_refused(factory):
    gw, process = start_with(factory, plain(limits={"connections": 1000}), 512)
    assert process.wait(10) != 0
    said = re.search(r"needs a limit of (\d+) open files, it is 512.*GW1052", gw.stderr())
    assert said, gw.stderr()
    gw, process = start_with(factory, plain(limits={"connections": 1000}), int(said[1]))
    gw.process = process
    eventually(gw.find_addresses)
    gw, process = start_with(factory, plain(limits={"connections": 1000}), int(said[1]) - 2)
    assert process.wait(10) != 0


def test_defaults_are_lowered_to_the_limit_of_open_files(factory):
    gw, process = start_with(factory, plain(), 512)
    gw.process = process
    eventually(gw.find_addresses)
    lowered = re.search(r"limits.connections is lowered from 10000 to (\d+) for each of 1 workers", gw.stderr())
    assert lowered and 200 < int(lowered[1]) < 400, gw.stderr()


def test_the_soft_limit_is_raised_to_the_hard_one(factory):
    gw, process = start_with(factory, plain(limits={"connections": 1000}), 256, 4096)
    gw.process = process
    eventually(gw.find_addresses)
    assert resource.prlimit(gw.pid, resource.RLIMIT_NOFILE) == (4096, 4096)


def test_a_reload_beyond_the_limit_is_refused(gateway):
    gw = gateway(plain())
    limit(gw, 512)
    gw.write(plain(limits={"connections": 1000}))
    answer = gw.reload()
    assert answer.status == 409 and "GW1052" in answer.text
    with gw.client() as c:
        assert c.get("/").status == 200


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.threads
def test_descriptors_run_out(gateway):
    """Connections stop at the reserve, without a spin; the admin API and reloads go on; then all is as before."""
    gw = gateway(plain(workers=2))
    limit(gw, 256)
    eventually(lambda: gw.status()["overload"]["descriptor_limit"] == 256)
    idle = [socket.create_connection(("127.0.0.1", gw.port)) for _ in range(300)]
    eventually(lambda: gw.descriptors() >= 180)
    time.sleep(0.3)
    assert 180 <= gw.descriptors() <= 195  # 64 are reserved, but each worker may be one ahead
    before = cpu_seconds(gw.pid)
    time.sleep(0.5)
    assert cpu_seconds(gw.pid) - before < 0.25 * SLOW
    assert gw.reload().status == 200
    overload = eventually(lambda: next((x for x in [gw.status()["overload"]] if x["stage"] == 3), None))
    assert overload["descriptors"] >= 180
    gw.wait_stderr("overload stage 3: no connections are accepted")
    for s in idle:
        s.close()
    eventually(lambda: gw.status()["overload"]["stage"] == 0)
    gw.wait_stderr("overload is over")

    def served():  # the reload lowered limits.connections, and what waits in the kernel's queue may go beyond
        try:
            with gw.client() as c:
                return c.get("/").status == 200 and c.get("/").status == 200
        except OSError:
            return False
    eventually(served)
    assert gw.status()["overload"]["stage"] == 0


# memory


def pressed(gw, share):
    """Reloads with a limit that the resident memory is so many percent of; once before, for what a reload takes."""
    assert gw.reload().status == 200
    with open(f"/proc/{gw.pid}/statm") as f:
        resident = int(f.read().split()[1]) * PAGE
    gw.write(plain(decorators=[{"errors": {"format": "problem"}}], limits={"memory": resident * 100 // share}))
    assert gw.reload().status == 200
    return gw.status()["overload"]["stage"]


@pytest.mark.plain
def test_memory_stage_by_stage(gateway):
    gw = gateway(plain())
    kept = gw.client()
    assert kept.get("/").headers.get("Connection") is None
    assert pressed(gw, 85) == 1
    answer = eventually(lambda: kept.get("/"))
    assert answer.status == 200 and answer.headers.get("Connection") == "close"
    assert kept.closed()
    assert pressed(gw, 92) == 2
    with gw.client() as c:
        answer = c.get("/")
        assert answer.status == 503 and answer.json["code"] == "GW5035"
        assert answer.headers.get("Retry-After") == "1" and answer.headers.get("Connection") == "close"
    assert pressed(gw, 150) == 3
    waiting = socket.create_connection(("127.0.0.1", gw.port))
    waiting.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    waiting.settimeout(0.3)
    with pytest.raises(TimeoutError):
        waiting.recv(100)
    assert pressed(gw, 20) == 0
    waiting.settimeout(10)
    assert waiting.recv(100).startswith(b"HTTP/1.1 200")
    with gw.client() as c:
        assert c.get("/").headers.get("Connection") is None
    assert [int(n) for n in re.findall(r"overload stage (\d)", gw.stderr())] == [1, 2, 3]
    assert len(re.findall("overload is over", gw.stderr())) == 1


@pytest.mark.plain
def test_idle_connections_are_closed_under_pressure(gateway):
    gw = gateway(plain())
    c = gw.client()
    assert c.get("/").status == 200
    assert pressed(gw, 92) == 2
    assert c.closed()
