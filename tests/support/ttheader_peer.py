"""A scripted Thrift server that speaks TTHeader, and keeps what stood in the headers it got: call.header. Its codec is
written by hand, so that it shares no mistake with the gateway's."""
import struct

from .client import Cut
from .thrift_peer import I32, STRING, STRUCT, Call, Connection, Peer, decode

STRINGS, NUMBERS, ACL = 0x01, 0x10, 0x11


class Header:
    """Read: strings and numbers are dicts, and each key must have stood there once. `blocks` has the kinds in order."""

    def __init__(self, data):
        magic, self.flags, self.sequence, size = struct.unpack(">HHIH", data[:10])
        assert magic == 0x1000, f"magic {magic:x}"
        self.payload, self.strings, self.numbers, self.blocks = data[10 + 4 * size:], {}, {}, []
        self.protocol, transforms = data[10], data[11]
        assert transforms == 0
        rest = data[12:10 + 4 * size]

        def take(format):
            nonlocal rest
            out = struct.unpack_from(format, rest)
            rest = rest[struct.calcsize(format):]
            return out[0]

        def text():
            nonlocal rest
            size = take(">H")
            assert len(rest) >= size
            out, rest = rest[:size].decode("latin-1"), rest[size:]
            return out

        while rest:
            kind = take(">B")
            if not kind:
                assert not rest.strip(b"\0") and len(rest) < 3, f"behind the entries: {rest!r}"
                break
            self.blocks.append(kind)
            into = {STRINGS: self.strings, NUMBERS: self.numbers}[kind]
            for _ in range(take(">H")):
                key = text() if kind == STRINGS else take(">H")
                assert key not in into, f"{key} twice"
                into[key] = text()


def text(value):
    value = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(value)) + value


def block(kind, entries):
    return struct.pack(">BH", kind, len(entries)) + b"".join(
        (text(key) if kind == STRINGS else struct.pack(">H", key)) + text(value) for key, value in entries.items())


def wrap(payload, sequence, *blocks, flags=0):
    """A payload behind a TTHeader of these blocks, which are bytes."""
    entries = b"\0\0" + b"".join(blocks)
    entries += bytes(-len(entries) % 4)
    header = struct.pack(">HHIH", 0x1000, flags, sequence, len(entries) // 4) + entries
    return struct.pack(">I", len(header) + len(payload)) + header + payload


class HeaderCall(Call):
    header = None

    def reply(self, body=(), blocks=(), **kw):
        self.send(wrap(self.message(body, **kw), self.header.sequence, *blocks))


class HeaderConnection(Connection):
    def read_call(self):
        try:
            size = self.reader.exactly(4, "header")
        except Cut as cut:
            assert not cut.partial, cut
            return None
        header = Header(self.reader.exactly(struct.unpack(">I", size)[0], "header"))
        data = header.payload
        framed = not data[0] & 0x80
        if framed:
            assert struct.unpack(">I", data[:4])[0] == len(data) - 4
            data = data[4:]

        def read(n):
            nonlocal data
            assert len(data) >= n
            out, data = data[:n], data[n:]
            return out

        version = struct.unpack(">I", read(4))[0]
        assert version & 0xffffff00 == 0x80010000, f"version {version:x}"
        name = decode(read, STRING).decode()
        call = HeaderCall(self, framed, True, version & 0xff, name, decode(read, I32), decode(read, STRUCT))
        call.header = header
        assert not data, f"{data!r} behind the message"
        return call


class HeaderPeer(Peer):
    connection = HeaderConnection
