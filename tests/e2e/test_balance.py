"""Services: whose turn it is, and what happens when an instance is not there."""
import collections
import threading
import time

import pytest
from support.config import config, respond, route
from support.data import pattern
from support.upstream import closed_port


def ports(answers):
    return collections.Counter(a.json["port"] for a in answers)


@pytest.mark.parametrize("kept", [True, False])
def test_round_robin_is_exactly_equal(gateway, factory, kept):
    ups = [factory.upstream() for _ in range(3)]
    gw = gateway(config([route()], {"up": {"balance": "round_robin", "instances": [u.address for u in ups]}}, workers=1))
    with gw.client() as c:
        answers = [c.get("/echo") if kept else gw.get("/echo") for _ in range(30)]
    assert ports(answers) == {u.port: 10 for u in ups}
    assert [a.json["port"] for a in answers[:3]] * 10 == [a.json["port"] for a in answers]


def test_round_robin_with_many_clients(gateway, factory):
    ups = [factory.upstream() for _ in range(3)]
    gw = gateway(config([route()], {"up": [u.address for u in ups]}, workers=1))
    answers = []

    def run():
        with gw.client() as c:
            for _ in range(15):
                answers.append(c.get("/echo"))
    threads = [threading.Thread(target=run) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    assert ports(answers) == {u.port: 40 for u in ups}


def test_weights(gateway, factory):
    ups = [factory.upstream() for _ in range(2)]
    instances = [{"address": ups[0].address, "weight": 3}, {"address": ups[1].address}]
    gw = gateway(config([route()], {"up": instances}, workers=1))
    with gw.client() as c:
        assert ports(c.get("/echo") for _ in range(40)) == {ups[0].port: 30, ups[1].port: 10}


def test_next_instance_after_a_refused_connect(gateway, factory):
    up = factory.upstream()
    gw = gateway(config([route()], {"up": [f"127.0.0.1:{closed_port()}", up.address, f"127.0.0.1:{closed_port()}"]}))
    with gw.client() as c:
        for i in range(9):
            assert c.get("/echo").status == 200
            answer = c.post("/sink", pattern(i * 30000), chunked=i % 2 == 0)
            assert answer.status == 200 and answer.json["size"] == i * 30000
    assert {r.path for r in up.requests} == {"/echo", "/sink"}


def test_all_instances_refuse(gateway, factory):
    gw = gateway(config([route("hello", path="/hello", endpoint=respond()), route()],
                        {"up": [f"127.0.0.1:{closed_port()}" for _ in range(3)]}))
    with gw.client() as c:
        assert c.get("/echo").status == 502
        assert c.post("/echo", pattern(100000)).status == 502
        assert c.get("/hello").status == 200


def test_no_instance(gateway):
    gw = gateway(config([route()], {"up": []}))
    assert gw.get("/").status == 503


def test_connect_timeout(gateway, factory):
    """An instance whose queue is full answers no SYN: the next one is asked in time."""
    import socket
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    fillers = []
    for _ in range(3):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(full.getsockname())
        fillers.append(s)
    time.sleep(0.05)
    up = factory.upstream()
    gw = gateway(config([route()], {"up": [f"127.0.0.1:{full.getsockname()[1]}", up.address]},
                        timeouts={"connect": "300ms"}))
    start = time.monotonic()
    assert [gw.get("/echo").status for _ in range(2)] == [200, 200]
    assert 0.2 < time.monotonic() - start < 5
    for s in [full, *fillers]:
        s.close()


def test_pool_is_used_by_all_clients(gateway, upstream):
    gw = gateway(config([route()], {"up": [upstream.address]}, workers=1))
    for _ in range(20):
        assert gw.get("/echo").status == 200
    assert upstream.connections == 1


def test_unix_instance(gateway, factory):
    up = factory.upstream(address=str(factory.folder / "up.sock"))
    gw = gateway(config([route()], {"up": [up.address]}))
    with gw.client() as c:
        assert c.get("/bytes/100000").body == pattern(100000)
        assert c.post("/sink", pattern(100000)).json["size"] == 100000


def test_pooled_connections_are_closed_when_idle(gateway, upstream):
    gw = gateway(config([route()], {"up": {"instances": [upstream.address], "pool": {"keep_alive": "200ms"}}}))
    assert gw.get("/echo").status == 200
    assert upstream.wait_idle(seconds=5) == 0
    assert gw.get("/echo").status == 200
