"""A scripted Thrift server with a thread for each connection: binary in, strict or old, and
whatever the test says out.

Its codec is written by hand and as plain as can be, so that it shares no mistake with the gateway's. Structs are lists of
(id, type, value); lists are (type, values). Requests are read by what they say of themselves:

    peer.on("Call", lambda call: call.reply([(0, STRUCT, [(1, STRING, "hello")])]))

A method without a handler is answered with its first argument as its result.
"""
import fcntl
import socket
import struct
import termios
import threading
import time

from .client import Cut, Reader
from .data import pieces
from .thrift_transports import Http, read_frame

STOP, BOOL, I8, DOUBLE, I16, I32, I64, STRING, STRUCT, MAP, SET, LIST = 0, 2, 3, 4, 6, 8, 10, 11, 12, 13, 14, 15
UUID = 16
CALL, REPLY, EXCEPTION, ONEWAY = 1, 2, 3, 4
FIXED = {BOOL: ">b", I8: ">b", DOUBLE: ">d", I16: ">h", I32: ">i", I64: ">q", UUID: "16s"}


def encode(kind, value):
    if kind in FIXED:
        return struct.pack(FIXED[kind], value)
    if kind == STRING:
        data = value.encode() if isinstance(value, str) else value
        return struct.pack(">i", len(data)) + data
    if kind == STRUCT:
        return b"".join(struct.pack(">bh", k, i) + encode(k, v) for i, k, v in value) + b"\0"
    if kind == MAP:
        key, item, entries = value
        return struct.pack(">bbi", key, item, len(entries)) + b"".join(
            encode(key, k) + encode(item, v) for k, v in entries)
    item, values = value
    return struct.pack(">bi", item, len(values)) + b"".join(encode(item, v) for v in values)


def decode(read, kind):
    """read(n) gives exactly n bytes."""
    if kind in FIXED:
        return struct.unpack(FIXED[kind], read(struct.calcsize(FIXED[kind])))[0]
    if kind == STRING:
        return read(struct.unpack(">i", read(4))[0])
    if kind == STRUCT:
        fields = []
        while (k := read(1)[0]) != STOP:
            number = struct.unpack(">h", read(2))[0]
            fields.append((number, k, decode(read, k)))
        return fields
    if kind == MAP:
        key, item, count = struct.unpack(">bbi", read(6))
        return key, item, [(decode(read, key), decode(read, item)) for _ in range(count)]
    assert kind in (SET, LIST), f"type {kind}"
    item, count = struct.unpack(">bi", read(5))
    return item, [decode(read, item) for _ in range(count)]


def message(kind, name, sequence, body, strict=True):
    """body: a struct's fields, or bytes as they are."""
    name = name.encode() if isinstance(name, str) else name
    if not isinstance(body, bytes):
        body = encode(STRUCT, body)
    if not strict:
        return struct.pack(">i", len(name)) + name + struct.pack(">Bi", kind, sequence) + body
    return struct.pack(">Ii", 0x80010000 | kind, len(name)) + name + struct.pack(">i", sequence) + body


class Call:
    """One request and the ways to answer it."""

    transport = None  # of thrift_transports, if the request came in one

    def __init__(self, connection, framed, strict, kind, name, sequence, arguments):
        self.connection, self.framed, self.strict, self.kind, self.name = connection, framed, strict, kind, name
        self.sequence, self.arguments = sequence, arguments

    def argument(self, number=1):
        return next((v for i, _, v in self.arguments if i == number), None)

    def field(self, number=1, argument=1):
        return next((v for i, _, v in self.argument(argument) if i == number), None)

    def message(self, body=(), kind=REPLY, name=None, sequence=None, framed=None, strict=None, **around):
        """The answer's bytes; what is not said is right. around: for the transport."""
        data = message(kind, self.name if name is None else name, self.sequence if sequence is None else sequence, body,
                       self.strict if strict is None else strict)
        framed = self.framed if framed is None else framed
        data = struct.pack(">i", len(data)) + data if framed else data
        return self.transport.wrap(data, **around) if self.transport else data

    def reply(self, body=(), **kw):
        self.send(self.message(body, **kw))

    def fault(self, kind, text):
        self.reply([(1, STRING, text), (2, I32, kind)], kind=EXCEPTION)

    def send(self, data):
        self.connection.sock.sendall(data)

    def trickle(self, data, low=1, high=1, delay=0.0):
        for piece in pieces(data, 1, low, high):
            self.send(piece)
            time.sleep(delay)

    def wait_sent(self):
        """Waits until the other side's system has all of it: a reset takes back what has not left."""
        end, left = time.monotonic() + 10, True
        while left and time.monotonic() < end:
            left, = struct.unpack("i", fcntl.ioctl(self.connection.sock, termios.TIOCOUTQ, bytes(4)))
            time.sleep(0.001 if left else 0)

    def close(self):
        self.connection.keep = False
        try:
            self.connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def reset(self):
        self.connection.keep = False
        self.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.sock.close()


class Connection:
    def __init__(self, sock, number):
        self.sock, self.number, self.reader, self.keep = sock, number, Reader(sock), True

    def read_call(self):
        """The next request, or None at the end of the connection."""
        try:
            head = self.reader.exactly(4, "message")
        except Cut as cut:
            assert not cut.partial, cut
            return None
        if head[0] & 0x80:
            return self.parse(Counted(self.exactly, head))
        if head == b"POST":
            return self.parse_payload(Http.read(self.exactly, head))
        # The length of a frame or of a name, which has a letter where a framed message has its first byte.
        first = self.exactly(1)
        if first[0] in (0x0f, 0x10):
            return self.parse_payload(read_frame(self.exactly, head + first))
        if first[0] not in (0, 0x80):
            return self.parse(Counted(self.exactly, head + first))
        call, size = self.parse(Counted(self.exactly, first), True), struct.unpack(">i", head)[0]
        assert call.seen == size, f"a frame of {size} bytes, a message of {call.seen}"
        return call

    def exactly(self, n):
        return self.reader.exactly(n, "message") if n else b""

    def parse_payload(self, found):
        transport, payload = found
        call = self.parse(Counted(None, payload))
        assert call.seen == len(payload), f"a payload of {len(payload)} bytes, a message of {call.seen}"
        call.transport = transport
        return call

    def parse(self, read, framed=False):
        first, = struct.unpack(">I", read(4))
        strict = first >= 1 << 31
        assert first & 0xffffff00 == 0x80010000 if strict else first <= 4096, f"no message: {first:x}"
        name = (decode(read, STRING) if strict else read(first)).decode()
        kind = first & 0xff if strict else read(1)[0]
        call = Call(self, framed, strict, kind, name, decode(read, I32), decode(read, STRUCT))
        call.seen = read.seen
        return call


class Counted:
    """Reads exactly what it is asked for, and counts it; `ahead` has been read already."""

    def __init__(self, exactly, ahead):
        self.exactly, self.ahead, self.seen = exactly, ahead, 0

    def __call__(self, n):
        taken, self.ahead = self.ahead[:n], self.ahead[n:]
        self.seen += n
        return taken + (self.exactly(n - len(taken)) if len(taken) < n else b"")


class Listening:
    """What servers begin with: serve() runs on a thread for each connection, with what connected() makes of its socket."""

    def __init__(self, listener=None):
        self.connections = 0
        self.listener = listener or socket.create_server(("127.0.0.1", 0))
        host, port = ("unix", self.listener.getsockname()) if self.listener.family == socket.AF_UNIX \
            else self.listener.getsockname()[:2]
        self.address = f"[{host}]:{port}" if self.listener.family == socket.AF_INET6 else f"{host}:{port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(self.connected(sock),), daemon=True).start()

    def connected(self, sock):
        return sock

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)  # else accept() goes on, and takes what comes to the next with this number
        except OSError:
            pass
        self.listener.close()


class Peer(Listening):
    def __init__(self, receive_buffer=None, address=("127.0.0.1", 0)):
        """Listens on any port of a host, or at a Unix path."""
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        listener = socket.socket(family)
        if receive_buffer:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        listener.bind(address)
        listener.listen(128)
        self.lock = threading.Lock()
        self.handlers, self.calls, self.errors, self.open = {}, [], [], {}
        super().__init__(listener)

    def on(self, method, handler):
        self.handlers[method] = handler

    def connected(self, sock):
        sock.settimeout(60)
        connection = Connection(sock, self.connections)
        with self.lock:
            self.open[connection.number] = connection
        return connection

    def serve(self, connection):
        try:
            while connection.keep:
                call = connection.read_call()
                if not call:
                    break
                with self.lock:
                    self.calls.append(call)
                self.handlers.get(call.name, answer)(call)
        except (Cut, OSError):
            pass  # the gateway closed; what a test expects of that it asserts
        except Exception as e:  # a malformed request of the gateway's: the fixture reports it
            self.errors.append(repr(e))
        finally:
            connection.sock.close()
            with self.lock:
                self.open.pop(connection.number, None)

    def wait_open(self, count, seconds=10):
        """Waits until so many connections are open; returns how many are."""
        end = time.monotonic() + seconds
        while len(self.open) != count and time.monotonic() < end:
            time.sleep(0.005)
        return len(self.open)

    def drop_connections(self):
        with self.lock:
            for connection in self.open.values():
                try:
                    connection.sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        assert self.wait_open(0) == 0

    def reset(self):
        """As it was when it was made, for the next test with the same gateway."""
        self.handlers.clear()
        self.drop_connections()
        self.calls.clear()
        self.connections = 0

    def close(self):
        super().close()
        self.drop_connections()


def answer(call):
    """The first argument as the result; nothing where there is none, or no answer is wanted."""
    if call.kind == CALL:
        call.reply([(0, kind, value) for _, kind, value in call.arguments[:1]])
