"""Apache Thrift's Python server of idl/derived.thrift, on two ports: unframed and framed.

Beside it stands what the compiler made of that, as the package "gen". Results that are no echo are those of the Go
server.
"""
import logging
import threading

from gen.derived import DerivedSvc
from gen.types.ttypes import Color, NotFound, Refused, Scalars
from thrift.Thrift import TApplicationException
from thrift.protocol import TBinaryProtocol
from thrift.server import TServer
from thrift.transport import TSocket, TTransport


class Handler:
    def __init__(self):
        self.texts = []

    def __getattr__(self, name):
        if not name.startswith("echo_"):
            raise AttributeError(name)
        return lambda value: value

    def ping(self):
        return "pong"

    def nothing(self):
        pass

    def join(self, first, second, times):
        return (first + second) * times

    def add(self, a, b):
        if not -1 << 63 <= a + b < 1 << 63:
            raise TApplicationException(TApplicationException.INTERNAL_ERROR, "too large")
        return a + b

    def find(self, id):
        if id == 0:
            raise NotFound("number 0")
        if id < 0:
            raise Refused("negative", [str(id), '"<0"'])
        return Scalars(id=id, text="found", bytes=b"\0\xff", color=Color.BLUE)

    def touch(self, id):
        if id == 0:
            raise NotFound("nothing to touch", -1)

    def combine(self, whole, scalars, lists):
        whole.scalars, whole.lists = scalars, lists
        return whole

    def reset(self):
        self.texts.clear()

    def notify(self, text):
        self.texts.append(text)

    def notified(self):
        return self.texts


class Socket(TSocket.TServerSocket):
    """One that says where it listens."""

    def __init__(self, name):
        super().__init__("127.0.0.1", 0)
        self.name = name

    def listen(self):
        super().listen()
        # One write: the other transport's thread prints too.
        print(f"{self.name} listening on 127.0.0.1:{self.handle.getsockname()[1]}\n", end="", flush=True)


def serve(name, transport):
    protocol = TBinaryProtocol.TBinaryProtocolAcceleratedFactory()
    TServer.TThreadedServer(processor, Socket(name), transport, protocol, daemon=True).serve()


logging.basicConfig(level=logging.ERROR)
processor = DerivedSvc.Processor(Handler())
threading.Thread(target=serve, args=("framed", TTransport.TFramedTransportFactory()), daemon=True).start()
serve("unframed", TTransport.TBufferedTransportFactory())
