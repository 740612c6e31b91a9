"""The service of doc/thrift.md, scripted: it answers for numbers from 1 on, throws for 0, and below does what no server
should do; and two addresses at which nothing can be reached."""
import math
import socket
import time

from support.thrift_peer import BOOL, DOUBLE, EXCEPTION, I32, I64, MAP, STRING, STRUCT, Peer


def item(number):
    return [(0, STRUCT, [(1, I64, number), (2, STRING, "lamp"), (3, I32, 2), (4, STRING, b"\xfb\xff"), (5, DOUBLE, math.nan),
                         (6, MAP, (I32, STRING, [(1, "fragile")]))])]


def find(call):
    number = call.argument()
    if call.transport:  # a TTHeader
        call.reply([], strings={"biz-status": "1001", "biz-message": "no stock", "biz-extra": '{"sku":"7"}'})
    elif number > 0:
        call.reply(item(number))
    elif number == 0:
        call.reply([(1, STRUCT, [(1, STRING, "lamp"), (2, I32, 3)])])
    elif number == -1:
        call.fault(6, "the database is gone")
    elif number == -2:
        call.fault(1, "Unknown function Find")
    elif number == -3:
        call.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    elif number == -4:
        call.reply([(0, STRUCT, [(2, STRING, "no number")])])
    elif number == -5:
        call.send(call.message(item(1))[:-9])
        call.close()
    else:
        time.sleep(1)
        call.close()


class Shop(Peer):
    def __init__(self):
        super().__init__()
        self.on("Find", find)
        self.on("Put", lambda call: call.reply([(0, BOOL, 1)]))
        self.on("Reset", lambda call: call.reply([]))


class Nobody:
    """An address at which connections are refused, or, if it is full, are not accepted."""

    def __init__(self, full):
        self.sockets = [socket.socket()]
        self.sockets[0].bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.sockets[0].getsockname()[1]
        if full:
            self.sockets[0].listen(0)
            for _ in range(3):
                self.sockets.append(socket.socket())
                self.sockets[-1].setblocking(False)
                self.sockets[-1].connect_ex(self.sockets[0].getsockname())

    def close(self):
        for each in self.sockets:
            each.close()
