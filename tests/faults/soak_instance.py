"""An instance of test_soak.py's services, a process that can be killed: HTTP_PORT, THRIFT_PORT, RECORD.

GET /NUMBER/SIZE is answered with SIZE bytes of the pattern, a framed call with its one string; both after a pause, and
sometimes with another in the middle. RECORD gets a line "NUMBER USE" for each request that was read, the USE-th of its
connection, and "NUMBER 0" before its answer's first byte, so that it is known how far a request came when this died.
"""
import asyncio
import os
import random
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from support.data import pattern  # noqa: E402
from support.thrift_peer import I32, REPLY, STRING, STRUCT, decode, message  # noqa: E402

RECORD = os.open(sys.argv[3], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def note(number, use):
    os.write(RECORD, f"{number} {use}\n".encode())


async def read_get(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    number, size = head.split(b" ", 2)[1].decode().strip("/").split("/")
    return number, b"HTTP/1.1 200 OK\r\nContent-Length: %b\r\n\r\n" % size.encode() + pattern(int(size))


async def read_call(reader):
    frame = await reader.readexactly(struct.unpack(">i", await reader.readexactly(4))[0])
    at = 4

    def take(size):
        nonlocal at
        at += size
        return frame[at - size:at]

    name, sequence = decode(take, STRING), decode(take, I32)
    text = decode(take, STRUCT)[0][2]
    answer = message(REPLY, name, sequence, [(0, STRING, text)])
    return text.decode().partition(" ")[0], struct.pack(">i", len(answer)) + answer


def server(read):
    async def serve(reader, writer):
        use = 0
        try:
            while True:
                number, answer = await read(reader)
                use += 1
                note(number, use)
                await asyncio.sleep(random.random() * 0.02)
                note(number, 0)
                half = random.choice([len(answer), len(answer) // 2])
                writer.write(answer[:half])
                if half < len(answer):
                    await asyncio.sleep(random.random() * 0.01)
                    writer.write(answer[half:])
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
    return serve


def listener(port, number):
    """The kernel closes the highest descriptors of a killed process first: so a connection ends only when no new one
    can be made, and a request that is sent again goes to another instance."""
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", int(port)))
        os.dup2(s.fileno(), number)
    return socket.socket(fileno=number)


async def main():
    await asyncio.start_server(server(read_get), sock=listener(sys.argv[1], 1001))
    await asyncio.start_server(server(read_call), sock=listener(sys.argv[2], 1000))
    print("ready", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
