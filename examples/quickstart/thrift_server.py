"""A Thrift server behind the quickstart's gateway: thrift_server.py (echo | sum) PORT

Apache Thrift's own threaded server; binary protocol, unframed. EchoSvc and SumSvc are what the Thrift compiler makes of
idl/*.thrift: `thrift --gen py -out FOLDER idl/echo.thrift`, with FOLDER in PYTHONPATH. Port 0 takes any that is free.
"""
import sys

from echo import EchoSvc
from echo.ttypes import EchoResp
from sum import SumSvc
from sum.ttypes import SumResp
from thrift.protocol.TBinaryProtocol import TBinaryProtocolFactory
from thrift.server.TServer import TThreadedServer
from thrift.Thrift import TApplicationException
from thrift.transport.TSocket import TServerSocket
from thrift.transport.TTransport import TBufferedTransportFactory


class Echo:
    def EchoMethod(self, req):
        return EchoResp(req.msg)


class Sum:
    def SumMethod(self, req):
        total = req.firstNum + req.secondNum
        if not -2**63 <= total < 2**63:
            raise TApplicationException(TApplicationException.INTERNAL_ERROR,
                                        "biz error: Overflow: sum is too large to be represented.")
        return SumResp(total)


class Listener(TServerSocket):
    def listen(self):
        super().listen()
        print(f"listening on 127.0.0.1:{self.handle.getsockname()[1]}", flush=True)


processor = {"echo": EchoSvc.Processor(Echo()), "sum": SumSvc.Processor(Sum())}[sys.argv[1]]
listener = Listener("127.0.0.1", int(sys.argv[2]))
TThreadedServer(processor, listener, TBufferedTransportFactory(), TBinaryProtocolFactory(), daemon=True).serve()
