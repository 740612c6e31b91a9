"""What Thrift's transports put around a message: THeader, TTHeader and HTTP, read from requests and written to answers.
Written by hand and as plain as can be, as thrift_peer.py is."""
import struct
import zlib

STRINGS, NUMBERS, TOKEN = 1, 0x10, 0x11


def padded(data):
    return data + b"\0" * (-len(data) % 4)


def frame(magic, sequence, header, payload):
    header = padded(header)
    return struct.pack(">IHHIH", 10 + len(header) + len(payload), magic, 0, sequence, len(header) // 4) + header + payload


def text(value):
    value = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(value)) + value


class THeader:
    """packed: the answer is compressed."""

    def __init__(self, sequence=0, protocol=0, packed=False):
        self.sequence, self.protocol, self.packed = sequence, protocol, packed

    def wrap(self, data, sequence=None):
        header = bytes([self.protocol, 1, 1] if self.packed else [self.protocol, 0]) + b"\1\1\1k\1v"
        sequence = self.sequence if sequence is None else sequence
        return frame(0x0fff, sequence & 0xffffffff, header, zlib.compress(data) if self.packed else data)

    @staticmethod
    def read(sequence, header, payload):
        protocol, count = header[:2]
        assert count < 2 and (not count or header[2] == 1), header
        packed = count == 1
        return THeader(sequence, protocol, packed), zlib.decompress(payload) if packed else payload


class TTHeader:
    """strings and numbers: the entries of the request; extra: bytes of the answer's header as they are."""

    def __init__(self, sequence=0, framed=False, strings=None, numbers=None):
        self.sequence, self.framed, self.strings, self.numbers = sequence, framed, strings or {}, numbers or {}

    def wrap(self, data, sequence=None, strings=None, numbers=None, extra=b""):
        header = b"\0\0" + extra
        for kind, entries in ((STRINGS, strings or {}), (NUMBERS, {22: "2"} if numbers is None else numbers)):
            header += struct.pack(">BH", kind, len(entries)) + b"".join(
                (text(k) if kind == STRINGS else struct.pack(">H", k)) + text(v) for k, v in entries.items())
        payload = struct.pack(">i", len(data)) + data if self.framed else data
        sequence = self.sequence if sequence is None else sequence
        return frame(0x1000, sequence & 0xffffffff, header, payload)

    @staticmethod
    def read(sequence, header, payload):
        assert header[1] == 0, header
        at, found = 2, {STRINGS: {}, NUMBERS: {}}

        def take():
            nonlocal at
            size, = struct.unpack_from(">H", header, at)
            at += 2 + size
            return header[at - size:at]
        while at < len(header):
            kind = header[at]
            at += 1
            if not kind:
                continue
            count, = struct.unpack_from(">H", header, at)
            at += 2
            for _ in range(count):
                if kind == STRINGS:
                    key = take().decode()
                else:
                    key, = struct.unpack_from(">H", header, at)
                    at += 2
                assert key not in found[kind], key
                found[kind][key] = take().decode("latin-1")
        framed = payload[0] == 0
        if framed:
            assert struct.unpack(">i", payload[:4])[0] == len(payload) - 4
        return TTHeader(sequence, framed, found[STRINGS], found[NUMBERS]), payload[4 * framed:]


class Http:
    """line and headers: of the request. chunked: True for one chunk, or the size of chunks."""

    def __init__(self, line=None, headers=None):
        self.line, self.headers = line, headers

    def wrap(self, data, status="200 OK", chunked=False, headers=()):
        head = [f"HTTP/1.1 {status}", "Content-Type: application/x-thrift", *headers]
        head.append("Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(data)}")
        size = len(data) if chunked is True else chunked
        body = data if not chunked else b"0\r\n\r\n".join([b"".join(
            b"%x\r\n%b\r\n" % (len(data[i:i + size]), data[i:i + size]) for i in range(0, len(data), size)), b""])
        return "\r\n".join(head).encode() + b"\r\n\r\n" + body

    @staticmethod
    def read(read, head):
        while not head.endswith(b"\r\n\r\n"):
            head += read(1)
        line, *fields = head.decode().split("\r\n")[:-2]
        headers = dict(field.split(": ", 1) for field in fields)
        return Http(line, headers), read(int(headers["Content-Length"]))


def read_frame(read, head):
    """head: its first five bytes. (transport, the message)."""
    head += read(9)
    length, magic, flags, sequence, size = struct.unpack(">IHHIH", head)
    assert flags == 0 and magic in (0x0fff, 0x1000)
    header = read(4 * size)
    return (THeader if magic == 0x0fff else TTHeader).read(sequence, header, read(length - 10 - 4 * size))
