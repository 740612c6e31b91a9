"""Bodies whose every shift, loss or repetition shows."""
import hashlib
import random

_BLOCK = random.Random(20261121).randbytes((1 << 20) + 7)


def pattern(size):
    """`size` bytes, the same ones each time, with no period that a buffer size divides."""
    repeats = size // len(_BLOCK) + 1
    return (_BLOCK * repeats)[:size] if repeats > 1 else _BLOCK[:size]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def pieces(data, seed, low=1, high=65536):
    """Cuts data into pieces of random sizes between low and high."""
    rng, at = random.Random(seed), 0
    while at < len(data):
        size = rng.randint(low, high)
        yield data[at:at + size]
        at += size


def chunked(data, seed=1, low=1, high=65536, trailers=(), extension=b""):
    """A chunked body of random chunk sizes, with the last chunk and the trailers."""
    out = bytearray()
    for piece in pieces(data, seed, low, high):
        out += b"%x%s\r\n" % (len(piece), extension) + piece + b"\r\n"
    out += b"0\r\n"
    for name, value in trailers:
        out += f"{name}: {value}\r\n".encode()
    return bytes(out + b"\r\n")
