"""Thrift's compact and JSON protocols, slowly: what the gateway's are compared with. Values are written by Debian's Thrift
library, taught the type uuid, which it lacks, and the escapes of control characters, without which its JSON is none. They
are read by the plain readers below, because the library takes much that is wrong."""
import json
import re
import struct

from thrift.protocol import TCompactProtocol, TJSONProtocol
from thrift.transport.TTransport import TMemoryBuffer

from . import slow_thrift
from .slow_thrift import FIXED, Bad, Decoder, More

UUID = 16
for i in range(32):
    TJSONProtocol.ESCAPE_CHAR_VALS.setdefault(chr(i), f"\\u{i:04x}")
TJSONProtocol.CTYPES[UUID] = "uid"
TCompactProtocol.CTYPES[UUID] = 13
NAMES = {name: wire for wire, name in TJSONProtocol.CTYPES.items()}


# ---- writing

class Compact(TCompactProtocol.TCompactProtocol):
    def writeUuid(self, data):
        self.trans.write(data)

    def writeText(self, data):
        self.writeBinary(data)


class Json(TJSONProtocol.TJSONProtocol):
    def writeUuid(self, data):
        self.writeString(str(slow_thrift.uuid.UUID(bytes=data)))

    def writeText(self, data):
        self.writeString(data.decode(errors="replace"))

    def writeDouble(self, value):
        words = {float("inf"): "Infinity", -float("inf"): "-Infinity"}
        if value != value or value in words:
            self.writeString(words.get(value, "NaN"))
        else:
            super().writeDouble(value)


class Writer:
    """Writes a struct that is given in binary; `type`, where it is known, tells text from bytes."""

    def __init__(self, protocol, data):
        self.out, self.source = protocol, Decoder(data, slow_thrift.Rules())

    def value(self, wire, type):
        take, out = self.source.take, self.out
        if wire == 2:
            out.writeBool(take(1) == b"\1")
        elif wire == 3:
            out.writeByte(struct.unpack(">b", take(1))[0])
        elif wire == 4:
            out.writeDouble(struct.unpack(">d", take(8))[0])
        elif wire in FIXED and wire != UUID:
            {6: out.writeI16, 8: out.writeI32, 10: out.writeI64}[wire](int.from_bytes(take(FIXED[wire]), "big",
                                                                                    signed=True))
        elif wire == UUID:
            out.writeUuid(bytes(take(16)))
        elif wire == 11:
            data = bytes(self.source.string())
            (out.writeText if type and type.kind == "string" else out.writeBinary)(data)
        elif wire == 12:
            self.record(type and type.record)
        else:
            self.container(wire, type)

    def record(self, record):
        self.out.writeStructBegin("")
        while found := self.source.field():
            wire, id = found
            field = record.by_id.get(id) if record else None
            self.out.writeFieldBegin("", wire, id)
            self.value(wire, field.type if field and field.type.wire == wire else None)
            self.out.writeFieldEnd()
        self.out.writeFieldStop()
        self.out.writeStructEnd()

    def container(self, wire, type):
        types, count = self.source.counted(wire)
        known = [t if t and t.wire == w else None for t, w in zip(([type.key] if wire == 13 else []) + [type.value]
                                                                 if type else [None] * 2, types)]
        if any(t not in NAMES.values() for t in types):
            if count:
                raise Bad("no type")
            types = [3] * len(types)
        if wire == 13:
            self.out.writeMapBegin(types[0], types[1], count)
        else:
            (self.out.writeListBegin if wire == 15 else self.out.writeSetBegin)(types[0], count)
        for _ in range(count):
            for t, k in zip(types, known):
                self.value(t, k)
        {13: self.out.writeMapEnd, 14: self.out.writeSetEnd, 15: self.out.writeListEnd}[wire]()


def write(encoding, record, data):
    """The struct, as far as the binary data goes and is right; in JSON with the bracket behind the message."""
    if encoding == "binary":
        return data
    buffer = TMemoryBuffer()
    protocol = (Compact if encoding == "compact" else Json)(buffer)
    try:
        Writer(protocol, data).record(record)
    except (Bad, More):
        return buffer.getvalue()
    return buffer.getvalue() + (b"]" if encoding == "json" else b"")


# ---- reading compact

COMPACT = {1: 2, 2: 2, 3: 3, 4: 6, 5: 8, 6: 10, 7: 4, 8: 11, 9: 15, 10: 14, 11: 13, 12: 12, 13: 16}


class CompactReader:
    """Makes binary of it; `out` has what came before an error."""

    def __init__(self, data):
        self.data, self.at, self.out = data, 0, bytearray()

    def take(self, size):
        if len(self.data) - self.at < size:
            raise More
        self.at += size
        return self.data[self.at - size:self.at]

    def varint(self, bits):
        value = 0
        for shift in range(0, 70 if bits == 64 else 35, 7):
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            if shift == 63 and byte & 127 > 1:
                raise Bad("too long")
            if byte < 128:
                if value >= 1 << bits:
                    raise Bad("too large")
                return value
        raise Bad("too long")

    def zigzag(self, bits):
        value = self.varint(bits)
        return value >> 1 ^ -(value & 1)

    def record(self):
        last = 0
        while head := self.take(1)[0]:
            if head & 15 not in COMPACT:
                raise Bad("no type")
            last = last + (head >> 4) if head >> 4 else self.zigzag(16)
            if last > 32767:
                raise Bad("no id")
            wire = COMPACT[head & 15]
            self.out += struct.pack(">Bh", wire, last)
            if wire == 2:
                self.out.append(head & 15 == 1)
            else:
                self.value(wire)
        self.out.append(0)

    def value(self, wire):
        if wire == 2:
            byte = self.take(1)[0]
            if byte > 2:
                raise Bad("no bool")
            self.out.append(byte == 1)
        elif wire == 4:
            self.out += self.take(8)[::-1]
        elif wire in (6, 8, 10):
            self.out += self.zigzag(8 * FIXED[wire]).to_bytes(FIXED[wire], "big", signed=True)
        elif wire in FIXED:
            self.out += self.take(FIXED[wire])
        elif wire == 11:
            size = self.varint(31)
            self.out += struct.pack(">I", size) + self.take(size)
        elif wire == 12:
            self.record()
        else:
            self.container(wire)

    def container(self, wire):
        types = [0, 0]
        if wire == 13:
            count = self.varint(31)
            if count:
                byte = self.take(1)[0]
                types = [COMPACT.get(byte >> 4, 0), COMPACT.get(byte & 15, 0)]
        else:
            byte = self.take(1)[0]
            count, types = byte >> 4, [COMPACT.get(byte & 15, 0)]
            if count == 15:
                count = self.varint(31)
        if count and 0 in types:
            raise Bad("no type")
        self.out += bytes(types) + struct.pack(">I", count)
        for _ in range(count):
            for t in types:
                self.value(t)


# ---- reading JSON

class JsonReader:
    """Likewise, of a text that is JSON to its end, but may have control characters in strings; those that stand for bytes
    are still base64."""

    def __init__(self, data):
        self.out = bytearray()
        text = data.decode(errors="surrogateescape")
        decoder = json.JSONDecoder(object_pairs_hook=lambda pairs: ("object", pairs), parse_int=slow_thrift.number,
                                   parse_float=slow_thrift.number, parse_constant=self.constant, strict=False)
        try:
            self.tree, end = decoder.raw_decode(text, len(text) - len(text.lstrip(" \t\r\n")))
        except (ValueError, RecursionError):
            raise Bad("no JSON") from None
        rest = text[end:].lstrip(" \t\r\n")
        if rest[:1] != "]":
            raise Bad("no bracket")
        self.at = len(text[:len(text) - len(rest) + 1].encode(errors="surrogateescape"))

    def constant(self, word):
        return "word", word

    def expect(self, good):
        if not good:
            raise Bad("another form")

    def string(self, text):
        self.expect(isinstance(text, str))
        try:
            data = text.encode()
        except UnicodeEncodeError:
            raise Bad("no UTF-8") from None
        self.out += struct.pack(">I", len(data)) + data

    def members(self, tree):
        self.expect(isinstance(tree, tuple) and tree[0] == "object")
        return tree[1]

    def record(self, tree):
        for key, field in self.members(tree):
            self.expect(re.fullmatch("-?(0|[1-9][0-9]*)", key) and -32768 <= int(key) < 32768)
            field = self.members(field)
            self.expect(len(field) == 1 and field[0][0] in NAMES)
            self.out += struct.pack(">Bh", NAMES[field[0][0]], int(key))
            self.value(NAMES[field[0][0]], field[0][1])
        self.out.append(0)

    def number(self, value, wire):
        self.expect(isinstance(value, tuple) and value[0] == "number")
        text = value[1].encode()
        if wire == 4:
            number = float(text)
            self.expect(abs(number) != float("inf"))
            self.out += struct.pack(">d", number)
            return
        self.expect(re.fullmatch(rb"-?[0-9]+", text))
        number, size = int(text), FIXED[wire]
        self.expect(0 <= number <= 1 if wire == 2 else -1 << 8 * size - 1 <= number < 1 << 8 * size - 1)
        self.out += number.to_bytes(size, "big", signed=True)

    def scalar_text(self, wire, text):
        """A double or a key that stands as a string."""
        words = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": -float("inf"), "nan": float("nan"),
                 "inf": float("inf"), "-inf": -float("inf")}
        if wire == UUID:
            data = slow_thrift.decode_uuid(text.encode(errors="replace"))
            self.expect(data)
            self.out += data
        elif wire == 4 and text in words:
            self.out += struct.pack(">d", words[text])
        else:
            self.expect(wire in FIXED and slow_thrift.NUMBER.fullmatch(text.encode(errors="replace")))
            self.number(("number", text), wire)

    def value(self, wire, tree):
        if wire == 11:
            self.string(tree)
        elif wire == 12:
            self.record(tree)
        elif wire in FIXED:
            if isinstance(tree, str) and wire in (4, UUID):
                self.scalar_text(wire, tree)
            elif isinstance(tree, tuple) and tree[0] == "word":
                self.expect(wire == 4)
                self.scalar_text(wire, tree[1])
            else:
                self.number(tree, wire)
        else:
            self.container(wire, tree)

    def container(self, wire, tree):
        names = 2 if wire == 13 else 1
        self.expect(isinstance(tree, list) and len(tree) > names)
        self.expect(all(isinstance(name, str) and name in NAMES for name in tree[:names]))
        types = [NAMES[name] for name in tree[:names]]
        self.expect(isinstance(tree[names], tuple) and re.fullmatch("0|[1-9][0-9]*", tree[names][1]))
        count, rest = int(tree[names][1]), tree[names + 1:]
        self.expect(count < 1 << 31)
        self.out += bytes(types) + struct.pack(">I", count)
        if wire != 13:
            self.expect(len(rest) == count)
            for value in rest:
                self.value(types[0], value)
            return
        self.expect(len(rest) == 1)
        pairs = self.members(rest[0])
        self.expect(len(pairs) == count)
        for key, value in pairs:
            self.string(key) if types[0] == 11 else self.scalar_text(types[0], key)
            self.value(types[1], value)


class JsonDecoder(Decoder):
    """What JsonReader makes: bytes are still base64."""

    def scalar(self, type, is_key=False):
        if type.kind != "binary":
            return super().scalar(type, is_key)
        text = bytes(self.string())
        data = slow_thrift.decode_base64(text if b"=" in text else text + b"=" * (-len(text) % 4))
        if data is None:
            raise Bad("no base64")
        return slow_thrift.encode_base64(data, self.rules.url)


def to_json(encoding, method, data, rules):
    """As that of slow_thrift. Of JSON that ends too early it says "bad", too."""
    if encoding == "binary":
        return slow_thrift.to_json(method, data, rules)
    reader, ended = None, "ok"
    try:
        reader = CompactReader(data) if encoding == "compact" else JsonReader(data)
        reader.record() if encoding == "compact" else reader.record(reader.tree)
    except More:
        ended = "more"
    except Bad:
        ended = "bad"
    if reader is None:
        return (ended,)
    result = slow_thrift.to_json(method, bytes(reader.out), rules, JsonDecoder if encoding == "json" else Decoder)
    if result[0] == "bad" or ended == "ok":
        return result[:2] + (reader.at,) + result[3:] if result[0] == "ok" else ("bad",)
    return (ended,)
