"""gwctl call: what it prints for each outcome, its exit codes, and what a server gets; against a real server and the
scripted one."""
import os
import re
import signal
import socket
import subprocess
import time

import pytest
from support.config import build_folder
from support.peers import PORTS, types_server
from support.thrift_peer import LIST, STRING, STRUCT, Peer

IDL = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "idl")
LINES = """
struct Req { 1: string msg }
exception Broken { 1: string why }
service Other { string Text(1: string text) }
service Lines {
    list<string> Texts(1: list<string> texts)
    Req Call(1: Req req) throws (1: Broken broken)
    void Nothing()
}
"""


@pytest.fixture(scope="module")
def server(module_factory):
    return module_factory.peer(types_server("python"))


@pytest.fixture
def peer(factory):
    made = Peer()
    factory.upstreams.append(made)
    return made


@pytest.fixture
def call(tmp_path):
    """call(address, *words) runs it with a folder for temporary files that must be empty when it is over."""
    (tmp_path / "tmp").mkdir()
    (tmp_path / "idl").mkdir()
    (tmp_path / "idl/lines.thrift").write_text(LINES)

    def run(address, *words, idl=IDL, input=None, environment=None, **kw):
        command = [os.path.join(build_folder(), "cli", "gwctl"), "call", "--idl", idl, *(["-s", address] if address else []), *words]
        environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp"), **(environment or {})}
        if kw.pop("start", False):
            return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, **{"stdout": subprocess.PIPE, **kw})
        done = subprocess.run(command, env=environment, input=input, capture_output=True, text=True, timeout=60)
        assert "Sanitizer" not in done.stderr, done.stderr
        return done

    run.lines = lambda address, *words, **kw: run(address, *words, idl=str(tmp_path / "idl"), **kw)
    run.left = lambda: list((tmp_path / "tmp").iterdir())
    yield run
    assert not run.left()


def outcome(done):
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("transport", ["unframed", "framed"])
@pytest.mark.parametrize("words, printed", [
    (["derived.add", '{"a":9223372036854775806,"b":1}'], "9223372036854775807\n"),
    (["derived.ping"], '"pong"\n'),
    (["types.BaseSvc.ping", "{}"], '"pong"\n'),
    (["derived.nothing"], ""),
    (["derived.notify", '{"text":"x"}'], ""),
])
def test_what_it_prints(server, call, transport, words, printed):
    assert outcome(call(server.address(f"binary_{transport}"), *words, "--transport", transport)) == (0, printed, "")


@pytest.mark.parametrize("port", PORTS)
def test_each_encoding_and_transport(server, call, port):
    encoding, transport = port.rsplit("_", 1)
    done = call(server.address(port), "derived.join", '{"first":"a","second":"b","times":2}', "--encoding", encoding,
                "--transport", transport)
    assert outcome(done) == (0, '"abab"\n', "")


def test_other_options_of_the_endpoint(server, call):
    done = call(server.address("header"), "derived.ping", "--transport", "theader", "--zlib", "true")
    assert outcome(done) == (0, '"pong"\n', "")
    done = call(server.address("multiplexed"), "derived.ping", "--transport=framed", "--multiplexed=Derived")
    assert outcome(done) == (0, '"pong"\n', "")


def test_body_from_standard_input(server, call):
    text = '{"first":"%s","second":"\\u00fc","times":2}' % ("x" * 200000)
    done = call(server.address("binary_unframed"), "derived.join", "-", input=text)
    assert outcome(done) == (0, '"%s"\n' % (("x" * 200000 + "ü") * 2), "")


def test_a_full_disk(server, call):
    with open("/dev/full", "w") as full:
        process = call(server.address("binary_unframed"), "derived.ping", start=True, stdout=full)
        assert process.communicate(timeout=60)[1] == "gwctl call: can't write the result: No space left on device\n"
    assert process.returncode == 1


def test_declared_exception(server, call):
    assert outcome(call(server.address("binary_unframed"), "derived.find", '{"id":0}')) == (
        5, '{"type":"NotFound","value":{"what":"number 0","code":404}}\n', "gwctl call: find threw NotFound [GW4221]\n")


def test_application_exception(server, call):
    done = call(server.address("binary_unframed"), "derived.add", '{"a":9223372036854775807,"b":1}')
    assert outcome(done) == (1, "", "gwctl call: too large [GW5025]\n")


def test_misfits(server, call):
    assert outcome(call(server.address("binary_unframed"), "derived.find", '{"id":"x","idd":3}')) == (2, "", """\
gwctl call: /id: expected i64, got string (types.thrift:183)
gwctl call: /idd: expected an argument of find (nearest: id), got an unknown name (types.thrift:183)
""")
    assert outcome(call(server.address("binary_unframed"), "derived.add", '{"a":2.8,"b":"3"}', "--json=kitex")) == (0, "5\n", "")


def test_head_of_the_answer(server, call):
    code, text, _ = outcome(call(server.address("binary_unframed"), "-i", "derived.ping"))
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    assert code == 0 and body == '"pong"\n' and head.startswith("HTTP/1.1 200 OK\n") and "\nContent-Length: 6" in head
    code, text, _ = outcome(call(server.address("binary_unframed"), "--include", "derived.find", '{"id":0}'))
    assert code == 5 and text.startswith("HTTP/1.1 422 ") and text.endswith('\n\n{"type":"NotFound","value":{"what":"number 0","code":404}}\n')


def test_no_server(call):
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = "127.0.0.1:%d" % free.getsockname()[1]
    assert outcome(call(address, "derived.ping")) == (1, "", "gwctl call: service 'derived' refuses connections [GW5021]\n")


def test_next_server(server, call):
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = "127.0.0.1:%d" % free.getsockname()[1]
    assert outcome(call(address, "-s", server.address("binary_unframed"), "derived.ping")) == (0, '"pong"\n', "")


def test_a_server_on_a_unix_socket_and_silence(call, tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        begun = time.monotonic()
        done = call(f"unix:{tmp_path}/s", "derived.ping", "--timeout", "100ms")
    assert done.returncode == 1 and "[GW504" in done.stderr and not done.stdout and time.monotonic() - begun < 20


def test_answers_that_make_no_sense(call, peer):
    peer.on("Texts", lambda c: c.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    done = call.lines(peer.address, "lines.Texts", '{"texts":[]}')
    assert done.returncode == 1 and "[GW5026]" in done.stderr


def test_answers_that_do_not_fit(call, peer):
    """What the server did wrong is not told as what the arguments have wrong."""
    peer.on("Call", lambda c: c.reply([]))
    assert outcome(call.lines(peer.address, "lines.Call")) == (1, "", (
        f"gwctl call: the answer of {peer.address} can't be read: the result: expected Req, got nothing (lines.thrift:7) "
        "[GW5026]\n"))


def test_an_answer_that_breaks_off(call, peer):
    def half(c):
        whole = c.message([(0, LIST, (STRING, ["x" * 100000] * 10))])
        c.send(whole[:-1000])
        c.close()
    peer.on("Texts", half)
    done = call.lines(peer.address, "lines.Texts", '{"texts":[]}')
    assert (done.returncode, done.stderr) == (1, "gwctl call: the answer broke off\n") and done.stdout.startswith('["xxx')


def test_blocks_of_a_file(call, peer):
    assert outcome(call.lines(peer.address, "lines.Other.Text", '{"text":"a\\nb"}')) == (0, '"a\\nb"\n', "")
    assert outcome(call.lines(peer.address, "lines.Call", '{"msg":"m"}')) == (0, '{"msg":"m"}\n', "")
    assert [c.name for c in peer.calls] == ["Text", "Call"]
    assert "has no method 'Text'" in call.lines(peer.address, "lines.Text").stderr


def test_headers_of_a_request(call, peer):
    assert call.lines(peer.address, "lines.Nothing", "--header", "X-A=b=c", "-H", "X-D=").returncode == 0
    for wrong in ("X-A", "=a", "X-A: a=b", "X-A=a\nX-B: b"):
        done = call.lines(peer.address, "lines.Nothing", "--header", wrong)
        assert done.returncode == 2 and done.stderr.startswith(f"gwctl call: expected --header NAME=VALUE, found '{wrong}'\nusage: ")
    assert outcome(call.lines(peer.address, "lines.Nothing", "-H", "X A=a")) == (
        2, "", "gwctl call: a field name is not a token [GW4001]\n")


@pytest.mark.parametrize("name", ["Expect", "content-length", "Transfer-Encoding", "CONNECTION", "Host", "TE", "Upgrade",
                                  "Trailer", "Keep-Alive", "Proxy-Connection"])
def test_headers_that_carry_the_request(call, peer, name):
    done = call.lines(peer.address, "lines.Nothing", "--header", f"{name}=100-continue")
    assert done.returncode == 2 and not peer.calls and done.stdout == ""
    assert done.stderr.startswith(
        f"gwctl call: expected a header of the call, found '{name}', which gwctl sets itself\nusage: ")


def test_business_error(call, peer):
    peer.on("Call", lambda c: c.reply([], strings={"biz-status": "1001", "biz-message": "no stock", "biz-extra": '{"n":[1]}'}))
    done = call.lines(peer.address, "lines.Call", "--transport", "ttheader", "--biz_status", "x")
    assert done.returncode == 2 and "--biz_status" in done.stderr  # a list has no form on the command line
    assert outcome(call.lines(peer.address, "lines.Call", "--transport", "ttheader")) == (
        5, '{"biz_status":1001,"biz_message":"no stock","biz_extra":{"n":[1]}}\n', "gwctl call: no stock [GW4222]\n")


def test_headers_come_back(call, peer):
    peer.on("Nothing", lambda c: c.reply([], strings={"RPC_BACKWARD_SHARD": "seven"}))
    done = call.lines(peer.address, "lines.Nothing", "-i", "--transport", "ttheader")
    assert done.returncode == 0 and "\nrpc-backward-shard: seven" in done.stdout.lower()


def test_headers_become_metadata(call):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = call("127.0.0.1:%d" % listener.getsockname()[1], "derived.ping", "--transport", "ttheader", "--header",
                       "rpc-persist-tenant=blue", "--header", "rpc-transit-stage=two", start=True)
        connection, _ = listener.accept()
        with connection:
            got = connection.recv(65536)
    assert process.wait(20) == 1
    process.communicate()
    assert b"RPC_PERSIST_TENANT" in got and b"blue" in got and b"RPC_TRANSIT_STAGE" in got and b"two" in got


@pytest.mark.parametrize("words, says", [
    (["derived.nope"], "service 'derived' (DerivedSvc) has no method 'nope' [GW1027]"),
    (["nope.ping"], "service 'nope' is described by no IDL file: 'thrift' calls methods [GW1026]"),
    (["derive.ping"], "service 'derive' is described by no IDL file: 'thrift' calls methods; did you mean 'derived'? [GW1026]"),
    (["derived.ping", "--encodng", "binary"], "--encodng: endpoint 'thrift': 'encodng' is no known key, did you mean 'encoding'?"),
    (["derived.ping", "--encoding", "xml"], "--encoding: endpoint 'thrift': 'encoding' expects one of \"binary"),
    (["derived.ping", "--timeout", "soon"], "expected --timeout TIME"),
    (["derived.ping", "--timeout"], "'--timeout' wants a value"),
    (["derived"], "expected SERVICE.METHOD, found 'derived'"),
    (["derived.{x}"], "expected SERVICE.METHOD, found 'derived.{x}'"),
    (["derived.ping", "{}", "{}"], "unexpected '{}'"),
    (["derived.ping", "-x", "1"], "unexpected '-x'"),
    (["derived.ping", "-c", "0"], "expected 1 to 10000 connections, found '0'"),
    (["derived.ping", "--bench", "x"], "expected a number of seconds, found 'x'"),
    ([], "expected SERVICE.METHOD"),
])
def test_bad_usage(call, words, says):
    done = call("127.0.0.1:1", *words)
    assert (done.returncode, done.stdout) == (2, "") and says in done.stderr


def test_bad_addresses_and_folders(call, tmp_path):
    done = call("nowhere", "derived.ping")
    assert done.returncode == 2 and done.stderr.startswith("-s: instance of service 'derived' expects an address")
    done = call(None, "derived.ping")
    assert done.returncode == 2 and "expected -s ADDRESS" in done.stderr
    done = call("127.0.0.1:1", "derived.ping", idl="/nowhere")
    assert outcome(done) == (2, "", "--idl: the folder of IDL '/nowhere': no such folder [GW1100]\n")
    (tmp_path / "idl/wrong.thrift").write_text("struct {")
    done = call.lines("127.0.0.1:1", "lines.Nothing")
    assert done.returncode == 2 and "wrong.thrift:1:8: expected" in done.stderr


# ---- --bench


def bench(text):
    """{"ok": 12, "GW4221": 3, …} and the times by name, in ms."""
    counts = {name: int(count) for name, count in re.findall(r"^(\S+) +(\d+)(?: |$)", text, re.M) if name != "ms"}
    times = re.search(r"^ms +(.*)$", text, re.M).group(1).split()
    return counts, {name: float(ms) for name, ms in zip(times[::2], times[1::2])}


def test_bench(server, call):
    done = call(server.address("binary_unframed"), "derived.ping", "--bench", "0.3", "-c", "4")
    counts, times = bench(done.stdout)
    assert done.returncode == 0 and counts["calls"] == counts["ok"] > 20 and set(counts) == {"calls", "ok"}
    assert list(times) == ["p50", "p90", "p99", "p99.9", "max"] and list(times.values()) == sorted(times.values())
    assert re.search(r"^calls +\d+ in 0\.\d\d s, \d+ a second$", done.stdout, re.M)


def test_bench_counts_outcomes(call, peer):
    def answer(c):
        number = len(peer.calls)
        if number % 3 == 0:
            c.reply([(1, STRUCT, [(1, STRING, "third")])])
        elif number % 3 == 1:
            c.reply([(0, STRUCT, [(1, STRING, "fine")])])
        else:
            c.fault(6, "broken inside")
    peer.on("Call", answer)
    done = call.lines(peer.address, "lines.Call", '{"msg":"m"}', "--bench", "0.3", "-c", "1")
    counts, _ = bench(done.stdout)
    assert done.returncode == 1 and done.stderr == "" and set(counts) == {"calls", "ok", "GW4221", "GW5025"}
    assert counts["ok"] + counts["GW4221"] + counts["GW5025"] == counts["calls"] >= 3
    assert max(counts["ok"], counts["GW4221"], counts["GW5025"]) - min(counts["ok"], counts["GW4221"], counts["GW5025"]) <= 1
    assert re.search(r"^GW5025 +\d+  broken inside$", done.stdout, re.M)


def test_bench_of_what_can_not_work(call, server):
    done = call(server.address("binary_unframed"), "derived.find", '{"id":"x"}', "--bench", "5")
    assert (done.returncode, done.stdout) == (2, "") and "/id: expected i64, got string" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_leave_nothing(call, server, number):
    process = call(server.address("binary_unframed"), "derived.ping", "--bench", "30", start=True)
    end = time.monotonic() + 20
    while not (found := call.left()) or not list(found[0].iterdir()):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.01)
    assert found[0].stat().st_mode & 0o777 == 0o700
    process.send_signal(number)
    assert process.wait(20) == 128 + number
    process.communicate()
