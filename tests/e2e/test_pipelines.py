"""Random pipelines of valid requests through every kind of filter, while configs are reloaded: clients that send in
pieces, leave in the middle or reset, instances that answer early, late, in pieces, with interim ones, cut or reset.
A client gets the answers to its own requests, in order and whole; an instance sees a request once (twice where it may
be sent again) with the body it was sent with; afterwards no connection is left. Five minutes under --long."""
import asyncio
import os
import random
import socket
import struct

import pytest
from support.config import config, respond, route
from support.gateway import SLOW, eventually

SECONDS = 300 if os.environ.get("GW_LONG") else 5
CLIENTS = 16
FAULTS = {"reset_first", "close_first", "cut", "reset", "early"}  # of an instance: the answer is a 502, or not whole
HABITS = {"slow": .1, "interim": .1, "204": .05, "304": .05, "chunked": .25, "until_close": .05, "bye": .05,
          "pieces": .2, "cut": .03, "reset": .03, "reset_first": .02, "close_first": .02, "early": .04}
METHODS = ["GET", "GET", "GET", "HEAD", "POST", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "FOO"]
REPEATED = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"}
PLACES = ["request", "request_body", "response", "response_body"]
HOLDS = [{"holder": {"where": where, "after": "2ms"}} for where in PLACES]
FILTERS = {
    "plain": [], "jitter": [{"jitter": {"seed": 3}}, {"jitter": {"seed": 5}}], "whole": ["whole"], "hold": HOLDS,
    "each": ["hold_each", {"jitter": {"seed": 3}}, "hold_each"], "busy": [{"busy": {}}, {"jitter": {"seed": 3}}],
    "ask": [{"caller": {"service": "up"}}, {"jitter": {"seed": 1}}], "late": ["late_header"],
    "all": [{"caller": {"service": "up"}}, {"busy": {}}, *HOLDS, "whole", "hold_each"],
}


def content(tag, size):
    unit = f"<{tag}>".encode()
    return (unit * (size // len(unit) + 1))[:size]


def reset(writer):
    sock = writer.transport.get_extra_info("socket")
    if sock and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def read_head(reader):
    """The start line and the fields, their names in small letters."""
    lines = (await reader.readuntil(b"\r\n\r\n"))[:-4].decode("latin-1").split("\r\n")
    return lines[0], {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}


async def read_chunked(reader):
    out = bytearray()
    while True:
        size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
        if not size:
            break
        out += await reader.readexactly(size)
        assert await reader.readexactly(2) == b"\r\n"
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass
    return bytes(out)


def chunks(rng, data, extensions=("",)):
    out, at = bytearray(), 0
    while at < len(data):
        piece = data[at:at + rng.randrange(1, max(2, len(data)))]
        out += f"{len(piece):x}{rng.choice(extensions)}\r\n".encode() + piece + b"\r\n"
        at += len(piece)
    return bytes(out) + b"0\r\n" + rng.choice([b"", b"X-Trailer: 1\r\n"]) + b"\r\n"


async def send_pieces(rng, writer, data, most):
    for at in range(0, len(data), most):
        writer.write(data[at:at + most])
        await writer.drain()
        await asyncio.sleep(rng.choice([0, 0, 0.0005]) if most < len(data) else 0)


class Instance:
    """What it does is in the request, by X-Do."""

    def __init__(self):
        self.seen = {}  # tag -> method and body of each time

    async def serve(self, reader, writer):
        try:
            while await self.answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def answer(self, reader, writer):
        line, fields = await read_head(reader)
        method, tag, do = line.split(" ")[0], fields.get("x-tag", ""), fields.get("x-do", "").split(",")
        rng, entry = random.Random(tag), [method, None]
        self.seen.setdefault(tag, []).append(entry)
        if "reset_first" in do:
            reset(writer)
            return False
        if "early" not in do:
            chunked = "transfer-encoding" in fields
            length = int(fields.get("content-length", 0))
            entry[1] = await (read_chunked(reader) if chunked else reader.readexactly(length))
        await asyncio.sleep(rng.random() * 0.03 if "slow" in do else 0)
        if "close_first" in do:
            return False
        for _ in range(rng.randrange(1, 5) if "interim" in do else 0):
            writer.write(rng.choice([b"HTTP/1.1 103 Early Hints\r\nX-I: 1\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"]))
        data, last = self.compose(rng, method, tag, do, int(fields.get("x-size", 0)))
        whole = data[:rng.randrange(len(data))] if "cut" in do or "reset" in do else data
        most = rng.randrange(1, 20000) if "pieces" in do and len(data) > 5000 else 1 << 20
        await send_pieces(rng, writer, whole, most)
        if "reset" in do:
            reset(writer)
        return not last and whole is data

    def compose(self, rng, method, tag, do, size):
        status = 204 if "204" in do else 304 if "304" in do else 200
        last = not {"bye", "until_close", "early"}.isdisjoint(do)
        head = f"HTTP/1.1 {status} X\r\nX-Tag: {tag}\r\n" + "Connection: close\r\n" * last
        body = content(tag, size) if status == 200 and method != "HEAD" else b""
        if status == 200 and "chunked" in do:
            head += "Transfer-Encoding: chunked\r\n"
            body = chunks(rng, body) if method != "HEAD" else b""
        elif status == 200 and "until_close" not in do:
            head += f"Content-Length: {size}\r\n"
        return head.encode() + b"\r\n" + body, last


class Request:
    def __init__(self, rng, tag, last):
        self.tag, self.method, self.name = tag, rng.choice(METHODS), rng.choice([*FILTERS, "own"])
        self.do = {habit for habit, chance in HABITS.items() if rng.random() < chance}
        self.size = rng.choice([0, 1, 10, 300, 300, 5000, 70_000, 300_000])
        self.old = last and rng.random() < .15
        self.body = content(tag, rng.choice([0, 1, 10, 500, 8192, 65536, 70_000, 200_000]))
        if self.method in ("GET", "HEAD", "OPTIONS") and rng.random() < .9:
            self.body = b""
        fields = ["Host: " + rng.choice(["a.test", "b.test:80"]), f"X-Tag: {tag}", f"X-Size: {self.size}",
                  "X-Do: " + ",".join(sorted(self.do))]
        fields += [f"X-{i}: {'v' * i}" for i in range(rng.choice([0, 0, 0, 40]))]
        more = ["Connection: upgrade\r\nUpgrade: websocket", 'If-None-Match: "x"', "Range: bytes=0-5"]
        fields += [field for field in more if rng.random() < .1]
        self.expects = last and self.body and not self.old and rng.random() < .3
        fields += ["Expect: 100-continue"] * bool(self.expects)
        fields += ["Connection: " + ("keep-alive" if self.old else "close")] * (last and rng.random() < .4)
        self.wire = self.body
        if self.body and not self.old and rng.random() < .5:
            fields.append("Transfer-Encoding: chunked")
            self.wire = chunks(rng, self.body, ["", ";a=b", ';q="x y"'])
        elif self.body or rng.random() < .3:
            fields.append(f"Content-Length: {len(self.body)}")
        rng.shuffle(fields)
        line = f"{self.method} /{self.name}/{tag}{rng.choice(['', '?q=1'])} HTTP/1.{int(not self.old)}\r\n"
        self.head = (line + "\r\n".join(fields) + "\r\n\r\n").encode()

    def check_answer(self, status, fields, body):
        told = f"{self.method} {self.name} {self.tag} {self.do}: {status} {fields} {body[:200]}"
        nothing = self.method == "HEAD" or status in (204, 304)
        if "x-tag" in fields:
            cut = {"cut", "until_close"} <= self.do  # which looks whole
            assert fields["x-tag"] == self.tag and (nothing or cut or body == content(self.tag, self.size)), told
        elif self.name == "own":
            assert status == 200 and (nothing or body == b"own"), told
        else:
            assert status == 502 and self.do & FAULTS, told

    def check_seen(self, seen):
        body = self.body.upper() + b"!" if self.name in ("whole", "all") else self.body
        assert len(seen) <= (2 if self.method in REPEATED else 1), f"{self.method} {self.tag} came {len(seen)} times"
        assert all(m == self.method and b in (None, body) for m, b in seen), f"{self.method} {self.name} {self.tag}"


async def read_answer(reader, request, go_on):
    while True:
        line, fields = await read_head(reader)
        go_on.set()
        status = int(line.split(" ")[1])
        assert status != 101 and not (status < 200 and request.old), line
        if status >= 200:
            break
    assert not {"content-length", "transfer-encoding"} <= fields.keys(), fields
    if request.method == "HEAD" or status in (204, 304):
        body = b""
    elif "transfer-encoding" in fields:
        body = await read_chunked(reader)
    elif "content-length" in fields:
        body = await reader.readexactly(int(fields["content-length"]))
    else:
        body = await reader.read()
    request.check_answer(status, fields, body)
    return "close" in fields.get("connection", "")


async def send(rng, writer, requests, go_on, leaves):
    data = b"".join(r.head + (b"" if r.expects else r.wire) for r in requests)
    most = rng.choice([1 << 24, rng.randrange(1, 30_000), 29 if len(data) < 6000 else 9000])
    await send_pieces(rng, writer, data[:rng.randrange(len(data) + 1)] if leaves else data, most)
    if leaves:
        await asyncio.sleep(rng.choice([0, 0.001, 0.02]))
        {"reset": lambda: reset(writer), "close": writer.close, "half": writer.write_eof}[leaves]()
    elif requests[-1].expects:
        await go_on.wait()
        await send_pieces(rng, writer, requests[-1].wire, most)


async def run_connection(rng, port, tags):
    """One connection; returns its requests."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    count, go_on = rng.choice([1, 1, 2, 3, 6, 12]), asyncio.Event()
    leaves = rng.choice([None] * 5 + ["reset", "close", "half"])
    requests = [Request(rng, f"q{next(tags)}", i == count - 1) for i in range(count)]
    left = list(requests)
    sending = asyncio.ensure_future(send(rng, writer, requests, go_on, leaves))
    try:
        while left:
            go_on.clear()
            last = await asyncio.wait_for(read_answer(reader, left[0], go_on), 30 * SLOW)
            del left[0]
            if last:
                assert not await asyncio.wait_for(reader.read(1), 30 * SLOW), "bytes behind the last answer"
                break
    except (asyncio.IncompleteReadError, ConnectionError) as error:  # a reset takes answers along that are not read yet
        assert leaves or any(r.do & FAULTS for r in left), f"{error!r} in place of the answer to {left[0].head}"
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        reset(writer) if rng.random() < .3 else writer.close()
    return requests


def make_config(rng, ports, number):
    routes = [route(name, path=f"/{name}/**", filters=filters) for name, filters in FILTERS.items()]
    routes.append(route("own", path="/own/**", endpoint=respond("own")))
    routes += [route(f"more{i}", path=f"/more{number}/{i}", endpoint=respond()) for i in range(rng.randrange(50))]
    used = rng.sample(ports, rng.randrange(1, len(ports) + 1))
    return config(routes, {"up": [f"127.0.0.1:{port}" for port in used]}, workers=2,
                  listeners=["127.0.0.1:0"] * (1 + number % 2),
                  plugins=["jitter", "whole", "holder", "waits", "caller"],
                  decorators=[{"access_log": {"path": "access.log"}}, {"errors": {"format": "problem"}}],
                  timeouts={"stall": "20s", "response": "20s"})


async def drive(gateway, rng):
    loop, instance, tags = asyncio.get_running_loop(), Instance(), iter(range(1 << 40))
    servers = [await asyncio.start_server(instance.serve, "127.0.0.1", 0, limit=1 << 20) for _ in range(3)]
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    gw = gateway(make_config(rng, ports, 0))
    end, done = loop.time() + SECONDS, []

    async def client(seed):
        own = random.Random(seed)
        while loop.time() < end:
            done.append((loop.time(), await run_connection(own, gw.port, tags)))
            while done and (done[0][0] < loop.time() - 5 * SLOW):
                for request in done.pop(0)[1]:
                    request.check_seen(instance.seen.pop(request.tag, []))

    async def reload():
        number = 0
        while loop.time() < end:
            await asyncio.sleep(rng.random())
            number += 1
            answer = await loop.run_in_executor(None, gw.reload, make_config(rng, ports, number))
            assert answer.status == 200, answer.body
    await asyncio.gather(reload(), *(client(rng.random()) for _ in range(CLIENTS)))

    def idle():
        return all(w["connections"] == w["active"] == 0 for w in gw.status()["workers"])
    await loop.run_in_executor(None, lambda: eventually(idle, 20, "the end of all connections"))
    for _, requests in done:
        for request in requests:
            request.check_seen(instance.seen.pop(request.tag, []))
    return gw


@pytest.mark.timeout(SECONDS + 120 * SLOW)
def test_random_pipelines(gateway):
    seed = int(os.environ.get("GW_SEED", 0)) or random.randrange(1, 1 << 32)
    print(f"GW_SEED={seed}")
    gw = asyncio.run(drive(gateway, random.Random(seed)))
    assert len(gw.log()) > 20 * SECONDS / SLOW
