"""The examples, built against the installed library by pkg-config alone, run and asked."""
import json
import os
import signal
import socket
import subprocess

import pytest
from programs import BUILD, ROOT, run


@pytest.mark.parametrize("mode", [[], ["--loop"]], ids=["threads", "loop"])
def test_embed(installed, program, tmp_path, mode):
    folder = installed.make("embed", tmp_path / "embed")
    embed = program([folder / "embed", *mode, "127.0.0.1:0"], installed.environment)
    answer = embed.get("/greet/M%C3%BCller")
    assert (answer.status, answer.body.decode(), answer.headers.get("X-Signed")) == (200, "hello, Müller\n", "embed")
    assert embed.get("/nothing").status == 404
    embed.stop()


def test_embed_reports_a_taken_port(installed, tmp_path):
    folder = installed.make("embed", tmp_path / "embed")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run([folder / "embed", f"127.0.0.1:{port}"], env=installed.environment, stderr=subprocess.PIPE,
                              text=True, timeout=20)
    assert done.returncode == 1 and str(port) in done.stderr


@pytest.fixture
def guarded(installed, program, tmp_path, upstream):
    """The plugin's gateway in front of an auth service that knows one token."""
    def check(connection, request):
        connection.read_body(request)
        if request.headers.get("Authorization") == "Bearer secret":
            connection.answer(200, headers=[("X-User", "alice")])
        else:
            connection.answer(403)
    upstream.on("/check", check)
    folder = installed.make("plugin", tmp_path / "plugin")
    config = folder / "gateway.cfg"
    text = config.read_text().replace("127.0.0.1:8080", "127.0.0.1:0").replace("127.0.0.1:9001", upstream.address)
    config.write_text(text)
    return program([installed.gwctl, "run", config], installed.environment)


def test_plugin(guarded, upstream):
    answer = guarded.get("/greet", [("Authorization", "Bearer secret")])
    assert (answer.status, answer.body) == (200, b"hello, alice\n")
    answer = guarded.get("/greet", [("Authorization", "Bearer wrong")])
    assert (answer.status, answer.body) == (401, b"sign in first\n")
    assert guarded.get("/greet").status == 401
    answer = guarded.get("/open", [("X-User", "mallory")])
    assert (answer.status, answer.body) == (200, b"hello, stranger\n")
    assert [r.path for r in upstream.requests] == ["/check"] * 3


def test_plugin_without_its_service(guarded, upstream):
    upstream.close()
    assert guarded.get("/greet", [("Authorization", "Bearer secret")]).status == 503


def test_quickstart():
    done = run(ROOT / "examples/quickstart/run.sh", "--once", env={**os.environ, "GW_BUILD": str(BUILD)}, timeout=100)
    answers = dict(part.split("\n", 1) for part in done.split("\n$ ")[1:])
    assert answers["curl -s http://127.0.0.1:8080/"].strip() == "hello from the gateway"
    item = answers["curl -s -i http://127.0.0.1:8080/items/42"]
    assert "200 OK" in item and "X-Item: 42" in item and '"path": "/backend/items/42"' in item
    both = answers["curl -s http://127.0.0.1:8080/app/hello http://127.0.0.1:8080/app/again"].splitlines()
    assert {json.loads(line)["instance"] for line in both if line} == {9000, 9001}
    assert '"body_bytes": 9' in answers["curl -s -d some data http://127.0.0.1:8080/app/upload"]
    slow = answers["curl -s -i http://127.0.0.1:8080/slow"]
    assert "504 Gateway Timeout" in slow and "application/problem+json" in slow and "Proxy-Status" in slow
    assert json.loads(answers["curl -s http://127.0.0.1:8080/nowhere"])["status"] == 404
    log = [json.loads(line) for line in answers["tail -n 2 access.log"].splitlines() if line.startswith("{")]
    assert len(log) == 2 and all(len(entry["id"]) == 32 and entry["path"] for entry in log)


def test_quickstart_ends_with_an_interrupt():
    process = subprocess.Popen([ROOT / "examples/quickstart/run.sh"], env={**os.environ, "GW_BUILD": str(BUILD)},
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    for line in process.stdout:
        if "until Ctrl-C" in line:
            break
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(20) == 0
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", 8080))
