"""A recording upstream with a thread for each connection, whose behaviour the request's path chooses.

    /echo               JSON of the request: method, target, headers, raw head, size and sha256 of the body, trailers
    /bytes/N            N bytes of the pattern; ?chunked, ?close (no framing), ?trickle (small pieces), ?trailers
    /duplex             answers with the request's body, while it comes
    /status/N[?length]  an answer without a body
    /interim, /http10, /head-only-length
    /reset, /reset-head, /reset-body, /cut, /cut-chunked, /garbage, /close, /sleep/SECONDS, /early/N, /late-sink/N

A test may add its own: upstream.on("/path", function(connection, request)).
"""
import hashlib
import json
import random
import socket
import struct
import threading
import time
from urllib.parse import parse_qsl

from .client import Cut, Headers, Reader, parse_head
from .data import chunked, pattern, pieces


class Request:
    def __init__(self, line, headers, raw, connection):
        self.method, self.target, self.version = line.split(" ")
        self.path, _, query = self.target.partition("?")
        self.query = dict(parse_qsl(query, keep_blank_values=True))
        self.headers, self.raw, self.connection = headers, raw, connection
        self.size, self.digest, self.trailers, self.framing = 0, "", Headers(), "none"
        self.body = b""  # the first MiB

    def __repr__(self):
        return f"<{self.method} {self.target} {self.headers} {self.size} bytes>"


class Connection:
    def __init__(self, server, sock, number):
        self.server, self.sock, self.number = server, sock, number
        self.reader, self.keep = Reader(sock), True

    def send(self, data):
        self.sock.sendall(data if isinstance(data, (bytes, bytearray)) else data.encode("latin-1"))

    def trickle(self, data, seed=1, high=4096):
        for piece in pieces(data, seed, 1, high):
            self.sock.sendall(piece)

    def answer(self, status=200, body=b"", headers=(), reason="OK"):
        head = f"HTTP/1.1 {status} {reason}\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers)
        if status >= 200 and status not in (204, 304):
            head += f"Content-Length: {len(body)}\r\n"
        self.send(head.encode("latin-1") + b"\r\n" + body)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
        self.keep = False

    def close(self):
        self.keep = False

    def read_request(self):
        raw = self.reader.until(b"\r\n\r\n", "request head")
        line, headers = parse_head(raw[:-4])
        return Request(line, headers, raw, self.number)

    def body_pieces(self, request):
        """Yields the body as it comes."""
        coding, length = request.headers.get("Transfer-Encoding"), request.headers.get("Content-Length")
        if coding:
            request.framing = "chunked"
            yield from self.chunks(request)
        elif length:
            request.framing = "length"
            left = int(length)
            while left:
                if not self.reader.buffer:
                    self.reader.more("request body")
                piece = self.reader.exactly(min(left, len(self.reader.buffer)), "request body")
                left -= len(piece)
                yield piece

    def chunks(self, request):
        while True:
            size = int(self.reader.until(b"\r\n", "chunk size").split(b";")[0].strip(), 16)
            if not size:
                break
            yield self.reader.exactly(size, "chunk")
            assert self.reader.exactly(2, "chunk end") == b"\r\n"
        raw = b""
        while not raw.endswith(b"\r\n\r\n") and raw != b"\r\n":
            raw += self.reader.until(b"\r\n", "trailers")
        request.trailers = parse_head(b"\r\n" + raw)[1]

    def read_body(self, request, pause=0.0):
        digest, kept = hashlib.sha256(), bytearray()
        for piece in self.body_pieces(request):
            digest.update(piece)
            request.size += len(piece)
            kept += piece[:max(0, (1 << 20) - len(kept))]
            if pause:
                time.sleep(pause)
        request.digest, request.body = digest.hexdigest(), bytes(kept)


class Upstream:
    def __init__(self, address=None, receive_buffer=None, host="127.0.0.1"):
        """Listens on any port of a host, or at a Unix path."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.socket(socket.AF_UNIX if address else family)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if receive_buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.listener.bind(address or (host, 0))
        self.listener.listen(512)
        self.port = None if address else self.listener.getsockname()[1]
        self.address = f"unix:{address}" if address else f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self.lock = threading.Lock()
        self.requests, self.connections, self.open, self.handlers, self.errors = [], 0, {}, {}, []
        self.stopping = False
        threading.Thread(target=self.accept, daemon=True).start()

    def on(self, path, handler):
        self.handlers[path] = handler

    def accept(self):
        while not self.stopping:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(60)
            with self.lock:
                self.connections += 1
                connection = Connection(self, sock, self.connections)
                self.open[connection.number] = connection
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            while connection.keep:
                request = connection.read_request()
                with self.lock:
                    self.requests.append(request)
                self.handle(connection, request)
        except (Cut, OSError):
            pass  # the gateway closed; what a test expects of that it asserts
        except Exception as e:  # a malformed request of the gateway's: the fixture reports it
            self.errors.append(repr(e))
        finally:
            with self.lock:
                self.open.pop(connection.number, None)
            connection.sock.close()

    def handle(self, connection, request):
        handler = self.handlers.get(request.path)
        if not handler:
            name = request.path.partition("/")[2].partition("/")[0].replace("-", "_")
            handler = getattr(self, "do_" + name, None) or self.do_echo
        handler(connection, request)

    def argument(self, request, index=2):
        parts = request.path.split("/")
        return parts[index] if len(parts) > index else "0"

    def wait_idle(self, count=0, seconds=10):
        """Waits until at most so many connections are open; returns how many are."""
        end = time.monotonic() + seconds
        while len(self.open) > count and time.monotonic() < end:
            time.sleep(0.01)
        return len(self.open)

    def drop_connections(self, seconds=10):
        """Closes every open connection, idle ones of pools included, and what is being opened meanwhile."""
        end = time.monotonic() + seconds
        while True:
            with self.lock:
                for connection in self.open.values():
                    try:
                        connection.sock.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass
            if not self.wait_idle(seconds=0.2) or time.monotonic() > end:
                return

    def close(self):
        self.stopping = True
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.drop_connections()

    # behaviours

    def do_echo(self, c, r):
        c.read_body(r)
        body = json.dumps({
            "method": r.method, "target": r.target, "version": r.version, "headers": list(r.headers),
            "raw": r.raw.decode("latin-1"), "size": r.size, "sha256": r.digest, "framing": r.framing,
            "trailers": list(r.trailers), "port": self.port, "connection": c.number,
            "body": r.body[:4096].decode("latin-1"),
        }).encode()
        if r.method == "HEAD":
            c.send(f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n")
        else:
            c.answer(200, body, [("Content-Type", "application/json")])

    do_sink = do_echo

    def do_slow_sink(self, c, r):
        c.read_body(r, pause=0.002)
        c.answer(200, json.dumps({"size": r.size, "sha256": r.digest}).encode())

    def do_late_sink(self, c, r):
        time.sleep(float(self.argument(r)))
        self.do_echo(c, r)

    def do_bytes(self, c, r):
        c.read_body(r)
        body = pattern(int(self.argument(r)))
        framed = body
        if "chunked" in r.query:
            head = "Transfer-Encoding: chunked\r\n"
            trailers = [("X-Checksum", "abc"), ("X-Second", "2")] if "trailers" in r.query else []
            head += "Trailer: X-Checksum, X-Second\r\n" if trailers else ""
            framed = chunked(body, 7, 1, int(r.query.get("high", "65536")), trailers)
        elif "close" in r.query:
            head = "Connection: close\r\n"
            c.close()
        else:
            head = f"Content-Length: {len(body)}\r\n"
        c.send(f"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n{head}\r\n")
        if r.method == "HEAD":
            return
        if "trickle" in r.query:
            c.trickle(framed, 11, int(r.query["trickle"] or 4096))
        else:
            c.send(framed)

    def do_duplex(self, c, r):
        c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        digest = hashlib.sha256()
        for piece in c.body_pieces(r):
            digest.update(piece)
            r.size += len(piece)
            c.send(b"%x\r\n" % len(piece) + piece + b"\r\n")
        r.digest = digest.hexdigest()
        c.send("0\r\n\r\n")

    def do_status(self, c, r):
        c.read_body(r)
        status = int(self.argument(r))
        headers = [("Content-Length", r.query["length"])] if "length" in r.query else []
        if status in (204, 304):
            c.send(f"HTTP/1.1 {status} X\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers) + "\r\n")
        else:
            c.answer(status, b"", reason="Chosen")

    def do_interim(self, c, r):
        c.send("HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
        time.sleep(0.02)
        c.read_body(r)
        c.answer(200, b"after hints")

    def do_continue(self, c, r):
        c.send("HTTP/1.1 100 Continue\r\n\r\n")
        self.do_echo(c, r)

    def do_http10(self, c, r):
        c.read_body(r)
        c.send("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        c.send(pattern(int(self.argument(r))))
        c.close()

    def do_reset(self, c, r):
        c.read_body(r)
        c.reset()

    def do_reset_head(self, c, r):
        c.read_body(r)
        c.send("HTTP/1.1 200 OK\r\nContent-Le")
        time.sleep(0.05)
        c.reset()

    def do_reset_body(self, c, r):
        c.read_body(r)
        c.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + "x" * 100)
        time.sleep(0.05)
        c.reset()

    def do_close(self, c, r):
        c.read_body(r)
        c.close()

    def do_cut(self, c, r):
        c.read_body(r)
        c.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + "x" * 100)
        c.close()

    def do_cut_chunked(self, c, r):
        c.read_body(r)
        c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n" + "x" * 100 + "\r\n")
        c.close()

    def do_bad_chunk(self, c, r):
        c.read_body(r)
        c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense\r\n")
        c.close()

    def do_garbage(self, c, r):
        c.read_body(r)
        c.send("this is not HTTP at all\r\n\r\n")
        c.close()

    def do_huge_head(self, c, r):
        c.read_body(r)
        c.send("HTTP/1.1 200 OK\r\n" + "X-Filler: " + "y" * 1000000 + "\r\nContent-Length: 0\r\n\r\n")

    def do_both(self, c, r):
        """Two framings at once."""
        c.read_body(r)
        c.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")

    def do_sleep(self, c, r):
        c.read_body(r)
        time.sleep(float(self.argument(r)))
        c.answer(200, b"awake")

    def do_half_then_sleep(self, c, r):
        c.read_body(r)
        c.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + "x" * 100)
        time.sleep(float(self.argument(r)))

    def do_early(self, c, r):
        """Answers before the body was read, then reads it."""
        c.answer(int(self.argument(r)), b"early")
        c.read_body(r)

    def do_early_close(self, c, r):
        """Answers before the body was read, and closes."""
        c.answer(int(self.argument(r)), b"early", [("Connection", "close")])
        time.sleep(0.05)
        c.close()

    def do_vanish_in_body(self, c, r):
        """Reads some of the body, then resets."""
        seen = 0
        for piece in c.body_pieces(r):
            seen += len(piece)
            if seen >= 1000:
                break
        c.reset()


def closed_port():
    """A port nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def random_body(size, seed):
    return random.Random(seed).randbytes(size)
