"""A Thrift server of the service in idl/uuid.thrift, for the type that Debian's library does not know: written by hand
from the specification, in each encoding, framed. It answers every call with its first argument, and keeps what it read.

Values are as in thrift_peer, with UUIDs as uuid.UUID: a struct is a list of (id, type, value), a list (type, values), a map
(key type, value type, pairs). Types are those of the binary protocol."""
import json
import re
import struct
import uuid

from .thrift_peer import LIST, MAP, STRING, STRUCT, UUID, Listening

REPLY = 2


class Binary:
    """Writes into `out`, reads from `data`."""

    def __init__(self, data=b""):
        self.data, self.at, self.out = data, 0, b""

    def take(self, size):
        self.at += size
        assert self.at <= len(self.data)
        return self.data[self.at - size:self.at]

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def read_message(self):
        assert self.number(">I") == 0x80010001
        return self.read(STRING).decode(), self.number(">i"), self.read(STRUCT)

    def read(self, kind):
        if kind == UUID:
            return uuid.UUID(bytes=self.take(16))
        if kind == STRING:
            return self.take(self.number(">i"))
        if kind == LIST:
            item = self.number("b")
            return item, [self.read(item) for _ in range(self.number(">i"))]
        if kind == MAP:
            key, item = self.number("b"), self.number("b")
            return key, item, [(self.read(key), self.read(item)) for _ in range(self.number(">i"))]
        assert kind == STRUCT
        fields = []
        while kind := self.number("b"):
            number = self.number(">h")
            fields.append((number, kind, self.read(kind)))
        return fields

    def write_message(self, name, sequence, fields):
        self.out += struct.pack(">I", 0x80010000 | REPLY)
        self.write(STRING, name.encode())
        self.out += struct.pack(">i", sequence)
        self.write(STRUCT, fields)

    def write(self, kind, value):
        if kind == UUID:
            self.out += value.bytes
        elif kind == STRING:
            self.out += struct.pack(">i", len(value)) + value
        elif kind == LIST:
            self.out += struct.pack(">bi", value[0], len(value[1]))
            for item in value[1]:
                self.write(value[0], item)
        elif kind == MAP:
            self.out += struct.pack(">bbi", value[0], value[1], len(value[2]))
            for key, item in value[2]:
                self.write(value[0], key)
                self.write(value[1], item)
        else:
            for number, kind, item in value:
                self.out += struct.pack(">bh", kind, number)
                self.write(kind, item)
            self.out += b"\0"


class Compact(Binary):
    CODES = {STRING: 8, LIST: 9, MAP: 11, STRUCT: 12, UUID: 13}
    KINDS = {code: kind for kind, code in CODES.items()}

    def varint(self):
        byte = self.number("B")
        return byte & 0x7f | (self.varint() << 7 if byte & 0x80 else 0)

    def put_varint(self, value):
        while value > 0x7f:
            self.out += bytes([value & 0x7f | 0x80])
            value >>= 7
        self.out += bytes([value])

    def read_message(self):
        assert (self.number("B"), self.number("B")) == (0x82, 0x21)
        sequence = self.varint()
        return self.read(STRING).decode(), sequence, self.read(STRUCT)

    def read(self, kind):
        if kind == UUID:
            return super().read(kind)
        if kind == STRING:
            return self.take(self.varint())
        if kind == LIST:
            head = self.number("B")
            count = head >> 4 if head >> 4 < 15 else self.varint()
            return self.KINDS[head & 15], [self.read(self.KINDS[head & 15]) for _ in range(count)]
        if kind == MAP:
            count = self.varint()
            kinds = self.number("B") if count else 0
            key, item = (self.KINDS[kinds >> 4], self.KINDS[kinds & 15]) if count else (STRING, UUID)
            return key, item, [(self.read(key), self.read(item)) for _ in range(count)]
        fields, last = [], 0
        while head := self.number("B"):
            last = last + (head >> 4) if head >> 4 else self.varint() >> 1  # zigzag of what is not negative
            fields.append((last, self.KINDS[head & 15], self.read(self.KINDS[head & 15])))
        return fields

    def write_message(self, name, sequence, fields):
        self.out += bytes([0x82, 1 | REPLY << 5])
        self.put_varint(sequence)
        self.write(STRING, name.encode())
        self.write(STRUCT, fields)

    def write(self, kind, value):
        if kind == UUID:
            self.out += value.bytes
        elif kind == STRING:
            self.put_varint(len(value))
            self.out += value
        elif kind == LIST:
            code, count = self.CODES[value[0]], len(value[1])
            self.out += bytes([min(count, 15) << 4 | code])
            if count >= 15:
                self.put_varint(count)
            for item in value[1]:
                self.write(value[0], item)
        elif kind == MAP:
            self.put_varint(len(value[2]))
            if value[2]:
                self.out += bytes([self.CODES[value[0]] << 4 | self.CODES[value[1]]])
            for key, item in value[2]:
                self.write(value[0], key)
                self.write(value[1], item)
        else:
            for number, kind, item in value:  # in the long form, which readers know too
                self.out += bytes([self.CODES[kind]])
                self.put_varint(number << 1)
                self.write(kind, item)
            self.out += b"\0"


class Json:
    NAMES = {STRING: "str", LIST: "lst", MAP: "map", STRUCT: "rec", UUID: "uid"}
    KINDS = {name: kind for kind, name in NAMES.items()}

    def __init__(self, data=b""):
        self.data, self.out = data, b""

    def read_message(self):
        version, name, kind, sequence, fields = json.loads(self.data)
        assert (version, kind) == (1, 1)
        return name, sequence, self.read(STRUCT, fields)

    def read(self, kind, value):
        if kind == UUID:
            assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value)
            return uuid.UUID(value)
        if kind == STRING:
            return value.encode()
        if kind == LIST:
            item, count, *values = value
            assert count == len(values)
            return self.KINDS[item], [self.read(self.KINDS[item], v) for v in values]
        if kind == MAP:
            key, item, count, pairs = value
            assert count == len(pairs)
            return self.KINDS[key], self.KINDS[item], [
                (self.read(self.KINDS[key], k), self.read(self.KINDS[item], v)) for k, v in pairs.items()]
        return [(int(number), self.KINDS[name], self.read(self.KINDS[name], item))
                for number, field in value.items() for name, item in field.items()]

    def write_message(self, name, sequence, fields):
        self.out = json.dumps([1, name, REPLY, sequence, self.value(STRUCT, fields)]).encode()

    def value(self, kind, value):
        if kind == UUID:
            return str(value)
        if kind == STRING:
            return value.decode()
        if kind == LIST:
            return [self.NAMES[value[0]], len(value[1])] + [self.value(value[0], v) for v in value[1]]
        if kind == MAP:
            pairs = {self.value(value[0], k): self.value(value[1], v) for k, v in value[2]}
            return [self.NAMES[value[0]], self.NAMES[value[1]], len(pairs), pairs]
        return {str(number): {self.NAMES[kind]: self.value(kind, item)} for number, kind, item in value}


PROTOCOLS = {"binary": Binary, "compact": Compact, "json": Json}


class UuidPeer(Listening):
    def __init__(self, encoding):
        self.protocol, self.calls, self.errors = PROTOCOLS[encoding], [], []
        super().__init__()

    def serve(self, sock):
        with sock, sock.makefile("rb") as stream:
            try:
                while len(head := stream.read(4)) == 4:
                    self.answer(sock, self.protocol(stream.read(struct.unpack(">I", head)[0])))
            except OSError:
                pass
            except Exception as e:  # what the fixture reports
                self.errors.append(repr(e))

    def answer(self, sock, request):
        name, sequence, arguments = request.read_message()
        self.calls.append((name, arguments))
        reply = self.protocol()
        reply.write_message(name, sequence, [(0, kind, value) for _, kind, value in arguments[:1]])
        sock.sendall(struct.pack(">I", len(reply.out)) + reply.out)
