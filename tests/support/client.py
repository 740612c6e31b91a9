"""A raw HTTP/1.1 client: sends exactly the bytes it is given and reads answers to their end."""
import json
import socket
import struct
import threading
import time

from . import data as bodies

TIMEOUT = 20


class Cut(Exception):
    """The connection ended within an answer. `partial` holds what had come."""

    def __init__(self, what, partial=b""):
        super().__init__(f"cut {what}, after {len(partial)} bytes: {bytes(partial[:200])!r}")
        self.partial = bytes(partial)


class Headers(list):
    """(name, value) pairs in the order received."""

    def all(self, name):
        return [v for n, v in self if n.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return ", ".join(values) if values else default

    def __contains__(self, name):
        return bool(self.all(name))


class Response:
    def __init__(self, status, reason, version, headers, raw_head):
        self.status, self.reason, self.version = status, reason, version
        self.headers, self.raw_head = headers, raw_head
        self.body, self.trailers, self.interim = b"", Headers(), []
        self.framing = "none"  # or "length", "chunked", "close"
        self.chunks = []

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.reason} {self.headers} {self.body[:300]!r}>"


def parse_head(raw):
    lines = raw.decode("latin-1").split("\r\n")
    headers = Headers()
    for line in lines[1:]:
        if line:
            name, colon, value = line.partition(":")
            assert colon and name and name.strip() == name, f"bad field line {line!r}"
            headers.append((name, value.strip(" \t")))
    return lines[0], headers


class Reader:
    """Reads lines and counts of bytes from a socket."""

    def __init__(self, sock):
        self.sock, self.buffer, self.eof = sock, bytearray(), False

    def more(self, what):
        part = b"" if self.eof else self.sock.recv(262144)
        if not part:
            self.eof = True
            raise Cut(what, self.buffer)
        self.buffer += part

    def until(self, mark, what, limit=1 << 20):
        start = 0
        while True:
            at = self.buffer.find(mark, start)
            if at >= 0:
                out = bytes(self.buffer[:at + len(mark)])
                del self.buffer[:at + len(mark)]
                return out
            start = max(0, len(self.buffer) - len(mark) + 1)
            assert len(self.buffer) < limit, f"no end of {what} within {limit} bytes"
            self.more(what)

    def exactly(self, size, what):
        while len(self.buffer) < size:
            self.more(what)
        out = bytes(self.buffer[:size])
        del self.buffer[:size]
        return out

    def rest(self):
        try:
            while True:
                self.more("rest")
        except Cut:
            pass
        out = bytes(self.buffer)
        self.buffer.clear()
        return out

    def chunked(self, what, chunks=None):
        """Body and trailers; strict about the framing."""
        body = bytearray()
        while True:
            try:
                line = self.until(b"\r\n", what)
                size = int(line[:-2].split(b";")[0].strip(), 16)
                piece = self.exactly(size + 2, what) if size else b"\r\n"
            except Cut as e:
                raise Cut(what, bytes(body) + e.partial) from None
            assert piece.endswith(b"\r\n"), f"chunk of {what} is not ended by CRLF"
            if not size:
                break
            body += piece[:-2]
            if chunks is not None:
                chunks.append(size)
        trailers = bytearray()
        while not trailers.endswith(b"\r\n\r\n") and trailers != b"\r\n":
            trailers += self.until(b"\r\n", what + " trailers")
        return bytes(body), parse_head(b"\r\n" + bytes(trailers))[1]


class Client:
    def __init__(self, address, timeout=TIMEOUT, receive_buffer=None, source=None):
        """To a port of 127.0.0.1, a (host, port) of IPv6, or a Unix path; from `source`, another 127.x.y.z."""
        unix, v6 = isinstance(address, str), isinstance(address, tuple)
        self.sock = socket.socket(socket.AF_UNIX if unix else socket.AF_INET6 if v6 else socket.AF_INET)
        if source:
            self.sock.bind((source, 0))
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(timeout)
        self.sock.connect(address if unix or v6 else ("127.0.0.1", address))
        if not unix:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = Reader(self.sock)

    # sending

    def send(self, data):
        self.sock.sendall(data if isinstance(data, (bytes, bytearray)) else data.encode("latin-1"))
        return self

    def trickle(self, data, seed=None, low=1, high=1, delay=0.0):
        """Sends in pieces: of one byte, or of random sizes by the seed."""
        data = data if isinstance(data, bytes) else data.encode("latin-1")
        for piece in bodies.pieces(data, seed or 1, low, high):
            self.sock.sendall(piece)
            if delay:
                time.sleep(delay)
        return self

    def request(self, method="GET", target="/", headers=(), body=None, chunked=False, host="example.com", trailers=(),
                version="HTTP/1.1"):
        """Sends a well-formed request."""
        self.send(self.compose(method, target, headers, body, chunked, host, trailers, version))
        return self

    @staticmethod
    def compose(method="GET", target="/", headers=(), body=None, chunked=False, host="example.com", trailers=(),
                version="HTTP/1.1"):
        lines = [f"{method} {target} {version}"]
        if host is not None:
            lines.append(f"Host: {host}")
        lines += [f"{n}: {v}" for n, v in headers]
        payload = b""
        if chunked:
            lines.append("Transfer-Encoding: chunked")
            payload = bodies.chunked(body or b"", trailers=trailers)
        elif body is not None:
            lines.append(f"Content-Length: {len(body)}")
            payload = body
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + payload

    # reading

    def response(self, method="GET"):
        """The next final answer; interim ones before it are in its .interim."""
        interim = []
        while True:
            raw = self.reader.until(b"\r\n\r\n", "head")
            line, headers = parse_head(raw[:-4])
            version, _, rest = line.partition(" ")
            code, _, reason = rest.partition(" ")
            assert version in ("HTTP/1.1", "HTTP/1.0") and len(code) == 3, f"bad status line {line!r}"
            response = Response(int(code), reason, version, headers, raw)
            if response.status >= 200 or response.status == 101:
                break
            interim.append(response)
        response.interim = interim
        self.read_body(response, method)
        return response

    def read_body(self, response, method):
        coding, length = response.headers.get("Transfer-Encoding"), response.headers.get("Content-Length")
        assert not (coding and length), "both Transfer-Encoding and Content-Length"
        if method == "HEAD" or response.status in (204, 304):
            return
        if coding:
            assert coding.lower() == "chunked", f"Transfer-Encoding {coding}"
            response.framing = "chunked"
            response.body, response.trailers = self.reader.chunked("body", response.chunks)
        elif length is not None:
            response.framing = "length"
            response.body = self.reader.exactly(int(length), "body")
        else:
            response.framing = "close"
            response.body = self.reader.rest()

    def get(self, target="/", headers=(), method="GET", **kw):
        """Sends a request and reads its answer."""
        return self.request(method, target, headers, **kw).response(method)

    def post(self, target="/", body=b"", headers=(), **kw):
        """The same with a body, which is sent while the answer may already come."""
        data = self.compose("POST", target, headers, body, **kw)
        return self.both_ways(data)

    def both_ways(self, data, seed=None, low=1, high=65536, delay=0.0):
        """Sends data (in pieces, if there is a seed) on a thread while reading an answer."""
        def sending():
            try:
                if seed is None:
                    self.sock.sendall(data)
                else:
                    self.trickle(data, seed, low, high, delay)
            except OSError:
                pass  # the answer, or its absence, tells
        thread = threading.Thread(target=sending, daemon=True)
        thread.start()
        try:
            return self.response()
        finally:
            thread.join(TIMEOUT)

    def slow_rest(self, size, delay, limit):
        """Reads until `limit` bytes are there, what is buffered counted, in pieces of `size` with pauses."""
        got = bytes(self.reader.buffer)
        self.reader.buffer.clear()
        while len(got) < limit:
            part = self.sock.recv(min(size, limit - len(got)))
            if not part:
                break
            got += part
            time.sleep(delay)
        return got

    def closed(self, timeout=TIMEOUT):
        """True if the peer ends the connection without another byte."""
        self.sock.settimeout(timeout)
        try:
            return not self.reader.buffer and self.sock.recv(1) == b""
        except ConnectionResetError:
            return True
        except socket.timeout:
            return False

    def silent(self, seconds):
        """True if nothing comes, and the connection stays, for that long."""
        self.sock.settimeout(seconds)
        try:
            return not self.reader.buffer and self.sock.recv(1) == b"never"
        except socket.timeout:
            return True
        except ConnectionResetError:
            return False
        finally:
            self.sock.settimeout(TIMEOUT)

    # ending

    def reset(self):
        """Closes with a RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)
        return self

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
