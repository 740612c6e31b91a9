"""Calls in every encoding that the endpoint `thrift` has, unframed and framed; answers are understood in whichever they
come."""
import io
import json
import math
import struct

import pytest
from support import slow_encodings
from support.config import config, route
from support.thrift_peer import I64, LIST, STRING, STRUCT, Listening, Peer
from thrift.transport.TTransport import TFileObjectTransport, TMemoryBuffer

IDL = """
struct Item { 1: string text; 2: list<i64> numbers; 3: double ratio }
exception Broken { 1: string why }
service Echo { Item Call(1: Item item) throws (1: Broken broken); oneway void Tell(1: Item item) }
"""
BODY = {"text": "a\u20ac", "numbers": [1, -2, 1 << 40]}
ITEM = [(1, STRING, "a\u20ac".encode()), (2, LIST, (I64, [1, -2, 1 << 40]))]


@pytest.fixture
def pair(factory, tmp_path):
    (tmp_path / "idl").mkdir()
    (tmp_path / "idl" / "echo.thrift").write_text(IDL)
    peer = Peer()
    factory.upstreams.append(peer)

    def start(**options):
        rpc = {"thrift": {"service": "echo", "method": "{method}", **options}}
        gateway = factory.gateway(config([route("rpc", "/{method}", endpoint=rpc)],
                                         {"echo": {"instances": [peer.address], "pool": {"idle": 8}}},
                                         idl={"folder": str(tmp_path / "idl")}))
        client = gateway.client()
        return peer, lambda method, body: client.post("/" + method, json.dumps(body).encode())
    return start


@pytest.mark.parametrize("transport", ["unframed", "framed"])
def test_the_old_header(pair, transport):
    peer, post = pair(encoding="binary_old", transport=transport)
    assert post("Call", BODY).json == BODY
    call = peer.calls[0]
    assert (call.strict, call.framed, call.argument()) == (False, transport == "framed", ITEM)
    assert post("Tell", BODY).status == 202


@pytest.mark.parametrize("encoding", ["binary", "binary_old"])
@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("framed", [False, True])
def test_an_answers_form_is_its_own(pair, encoding, strict, framed):
    peer, post = pair(encoding=encoding)
    peer.on("Call", lambda call: call.trickle(call.message([(0, STRUCT, ITEM)], framed=framed, strict=strict)))
    assert post("Call", BODY).json == BODY
    peer.on("Call", lambda call: call.reply([(1, STRUCT, [(1, STRING, "no")])], framed=framed, strict=strict))
    assert post("Call", BODY).status == 422
    peer.on("Call", lambda call: call.fault(6, "no"))
    assert post("Call", BODY).status == 502
    assert peer.connections == 1


def test_wrong_answers_with_the_old_header(pair):
    peer, post = pair()
    for wrong in ({"name": "Call2"}, {"sequence": 99}, {"kind": 1}, {"kind": 7}):
        peer.on("Call", lambda call: call.reply([], strict=False, **wrong))
        assert post("Call", BODY).status == 502, wrong


# ---- compact and JSON: against Debian's Thrift library, and byte for byte

FORMS = {"compact": slow_encodings.Compact, "json": slow_encodings.Json}


def read_item(protocol):
    item = {}
    protocol.readStructBegin()
    while (field := protocol.readFieldBegin())[1] != 0:
        if field[2] == 1:
            item["text"] = protocol.readString() if type(protocol) is slow_encodings.Json else protocol.readBinary().decode()
        else:
            _, count = protocol.readListBegin()
            item["numbers"] = [protocol.readI64() for _ in range(count)]
            protocol.readListEnd()
        protocol.readFieldEnd()
    protocol.readStructEnd()
    return item


def varint(number):
    return bytes([number & 127 | 128]) + varint(number >> 7) if number > 127 else bytes([number])


class Library(Listening):
    """A server that answers each call by what `answer` is: ("item", …), ("broken", why), ("fault", type, text); in pieces of
    `piece` bytes. Its own encoding, and whether it frames, is that of the request unless `form` and `framed` say otherwise."""

    def __init__(self, encoding):
        self.encoding, self.answer, self.form, self.framed, self.piece = encoding, ("item", BODY), None, None, 1 << 20
        self.calls, self.errors = [], []
        self.late = b""  # answers to oneway calls, which come in front of the next one's
        super().__init__()

    def serve(self, sock):
        file = sock.makefile("rb")
        while head := file.peek(1)[:1]:
            framed = head == b"\0"
            data = io.BytesIO(file.read(struct.unpack(">I", file.read(4))[0])) if framed else file
            protocol = FORMS[self.encoding](TFileObjectTransport(data))
            name, kind, sequence = protocol.readMessageBegin()
            protocol.readStructBegin()
            assert protocol.readFieldBegin()[1:] == (12, 1)
            item = read_item(protocol)
            protocol.readFieldEnd()
            assert protocol.readFieldBegin()[1] == 0
            protocol.readStructEnd()
            protocol.readMessageEnd()
            assert not framed or data.read() == b""
            self.calls.append((name, kind, framed, item))
            if kind != 1:
                self.late += self.reply(name, sequence, framed)
            else:
                if self.answer[0] == "much":
                    self.send_much(sock, name, sequence)
                    continue
                data, self.late = self.late + self.reply(name, sequence, framed), b""
                for at in range(0, len(data), self.piece):
                    sock.sendall(data[at:at + self.piece])

    def send_much(self, sock, name, sequence):
        """An item of so many kibibytes of a text or of numbers (1024 of them 10 KiB), unframed."""
        _, what, count = self.answer
        buffer = TMemoryBuffer()
        FORMS[self.encoding](buffer).writeMessageBegin(name, 2, sequence)
        compact = self.encoding == "compact"
        if what == "text":
            chunk = b"0123456789abcdef" * 64
            size = varint(1024 * count)
            begin, end = (b"\x0c\0\x18" + size, b"\0\0") if compact else (b',{"0":{"rec":{"1":{"str":"', b'"}}}}]')
        else:
            chunk = b"\xff" * 9 + b"\x01" if compact else b",-9223372036854775808"
            chunk *= 1024
            begin, end = (b"\x0c\0\x29\xf6" + varint(1024 * count), b"\0\0") if compact else \
                (b',{"0":{"rec":{"2":{"lst":["i64",%d' % (1024 * count), b']}}}}]')
        sock.sendall(buffer.getvalue() + begin)
        for _ in range(0, count, 16):
            sock.sendall(chunk * 16)
        sock.sendall(end)

    def reply(self, name, sequence, framed):
        buffer, (kind, *what) = TMemoryBuffer(), self.answer
        protocol = FORMS[self.form or self.encoding](buffer)
        protocol.writeMessageBegin(name, 3 if kind == "fault" else 2, sequence)
        protocol.writeStructBegin("")
        if kind == "fault":
            for wire, id, write, value in ((8, 2, protocol.writeI32, what[0]), (11, 1, protocol.writeString, what[1])):
                protocol.writeFieldBegin("", wire, id)
                write(value)
                protocol.writeFieldEnd()
        else:
            protocol.writeFieldBegin("", 12, 0 if kind == "item" else 1)
            protocol.writeStructBegin("")
            protocol.writeFieldBegin("", 11, 1)
            protocol.writeString(what[0]["text"] if kind == "item" else what[0])
            protocol.writeFieldEnd()
            if kind == "item":
                protocol.writeFieldBegin("", 15, 2)
                protocol.writeListBegin(10, len(what[0]["numbers"]))
                for number in what[0]["numbers"]:
                    protocol.writeI64(number)
                protocol.writeListEnd()
                protocol.writeFieldEnd()
                if "ratio" in what[0]:
                    protocol.writeFieldBegin("", 4, 3)
                    super(type(protocol), protocol).writeDouble(what[0]["ratio"])  # Debian's own way
                    protocol.writeFieldEnd()
            protocol.writeFieldStop()
            protocol.writeStructEnd()
            protocol.writeFieldEnd()
        protocol.writeFieldStop()
        protocol.writeStructEnd()
        protocol.writeMessageEnd()
        data = buffer.getvalue()
        framed = framed if self.framed is None else self.framed
        return struct.pack(">I", len(data)) + data if framed else data


@pytest.fixture(params=list(FORMS))
def library(request, factory, tmp_path):
    (tmp_path / "idl").mkdir()
    (tmp_path / "idl" / "echo.thrift").write_text(IDL)
    peer = Library(request.param)
    factory.upstreams.append(peer)
    ways = [route(transport, "/" + transport + "/{method}", endpoint={"thrift": {
        "service": "echo", "method": "{method}", "encoding": request.param, "transport": transport}})
        for transport in ("unframed", "framed")]
    gateway = factory.gateway(config(ways, {"echo": {"instances": [peer.address], "pool": {"idle": 8}}},
                                     idl={"folder": str(tmp_path / "idl")},
                                     decorators=[{"errors": {"format": "problem"}}]))
    client = gateway.client()
    peer.gateway, peer.client = gateway, client
    peer.post = lambda target, body: client.post(target, json.dumps(body).encode())
    return peer


@pytest.mark.parametrize("transport", ["unframed", "framed"])
def test_calls_of_the_library(library, transport):
    for piece in (1 << 20, 1, 7):
        library.piece = piece
        assert library.post(f"/{transport}/Call", BODY).json == BODY
    assert library.calls == [("Call", 1, transport == "framed", BODY)] * 3
    assert library.post(f"/{transport}/Tell", BODY).status == 202
    assert library.post(f"/{transport}/Call", BODY).json == BODY
    assert library.calls[3] == ("Tell", 4, transport == "framed", BODY)
    assert library.connections == 1  # though it answers oneway calls, too
    assert library.post(f"/{transport}/Call", BODY).json == BODY
    assert library.connections == 2


@pytest.mark.parametrize("transport", ["unframed", "framed"])
def test_exceptions_of_the_library(library, transport):
    for piece in (1 << 20, 1):
        library.piece, library.answer = piece, ("broken", "no \u20ac")
        answer = library.post(f"/{transport}/Call", BODY)
        assert answer.status == 422 and '"no \u20ac"'.encode() in answer.body
        library.answer = ("fault", 6, "all is lost " * 200)
        answer = library.post(f"/{transport}/Call", BODY)
        assert answer.status == 502 and b"all is lost all is lost" in answer.body
        library.answer = ("fault", 1, "what?")
        assert library.post(f"/{transport}/Call", BODY).status == 404
    assert library.connections == 1


@pytest.mark.parametrize("form", list(FORMS))
@pytest.mark.parametrize("framed", [False, True])
def test_the_librarys_form_is_its_own(library, form, framed):
    library.form, library.framed = form, framed
    for piece in (1 << 20, 1):
        library.piece = piece
        assert library.post("/unframed/Call", BODY).json == BODY
        assert library.post("/framed/Call", BODY).json == BODY
    assert library.connections == 1


@pytest.mark.parametrize("value", [0.1, math.nan, math.inf, -math.inf])
def test_doubles_of_the_library(library, value):
    for piece in (1 << 20, 1):
        library.piece, library.answer = piece, ("item", {**BODY, "ratio": value})
        assert library.post("/unframed/Call", BODY).json == {**BODY, "ratio": value if value == 0.1 else None}
    assert library.connections == 1


def test_large_items_of_the_library(library):
    item = {"text": "\u20ac\"\\\n" * 100_000, "numbers": [(-7) ** (i % 23) for i in range(200_000)]}
    library.answer = ("item", item)
    assert library.post("/unframed/Call", item).json == item
    assert library.calls[0][3] == item


def size_of_body(sock):
    """Of a chunked answer, read without being kept."""
    total, tail = 0, b""
    while not tail.endswith(b"}\r\n0\r\n\r\n"):
        data = sock.recv(1 << 20)
        assert data
        total, tail = total + len(data), (tail + data)[-16:]
    return total


@pytest.mark.plain
@pytest.mark.parametrize("what", ["text", "numbers"])
def test_nothing_is_kept_of_a_large_answer(library, what):
    grown = []
    for count in [256, 256, (100 if what == "text" else 6) << 10]:
        before = library.gateway.rss_kib()
        library.answer = ("much", what, count)
        library.client.request("POST", "/unframed/Call", body=b"{}")
        size = size_of_body(library.client.sock)
        assert size > 1024 * count * (1 if what == "text" else 20)
        grown.append(library.gateway.rss_kib() - before)
    assert grown[-1] < 256, grown
