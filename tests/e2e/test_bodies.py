"""Bodies of every critical size, both ways, both framings, through 0, 1 and 4 body filters that move random amounts,
with and without peers that trickle: every byte arrives, once and in order."""
import socket
import threading

import pytest
from support.config import config, route
from support.data import chunked, pattern, sha256

SIZES = [0, 1, 65535, 65536, 65537, 10_000_000]
FILTERS = [0, 1, 4]
KB64 = 65536


def jitters(count):
    return [{"jitter": {"seed": i + 1}} for i in range(count)]


@pytest.fixture(scope="module")
def up(module_factory):
    return module_factory.upstream()


@pytest.fixture(scope="module")
def gw(module_factory, up):
    routes = [route(f"through{n}", predicates={"host": f"filters{n}.test", "path": "/**"}, filters=jitters(n))
              for n in FILTERS]
    for n in FILTERS:
        routes.append(route(f"counted{n}", predicates={"host": f"counted{n}.test", "path": "/**"},
                            filters=["counter", *jitters(n), "counter"]))
        routes.append(route(f"origin{n}", predicates={"host": f"origin{n}.test", "path": "/**"}, filters=jitters(n),
                            endpoint={"origin": {"bytes": 1000000}}))
        routes.append(route(f"unknown{n}", predicates={"host": f"unknown{n}.test", "path": "/**"}, filters=jitters(n),
                            endpoint={"origin": {"bytes": 1000000, "known": False}}))
        routes.append(route(f"collect{n}", predicates={"host": f"collect{n}.test", "path": "/**"},
                            filters=jitters(n), endpoint={"collect": {}}))
        routes.append(route(f"whole{n}", predicates={"host": f"whole{n}.test", "path": "/**"},
                            filters=[*jitters(n), {"whole": {"suffix": "-end"}}, *jitters(n)]))
    routes.append(route("buffered", predicates={"path": "/buffered"}, endpoint={"whole_origin": {}}))
    routes.append(route("counts", predicates={"path": "/counts"}, endpoint={"counts": {}}))
    return module_factory.gateway(config(routes, {"up": [up.address]}, plugins=["jitter", "counter", "whole", "origin"],
                                         limits={"body_buffer": "16MiB"}))


@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize("as_chunks", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("size", SIZES)
def test_upload(gw, size, as_chunks, filters):
    with gw.client() as c:
        answer = c.post("/sink", pattern(size), chunked=as_chunks, host=f"filters{filters}.test")
        assert answer.status == 200
        assert (answer.json["size"], answer.json["sha256"]) == (size, sha256(pattern(size)))
        assert c.get("/bytes/3", host="filters0.test").body == pattern(3)


@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize("framing", ["", "?chunked", "?close"], ids=["length", "chunked", "close"])
@pytest.mark.parametrize("size", SIZES)
def test_download(gw, size, framing, filters):
    with gw.client() as c:
        answer = c.get(f"/bytes/{size}{framing}", host=f"filters{filters}.test")
        assert answer.status == 200
        assert len(answer.body) == size and sha256(answer.body) == sha256(pattern(size))
        assert c.get("/bytes/3", host="filters0.test").body == pattern(3)


def trickle_step(size):
    return max(1, size // 40)


@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize("as_chunks", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("size", SIZES[:-1] + [1_000_000])
def test_upload_by_a_trickling_client(gw, size, as_chunks, filters):
    with gw.client() as c:
        data = c.compose("POST", "/sink", body=pattern(size), host=f"filters{filters}.test")
        if as_chunks:
            head = f"POST /sink HTTP/1.1\r\nHost: filters{filters}.test\r\nTransfer-Encoding: chunked\r\n\r\n"
            data = head.encode() + chunked(pattern(size), seed=size, high=4000)
        answer = c.both_ways(data, seed=size, high=trickle_step(len(data)), delay=0.0005)
        assert (answer.json["size"], answer.json["sha256"]) == (size, sha256(pattern(size)))


@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize("framing", ["?", "?chunked&high=4000&", "?close&"], ids=["length", "chunked", "close"])
@pytest.mark.parametrize("size", SIZES[1:-1] + [1_000_000])
def test_download_from_a_trickling_upstream(gw, size, framing, filters):
    answer = gw.get(f"/bytes/{size}{framing}trickle={trickle_step(size)}", host=f"filters{filters}.test")
    assert len(answer.body) == size and sha256(answer.body) == sha256(pattern(size))


@pytest.mark.parametrize("filters", FILTERS)
def test_both_ways_at_once(gw, filters):
    """The answer comes while the body is still being sent."""
    body = pattern(3_000_000)
    with gw.client() as c:
        answer = c.post("/duplex", body, chunked=True, host=f"filters{filters}.test")
        assert sha256(answer.body) == sha256(body)


@pytest.mark.parametrize("filters", FILTERS)
def test_slow_reader(gw, filters):
    """A client that reads slowly, through small buffers, holds up the upstream and loses nothing."""
    size = 4_000_000
    with gw.client(receive_buffer=8192) as c:
        c.request(target=f"/bytes/{size}", host=f"filters{filters}.test", version="HTTP/1.0")  # unframed
        head = c.reader.until(b"\r\n\r\n", "head")
        assert head.startswith(b"HTTP/1.1 200")
        got = c.slow_rest(50000, 0.002, size)
        assert len(got) == size and sha256(got) == sha256(pattern(size))
        assert c.closed()


@pytest.mark.parametrize("filters", FILTERS)
def test_slow_upstream(gw, filters):
    with gw.client() as c:
        answer = c.post("/slow-sink", pattern(4_000_000), host=f"filters{filters}.test")
        assert answer.json["sha256"] == sha256(pattern(4_000_000))


def test_many_chunks_of_one_byte(gw):
    with gw.client() as c:
        body = pattern(5000)
        head = "POST /sink HTTP/1.1\r\nHost: filters1.test\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer = c.both_ways(head.encode() + chunked(body, high=1), seed=5, high=777)
        assert answer.json["sha256"] == sha256(body)


@pytest.mark.parametrize("filters", FILTERS)
def test_no_hook_is_shown_more_than_a_mark(gw, filters):
    """counter stands on both sides of the jitters and asserts on what it is shown; bytes in are bytes out."""
    before = gw.get("/counts").json
    size = 2_000_000
    with gw.client() as c:
        c.post("/sink", pattern(size), host=f"counted{filters}.test")
        answer = c.get(f"/bytes/{size}?chunked", host=f"counted{filters}.test")
        assert answer.body == pattern(size)
    after = gw.get("/counts").json
    assert after["wrong"] == 0
    assert after["request_bytes"] - before["request_bytes"] == 2 * size
    assert after["response_bytes"] - before["response_bytes"] >= 2 * size


def origin_bytes(size):
    return bytes((i * 7 + i // 256) & 255 for i in range(size))


@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize("kind, framing", [("origin", "length"), ("unknown", "chunked")])
def test_streaming_endpoint(gw, kind, framing, filters):
    expected = sha256(origin_bytes(1000000))
    with gw.client() as c:
        answer = c.get(host=f"{kind}{filters}.test")
        assert answer.framing == ("chunked" if filters else framing)  # a body hook may change the length
        assert sha256(answer.body) == expected
    with gw.client(receive_buffer=8192) as c:
        c.request(host=f"{kind}{filters}.test", version="HTTP/1.0")
        head = c.reader.until(b"\r\n\r\n", "head")
        assert head.startswith(b"HTTP/1.1 200")
        got = c.slow_rest(30000, 0.001, 1000000)
        assert sha256(got) == expected


@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize("size", SIZES)
def test_collecting_endpoint(gw, size, filters):
    with gw.client() as c:
        answer = c.post("/", pattern(size), chunked=size % 2 == 1, host=f"collect{filters}.test")
        assert answer.status == 200 and answer.text.split()[0] == str(size)


@pytest.mark.parametrize("size", SIZES)
def test_endpoint_with_the_whole_body(gw, size):
    with gw.client() as c:
        assert sha256(c.post("/buffered", pattern(size)).body) == sha256(pattern(size))


@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize("as_chunks", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("size", [0, 1, KB64, 1_000_000])
def test_whole_body_filter(gw, up, size, as_chunks, filters):
    """It changes the size of a body, so the framing has to follow."""
    body = (b"abcdefgh" * (size // 8 + 1))[:size]
    with gw.client() as c:
        answer = c.post("/sink", body, chunked=as_chunks, host=f"whole{filters}.test")
        assert answer.status == 200
        changed = body.upper() + b"-end"
        assert (answer.json["size"], answer.json["sha256"]) == (len(changed), sha256(changed))
        assert ["X-Whole-Size", str(size)] in answer.json["headers"]


@pytest.mark.plain
def test_memory_stays_while_a_large_body_passes(gw):
    """Both ways, with a peer that is slow at first: what is not read stays upstream."""
    with gw.client() as c:
        c.get("/bytes/1000000", host="filters1.test")
    before = gw.rss_kib()
    with gw.client(receive_buffer=8192) as c:
        c.request(target="/bytes/60000000", host="filters1.test")
        c.reader.until(b"\r\n\r\n", "head")
        c.slow_rest(65536, 0.005, 1_000_000)
        assert gw.rss_kib() - before < 1024
        c.close()
    with gw.client() as c:
        c.post("/sink", pattern(30_000_000), host="filters1.test")
    assert gw.rss_kib() - before < 1024


ASKS = {"caller": {"service": "up", "target": "/asked"}}
ALONE = {"caller": [ASKS, "whole"], "each": ["hold_each", "whole"], "held": [{"holder": {}}, "whole"],
         "far": [{"jitter": {"seed": 9}}, ASKS, "whole"], "whole": ["whole"]}
BEHIND = {"endpoint": [], "endpoint-each": ["hold_each"], "endpoint-caller": [ASKS]}


@pytest.fixture(scope="module")
def small(module_factory, up):
    """Whole bodies of at most 1,000 bytes, behind filters that wait with the head or with the body."""
    routes = [route(name, predicates={"host": f"{name}.test", "path": "/**"}, filters=filters)
              for name, filters in ALONE.items()]
    routes += [route(name, predicates={"host": f"{name}.test", "path": "/**"}, filters=filters,
                     endpoint={"whole_origin": {}}) for name, filters in BEHIND.items()]
    return module_factory.gateway(config(routes, {"up": [up.address]}, limits={"body_buffer": "1000", "body": "0"},
                                         plugins=["caller", "jitter", "whole", "waits", "holder", "origin"]))


@pytest.mark.parametrize("as_chunks", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("name", [*ALONE, *BEHIND])
def test_limit_of_a_whole_body_however_it_comes(small, up, name, as_chunks):
    up.on("/asked", lambda c, r: c.answer(200, b"yes"))
    for size, status in ((0, 200), (999, 200), (1000, 200), (1001, 413), (60_000, 413)):
        with small.client() as c:
            assert c.post("/echo", pattern(size), chunked=as_chunks, host=f"{name}.test").status == status, size


@pytest.mark.parametrize("name", ["caller", "far", "endpoint-caller"])
def test_what_is_sent_while_a_filter_waits_before_a_whole_body(small, up, name):
    """It stays with the client."""
    asked = threading.Event()
    up.on("/asked", lambda c, r: (asked.wait(20), c.answer(200, b"yes")))
    with small.client(timeout=0.5) as c:
        c.send(f"POST / HTTP/1.1\r\nHost: {name}.test\r\nContent-Length: 1000000000\r\n\r\n")
        sent = 0
        with pytest.raises(socket.timeout):
            while sent < 64_000_000:
                sent += c.sock.send(bytes(65536))
        asked.set()
        c.sock.settimeout(20)
        assert c.response().status == 413
