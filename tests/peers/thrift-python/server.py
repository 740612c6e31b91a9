"""Apache Thrift's Python server of idl/derived.thrift, on a port for each encoding and transport.

One more port speaks THeader and all that it tells from that, one has the service multiplexed as "Derived". Beside it
stands what the compiler made of the IDL, as the package "gen". Results that are no echo are those of all servers."""
import logging
import threading

from gen.derived import DerivedSvc
from gen.types.ttypes import Color, NotFound, Refused, Scalars
from thrift.TMultiplexedProcessor import TMultiplexedProcessor
from thrift.Thrift import TApplicationException
from thrift.protocol.TBinaryProtocol import TBinaryProtocolAcceleratedFactory
from thrift.protocol.TCompactProtocol import TCompactProtocolAcceleratedFactory
from thrift.protocol.THeaderProtocol import THeaderProtocolFactory
from thrift.protocol.TJSONProtocol import TJSONProtocolFactory
from thrift.server import THttpServer, TServer
from thrift.transport import TSocket, TTransport
from thrift.transport.THeaderTransport import THeaderClientType

HEADER_CLIENTS = (THeaderClientType.HEADERS, THeaderClientType.FRAMED_BINARY, THeaderClientType.UNFRAMED_BINARY,
                  THeaderClientType.FRAMED_COMPACT, THeaderClientType.UNFRAMED_COMPACT)
ENCODINGS = {"binary": TBinaryProtocolAcceleratedFactory(), "compact": TCompactProtocolAcceleratedFactory(),
             "json": TJSONProtocolFactory()}
TRANSPORTS = {"unframed": TTransport.TBufferedTransportFactory(), "framed": TTransport.TFramedTransportFactory()}


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


def tell(name, port):
    # One write: the other transports' threads print too.
    print(f"{name} listening on 127.0.0.1:{port}\n", end="", flush=True)


class Socket(TSocket.TServerSocket):
    """One that says where it listens."""

    def __init__(self, name):
        super().__init__("127.0.0.1", 0)
        self.name = name

    def listen(self):
        super().listen()
        tell(self.name, self.handle.getsockname()[1])


def serve(name, transport, protocol, processor):
    server = TServer.TThreadedServer(processor, Socket(name), transport, protocol, daemon=True)
    threading.Thread(target=server.serve).start()


def serve_http(name, protocol, processor):
    server = THttpServer.THttpServer(processor, ("127.0.0.1", 0), protocol)
    tell(name, server.httpd.server_address[1])
    threading.Thread(target=server.serve).start()


logging.basicConfig(level=logging.CRITICAL)
handler = Handler()
for encoding, protocol in ENCODINGS.items():
    for name, transport in TRANSPORTS.items():
        serve(f"{encoding}_{name}", transport, protocol, DerivedSvc.Processor(handler))
    serve_http(f"{encoding}_http", protocol, DerivedSvc.Processor(handler))
serve("header", TTransport.TTransportFactoryBase(), THeaderProtocolFactory(HEADER_CLIENTS), DerivedSvc.Processor(handler))
multiplexed = TMultiplexedProcessor()
multiplexed.registerProcessor("Derived", DerivedSvc.Processor(handler))
serve("multiplexed", TRANSPORTS["framed"], ENCODINGS["binary"], multiplexed)
