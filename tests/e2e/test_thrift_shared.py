"""Several calls at a time on one connection (`in_flight`): a scripted server that answers in any order, late, wrongly or
not at all."""
import json
import random
import signal
import socket
import threading
import time

import pytest
from support.client import Cut
from support.config import route
from support.gateway import SLOW, eventually
from support.thrift_peer import STRING, STRUCT, Peer
from test_thrift import PROBLEM, is_problem, rpc, rpc_config

TRANSPORTS = ["theader", "ttheader", "ttheader_framed"]


class Rig:
    def __init__(self, factory, others=(), idle=8):
        self.peer = Peer()
        factory.upstreams.append(self.peer)
        routes = [route(f"of_{t}", predicates={"path": "/%s/{method}" % t}, endpoint=rpc(transport=t, in_flight=8))
                  for t in TRANSPORTS]
        routes += [
            route("fast", predicates={"path": "/fast/{method}"}, filters=[{"timeout": "150ms"}],
                  endpoint=rpc(transport="ttheader", in_flight=8)),
            route("second", predicates={"path": "/second/{method}"}, filters=[{"timeout": "1s"}],
                  endpoint=rpc(transport="ttheader", in_flight=8)),
            route("zlib", predicates={"path": "/zlib/{method}"}, endpoint=rpc(transport="theader", zlib=True, in_flight=8)),
            route("most", predicates={"path": "/most/{method}"}, endpoint=rpc(transport="ttheader", in_flight=64)),
            route("two", predicates={"path": "/two/{method}"}, endpoint=rpc(transport="ttheader", in_flight=2)),
        ]
        self.gateway = factory.gateway(rpc_config(factory.folder, [*others, self.peer.address], routes, workers=1,
                                                  decorators=[PROBLEM], limits={"body": "64MiB"}).replace(
                                                      "idle = 8", f"idle = {idle}"))
        self.waiting = []

    def post(self, target, body=None, method="POST"):
        with self.gateway.client(timeout=20) as c:
            c.request(method, target, body=json.dumps(body or {}).encode())
            return c.response(method)

    def warm(self):
        """One connection, which has answered."""
        self.peer.on("Call", lambda call: call.reply([(0, STRUCT, [(1, STRING, "warm")])]))
        assert self.post("/ttheader/Call").status == 200
        assert self.peer.connections == 1
        self.peer.calls.clear()

    def gather(self):
        """Calls wait in `waiting` until somebody answers them."""
        self.waiting.clear()
        for name in ("Call", "Text"):
            self.peer.on(name, self.waiting.append)

    def start(self, count, path="/ttheader/Call", method="POST"):
        """So many calls at once, each of which says its number; they have arrived."""
        self.gather()
        calls = [Started(self, path, {"msg": str(i)}, method) for i in range(count)]
        assert eventually(lambda: len(self.waiting) == count)
        return calls

    def served(self):
        self.peer.handlers.clear()
        answer = self.post("/ttheader/Call", {"msg": "still here"})
        return answer.status == 200 and answer.json == {"msg": "still here"}


class Started(threading.Thread):
    def __init__(self, rig, *request):
        super().__init__(daemon=True)
        self.rig, self.request, self.answer = rig, request, None
        self.start()

    def run(self):
        try:
            self.answer = self.rig.post(*self.request)
        except (Cut, OSError) as e:
            self.answer = e

    def result(self):
        self.join(20)
        assert self.answer is not None, "no answer came"
        return self.answer


def echo(call, **kw):
    return call.message([(0, kind, value) for _, kind, value in call.arguments[:1]], **kw)


@pytest.fixture(scope="module")
def shared(module_factory):
    return Rig(module_factory)


@pytest.fixture
def rig(shared):
    shared.peer.reset()
    shared.warm()
    yield shared
    assert not shared.peer.errors


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("order", ["forward", "backward", "random"])
def test_answers_in_any_order(rig, transport, order):
    calls = rig.start(8, f"/{transport}/Call")
    assert rig.peer.connections == 1
    waiting = {"forward": list, "backward": lambda w: w[::-1], "random": lambda w: random.Random(1).sample(w, 8)}[order]
    rig.peer.calls[0].trickle(b"".join(echo(call) for call in waiting(rig.waiting)), 1, 60)
    for i, call in enumerate(calls):
        assert call.result().json == {"msg": str(i)}
    assert rig.served() and rig.peer.connections == 1


def test_no_more_than_so_many(rig):
    calls = rig.start(5, "/two/Call")
    assert rig.peer.connections == 3  # two on each
    for call in rig.waiting:
        call.send(echo(call))
    assert sorted(call.result().json["msg"] for call in calls) == list("01234")


def at_once(rig, paths):
    """A call to each of them, which the gateway finds all at the same time; its clients."""
    clients = [rig.gateway.client(timeout=20) for _ in paths]
    for client in clients:  # so that all are accepted
        assert client.post("/ttheader/Call", b"{}").status == 200
    rig.peer.reset()
    rig.gather()
    rig.gateway.signal(signal.SIGSTOP)
    for i, (client, path) in enumerate(zip(clients, paths)):
        client.request("POST", path, body=(b'{"text":"%d"}' if "Tell" in path else b'{"msg":"%d"}') % i)
    rig.gateway.signal(signal.SIGCONT)
    return clients


@pytest.mark.parametrize("transport, count, connections", [("most", 64, 1), ("ttheader", 20, 3), ("two", 7, 4)])
def test_calls_wait_for_a_connection_that_others_wait_for(rig, transport, count, connections):
    clients = at_once(rig, [f"/{transport}/Call"] * count)
    assert eventually(lambda: len(rig.waiting) == count)
    assert rig.peer.connections == connections
    for call in rig.waiting:
        call.send(echo(call))
    assert [client.response("POST").json["msg"] for client in clients] == [str(i) for i in range(count)]


@pytest.mark.parametrize("kept", [True, False])
def test_a_burst_begins_with_oneway_calls(rig, factory, kept):
    """Each gives the connection back at once, and if none is kept idle it is closed; nobody waits for nothing."""
    if not kept:
        rig = Rig(factory, idle=0)
    clients = at_once(rig, ["/most/Tell"] * 10 + ["/most/Call"] * 10 + ["/most/Tell"] * 10)
    assert eventually(lambda: len(rig.waiting) == 10)
    for call in rig.waiting:
        call.send(echo(call))
    assert [client.response("POST").status for client in clients] == [202] * 10 + [200] * 10 + [202] * 10
    assert not kept or rig.peer.connections <= 2


@pytest.mark.parametrize("left", ["all", "first", "others", "none"])
def test_waiting_for_who_accepts_nothing(factory, left):
    """Clients that leave are forgotten; the others learn why, and by then no connection is left."""
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(full.getsockname())
    gateway = factory.gateway(rpc_config(
        factory.folder, ["127.0.0.1:%d" % full.getsockname()[1]], [route("all", "/{method}", endpoint=rpc(
            transport="ttheader", in_flight=8))], workers=1, timeouts={"connect": "300ms"}))
    clients = [gateway.client(timeout=20) for _ in range(5)]
    for client in clients:
        client.request("POST", "/Call", body=b"{}")
    time.sleep(0.1)
    going = {"all": clients, "first": clients[:1], "others": clients[1:], "none": []}[left]
    for client in going:
        client.sock.close()
    for client in clients:
        if client not in going:
            is_problem(client.response("POST"), 502, "GW5022")
    assert gateway.client().post("/Nope", b"{}").status == 404
    for sock in (full, *fillers):
        sock.close()


def test_waiting_for_who_refuses(factory):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = "127.0.0.1:%d" % gone.getsockname()[1]
    rig = Rig(factory, [address])
    rig.peer.connections = 1
    clients = [rig.gateway.client(timeout=20) for _ in range(20)]
    rig.gateway.signal(signal.SIGSTOP)
    for client in clients:
        client.request("POST", "/most/Call", body=b"{}")
    rig.gateway.signal(signal.SIGCONT)
    for client in clients:  # each tries the one that lives, too
        assert client.response("POST").json == {}
    assert rig.peer.connections <= 3


@pytest.mark.parametrize("left", ["deadline", "client"])
def test_a_call_that_ends_early_leaves_the_connection(rig, left):
    """Its answer is dropped when it comes, in pieces or whole."""
    calls = rig.start(2)
    if left == "client":
        with rig.gateway.client() as c:
            c.request("POST", "/ttheader/Call", body=b'{"msg":"gone"}')
            assert eventually(lambda: len(rig.waiting) == 3)
        time.sleep(0.1)
    else:
        is_problem(rig.post("/fast/Call", {"msg": "gone"}), 504, "GW5041")
    first, second, gone = rig.waiting
    assert gone.field() == b"gone"
    gone.send(echo(first))
    for piece in (echo(gone)[:20], echo(gone)[20:] + echo(second)):
        gone.send(piece)
        time.sleep(0.05)
    assert [call.result().json["msg"] for call in calls] == ["0", "1"]
    assert rig.served() and rig.peer.connections == 1


def leave(rig, count):
    """So many calls whose clients leave."""
    for _ in range(count):
        arrived = len(rig.waiting)
        with rig.gateway.client() as c:
            c.request("POST", "/ttheader/Call", body=b"{}")
            assert eventually(lambda: len(rig.waiting) == arrived + 1)
    time.sleep(0.1)


def test_late_answers_of_calls_that_all_are_gone(rig):
    rig.gather()
    leave(rig, 3)
    for call in rig.waiting:
        call.send(echo(call))
    assert rig.served() and rig.peer.connections == 1
    rig.gather()
    leave(rig, 8)
    assert rig.peer.wait_open(0) == 0, "a connection on which nothing is answered"


def test_a_server_that_vanished_loses_one_call(rig):
    """Nothing has come since it was sent, and no other call waits for anything."""
    rig.gather()
    is_problem(rig.post("/fast/Call"), 504, "GW5041")
    assert rig.peer.wait_open(0) == 0
    assert rig.served() and rig.peer.connections == 2


def test_a_connection_on_which_nothing_comes_gets_no_more_calls(rig):
    """Those that it has may still be answered, and then it is as good as before."""
    calls = rig.start(1)
    first, = rig.waiting
    is_problem(rig.post("/fast/Call"), 504, "GW5041")
    assert rig.served() and rig.peer.connections == 2
    assert first.connection.number in rig.peer.open
    first.send(echo(first) + echo(rig.waiting[1]))
    assert calls[0].result().json == {"msg": "0"}
    rig.gather()
    held = [Started(rig, "/two/Call", {}) for _ in range(4)]  # two on each
    assert eventually(lambda: len(rig.waiting) == 4)
    assert rig.peer.connections == 2
    for call in rig.waiting:
        call.send(echo(call))
    assert {call.result().status for call in held} == {200}


def test_the_last_call_closes_a_connection_on_which_nothing_comes(rig):
    rig.gather()
    with rig.gateway.client() as c:
        c.request("POST", "/ttheader/Call", body=b"{}")
        assert eventually(lambda: len(rig.waiting) == 1)
        is_problem(rig.post("/fast/Call"), 504, "GW5041")
        assert len(rig.peer.open) == 1, "its first call waits still"
    assert rig.peer.wait_open(0) == 0


def test_a_deadline_while_others_are_answered_leaves_the_connection(rig):
    calls = rig.start(1)
    first, = rig.waiting
    rig.peer.on("Call", lambda late: late.send(echo(first)))
    is_problem(rig.post("/second/Call", {"msg": "late"}), 504, "GW5041")
    assert calls[0].result().json == {"msg": "0"}
    assert rig.served() and rig.peer.connections == 1


def test_a_broken_connection_fails_all_calls(rig):
    calls = rig.start(3)
    rig.waiting[1].close()
    for call in calls:
        is_problem(call.result(), 502, "GW5027")
    assert rig.served() and rig.peer.connections == 2


def test_calls_that_may_be_repeated_are(rig):
    calls = rig.start(3, method="PUT")
    rig.peer.handlers.clear()
    rig.waiting[0].close()
    assert sorted(call.result().json["msg"] for call in calls) == ["0", "1", "2"]


def test_calls_whose_answer_had_begun_are_not_repeated(rig):
    calls = rig.start(3, method="PUT")
    rig.peer.handlers.clear()
    begun = rig.waiting[0]
    begun.send(echo(begun)[:30])
    time.sleep(0.1)
    begun.close()
    statuses = {call.request[1]["msg"]: call.result().status for call in calls}
    assert statuses.pop(begun.field().decode()) == 502 and set(statuses.values()) == {200}


@pytest.mark.parametrize("cut", [0, 3, 5, 11, 12, 13, 17, 40, -1])
def test_cut_in_an_answer(rig, cut):
    calls = rig.start(3)
    first, second, third = rig.waiting
    data = echo(second)
    first.send(echo(first) + data[:cut])
    first.close()
    got = [call.result() for call in calls]
    by_message = {call.request[1]["msg"]: answer for call, answer in zip(calls, got)}
    assert by_message.pop(first.field().decode()).status == 200
    for answer in by_message.values():
        is_problem(answer, 502, "GW5027")


@pytest.mark.parametrize("what", ["unknown id", "garbage", "unframed"])
def test_what_belongs_to_no_call(rig, what):
    calls = rig.start(2)
    one = rig.waiting[0]
    one.send({"unknown id": one.transport.wrap(b"x" * 40, 1 << 30),
              "garbage": b"HTTP/1.1 400 Bad Request\r\n\r\n",
              "unframed": b"\x80\1\0\2\0\0\0\4Call\0\0\0\1\0"}[what])
    for call in calls:
        is_problem(call.result(), 502, "GW5026")
    assert rig.served() and rig.peer.connections == 2


def test_a_lone_call_may_be_answered_in_another_transport(rig):
    calls = rig.start(1)
    one, = rig.waiting
    one.transport = None
    one.send(echo(one, framed=True))
    assert calls[0].result().json == {"msg": "0"}
    assert rig.peer.wait_open(0) == 0
    assert rig.served() and rig.peer.connections == 2


def test_an_answer_that_can_not_be_read(rig):
    """It fails its own call; the connection is closed when the others are answered."""
    calls = rig.start(3)
    first, second, third = rig.waiting
    first.send(first.transport.wrap(b"\x80\1\0\2 no message at all"))
    first.send(echo(third) + echo(second))
    by_message = {call.request[1]["msg"]: call.result() for call in calls}
    is_problem(by_message.pop(first.field().decode()), 502, "GW5026")
    assert {answer.status for answer in by_message.values()} == {200}
    assert rig.peer.wait_open(0) == 0


def test_crrst_on_a_shared_connection(rig):
    calls = rig.start(2)
    first, second = rig.waiting
    first.send(echo(first, strings={"crrst": "1"}))
    assert eventually(lambda: sum(not call.is_alive() for call in calls) == 1)
    rig.peer.handlers.clear()
    assert rig.post("/ttheader/Call").status == 200 and rig.peer.connections == 2
    second.send(echo(second))
    assert [call.result().status for call in calls] == [200, 200]
    assert rig.peer.wait_open(1) == 1


def test_oneway_calls_and_answers_to_them(rig):
    """Such an answer is dropped."""
    calls = rig.start(1)
    rig.peer.on("Tell", lambda call: call.send(call.message([])))
    for _ in range(10):
        assert rig.post("/ttheader/Tell", {"text": "x"}).status == 202
    rig.waiting[0].send(echo(rig.waiting[0]))
    assert calls[0].result().status == 200
    assert rig.served() and rig.peer.connections == 1


def test_large_requests_and_answers_beside_each_other(rig):
    text = "text " * 400_000
    rig.peer.on("Text", lambda call: call.send(call.message([(0, STRING, call.argument())])))
    calls = [Started(rig, "/ttheader/Text", {"text": text + str(i)}) for i in range(4)]
    for i, call in enumerate(calls):
        assert call.result().json == text + str(i)


def slow_and_other(rig, path):
    """A client that reads little of its answer, and a call behind it; both wait for the server."""
    rig.gather()
    slow = rig.gateway.client(receive_buffer=4096)
    slow.request("POST", path + "/Text", body=b'{"text":"large"}')
    assert eventually(lambda: len(rig.waiting) == 1)
    other = Started(rig, path + "/Call", {"msg": "other"})
    assert eventually(lambda: len(rig.waiting) == 2)
    return slow, other


def test_a_slow_client_does_not_stop_the_others(rig):
    """Its response is cut when it has kept them waiting for a second."""
    slow, other = slow_and_other(rig, "/ttheader")
    large, call = rig.waiting
    assert large.connection is call.connection
    sender = threading.Thread(target=lambda: large.send(large.message([(0, STRING, b"x" * (64 << 20))]) + echo(call)))
    begun = time.monotonic()
    sender.start()
    assert other.result().json == {"msg": "other"}
    assert 0.9 < time.monotonic() - begun < 30 * SLOW
    sender.join(10)
    with pytest.raises((Cut, OSError)):
        slow.response("POST")
    slow.close()
    assert rig.served() and rig.peer.connections == 1


def test_a_slow_client_alone_is_waited_for(rig):
    rig.peer.on("Text", lambda call: call.send(call.message([(0, STRING, b"x" * (8 << 20))])))
    slow = rig.gateway.client(receive_buffer=4096)
    slow.request("POST", "/ttheader/Text", body=b'{"text":"large"}')
    time.sleep(1.5)
    rig.peer.on("Call", lambda call: call.send(echo(call)))
    assert rig.post("/ttheader/Call", {"msg": "x"}).json == {"msg": "x"}  # on another connection
    assert rig.peer.connections == 2
    assert len(slow.response("POST").body) == (8 << 20) + 2
    slow.close()


def test_a_slow_client_of_a_compressed_answer_keeps_nobody_waiting(rig):
    """All of it has come, so that the connection need not wait for the client."""
    slow, other = slow_and_other(rig, "/zlib")
    large, call = rig.waiting
    large.send(large.message([(0, STRING, b"x" * (8 << 20))]) + echo(call))
    assert other.result().json == {"msg": "other"}
    time.sleep(1.5)
    assert rig.served() and rig.peer.connections == 1
    assert len(slow.response("POST").body) == (8 << 20) + 2
    slow.close()


def test_clients_that_leave_compressed_answers(rig):
    """All of such an answer is there before the client has taken much of it."""
    def handle(call):
        call.send(call.message([(0, STRING, b"x" * (32 << 20))]))
    for _ in range(10):
        rig.peer.on("Text", handle)
        with rig.gateway.client(receive_buffer=4096) as c:
            c.request("POST", "/zlib/Text", body=b'{"text":"x"}')
            assert c.sock.recv(100)
        rig.peer.handlers.clear()
        assert rig.post("/zlib/Text", {"text": "y"}).json == "y"
    assert rig.peer.wait_open(1) == 1 and rig.peer.connections <= 11


def test_random_orders_and_departures(rig):
    """Many clients, a server that answers late and in any order; some leave. Whoever stays gets what is its own."""
    rng = random.Random(7)
    lock, held = threading.Lock(), []

    def handle(call):
        with lock:
            held.append(call)
            out = [held.pop(rng.randrange(len(held))) for _ in range(rng.randrange(len(held) + 1))]
        for one in out:
            one.send(echo(one))
    rig.peer.on("Call", handle)
    stop = threading.Event()

    def flush():
        while not stop.wait(0.02):
            with lock:
                out, held[:] = held[:], []
            for one in out:
                try:
                    one.send(echo(one))
                except OSError:
                    pass
    threading.Thread(target=flush, daemon=True).start()
    wrong = []

    def client(number):
        own = random.Random(number)
        for i in range(40):
            text = f"{number}-{i}"
            with rig.gateway.client(timeout=20) as c:
                c.request("POST", "/ttheader/Call", body=json.dumps({"msg": text}).encode())
                if own.random() < 0.3:
                    time.sleep(own.random() * 0.01)
                    continue
                answer = c.response("POST")
                if answer.status != 200 or answer.json != {"msg": text}:
                    wrong.append((text, answer))
    clients = [threading.Thread(target=client, args=(i,)) for i in range(12)]
    for one in clients:
        one.start()
    for one in clients:
        one.join(60)
    stop.set()
    assert not wrong, wrong[:3]
