"""The examples, built against the installed library by pkg-config alone, run and asked."""
import json
import os
import signal
import socket
import subprocess

import pytest
from programs import BUILD, ROOT
from support.gateway import eventually


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
                              text=True, timeout=60)
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


def test_quickstart(quickstart):
    answers = {command.replace("http://127.0.0.1:8080", ""): printed for command, printed in quickstart.items()}
    assert json.loads(answers["curl -s /"]) == "the api gateway is running"
    head, _, body = answers["curl -s -i -d '{\"msg\":\"hello\"}' /gateway/echo/EchoMethod"].replace("\r", "").partition("\n\n")
    assert "200 OK" in head and "Content-Type: application/json; charset=utf-8" in head
    assert json.loads(body) == {"err_code": 0, "err_message": "success", "msg": "hello"}
    assert '"sum":9223372036854775807' in answers[
        "curl -s -d '{\"firstNum\":9223372036854775806,\"secondNum\":1}' /gateway/sum/SumMethod"]


def is_free(port):
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            free.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@pytest.mark.parametrize("signal_all, code", [(signal.SIGINT, 0), (None, -signal.SIGKILL)], ids=["interrupted", "killed"])
def test_quickstart_ends_with_all_it_started(signal_all, code):
    process = subprocess.Popen([ROOT / "examples/quickstart/run.sh"], env={**os.environ, "GW_BUILD": str(BUILD)},
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    for line in process.stdout:
        if "until Ctrl-C" in line:
            break
    if signal_all:
        os.killpg(process.pid, signal_all)
    else:
        process.kill()
    assert process.wait(20) == code
    eventually(lambda: all(map(is_free, (8080, 8870, 8871, 8872, 9870, 9871, 9872))))


def test_http_example(http_example):
    def get(target):
        return http_example.gateway.get(target)
    item = get("/items/42")
    assert item.status == 200 and item.headers.get("X-Item") == "42" and item.json["path"] == "/backend/items/42"
    ports = {server.ports[""] for server in http_example.servers.values()}
    assert {get("/app/hello").json["instance"] for _ in range(8)} == ports
    assert get("/slow").status == 504


def transcode(installed, folder, *words, input=b""):
    done = subprocess.run([folder / "transcode", *words], env=installed.environment, input=input, capture_output=True,
                          cwd=ROOT / "idl", timeout=60)
    return done.returncode, done.stdout, done.stderr.decode()


def exchange(server, message):
    with socket.create_connection(server.address().split(":"), 20) as connection:
        connection.sendall(message)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_transcode(installed, strict_example, tmp_path):
    folder = installed.make("transcode", tmp_path / "transcode")
    assert transcode(installed, folder, "methods", "sum.thrift") == (
        0, b"sum.SumMethod(SumReq req) -> SumResp\nsum.SumSvc.SumMethod(SumReq req) -> SumResp\n", "")
    sums = strict_example.servers[9870]
    code, call, _ = transcode(installed, folder, "call", "sum.thrift", "sum", "SumMethod",
                              input=b'{"firstNum":9223372036854775806,"secondNum":1}')
    assert code == 0 and b"SumMethod" in call
    assert transcode(installed, folder, "answer", "sum.thrift", "sum", "SumMethod", input=exchange(sums, call)) == (
        0, b'{"sum":9223372036854775807}', "")
    _, call, _ = transcode(installed, folder, "call", "sum.thrift", "sum", "SumMethod",
                           input=b'{"firstNum":9223372036854775807,"secondNum":1}')
    code, answer, says = transcode(installed, folder, "answer", "sum.thrift", "sum", "SumMethod", input=exchange(sums, call))
    assert (code, says) == (3, "the method threw TApplicationException\n") and json.loads(answer)["type"] == 6


def test_transcode_finds_includes_and_tells_mistakes(installed, tmp_path):
    folder = installed.make("transcode", tmp_path / "transcode")
    (tmp_path / "user.thrift").write_text('include "sum.thrift"\nservice User { sum.SumResp Ask(1: sum.SumReq req) }')
    user = str(tmp_path / "user.thrift")
    code, _, says = transcode(installed, folder, "methods", user, "/nowhere")  # the working directory has it
    assert (code, says) == (0, "")
    (tmp_path / "user.thrift").write_text('include "other.thrift"\nservice User { other.O Ask() }')
    (tmp_path / "more").mkdir()
    code, _, says = transcode(installed, folder, "methods", user, str(tmp_path / "more"))
    assert code == 1 and says.startswith(f'{user}:1:9: can\'t include "other.thrift": no such file [GW1107]\n')
    (tmp_path / "more/other.thrift").write_text("struct O { 1: i32 n }")
    assert transcode(installed, folder, "methods", user, str(tmp_path / "more"))[0] == 0
    code, call, says = transcode(installed, folder, "call", "sum.thrift", "sum", "SumMethod", input=b'{"firstNum":"4"}')
    assert (code, call) == (1, b"") and says.startswith("/firstNum: expected i64, got string\n[{\"pointer\":\"/firstNum\",")
    code, out, says = transcode(installed, folder, "answer", "sum.thrift", "sum", "SumMethod", input=b"HTTP/1.1 400 Bad")
    assert (code, out) == (1, b"") and says.startswith("it is no Thrift message\n")
    assert transcode(installed, folder, "call", "sum.thrift", "sum", "None")[2] == "there is no sum.None\n"
    assert transcode(installed, folder, "sing")[0] == 2
