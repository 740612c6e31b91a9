"""Values of idl/types.thrift with all their edges, and how those that come back are compared: one by one, integers digit for
digit, doubles bit for bit."""
import base64
import json
import re
import struct

INTEGERS = {bits: [-1 << bits - 1, -1, 0, 1, (1 << bits - 1) - 1] for bits in (8, 16, 32, 64)}
DOUBLES = [0.0, -0.0, 1.0, -1.5, 0.1, 1 / 3, 1e308, -1.7976931348623157e308, 5e-324, 2.2250738585072014e-308, 1e22, 1e23,
           9007199254740993.0, 1e-7, 123456789012345680.0, 4.35, 100000.0]
TEXTS = ["", "plain", "\0", "\x01\x1f\x7f", "\"\\/\b\f\n\r\t", "é ü ß", "日本語", "\U0001f600 \U0010ffff", "\u2028\ufeff\ufffd",
         "a" * 5000]
BYTES = [b"", b"\0", b"ab", b"abc", bytes(range(256)), b"\xff\xfe", bytes(20000)]


class Number(str):
    """A number as it stands in an answer."""


class Bag(list):
    """A set of scalars: they come back in any order."""


def b64(data):
    return base64.b64encode(data).decode()


# ---- comparing

def no_twins(pairs):
    assert len(dict(pairs)) == len(pairs), f"a member given twice: {pairs}"
    return dict(pairs)


def read(text):
    return json.loads(text, parse_int=Number, parse_float=Number, object_pairs_hook=no_twins)


def bits(number):
    return struct.pack(">d", float(number))


def digits(text):
    """What of a double's text is significant: the shortest form has no more of it than Python's."""
    return re.sub(r"[eE].*|[-.]", "", text).strip("0")


def by_key(wanted, got):
    """The wanted dict, whose keys may be any scalar, and the one that came, with comparable keys."""
    if all(isinstance(key, float) for key in wanted):
        return {bits(key): value for key, value in wanted.items()}, {bits(key): value for key, value in got.items()}
    names = {True: "true", False: "false"}
    return {names[key] if isinstance(key, bool) else str(key): value for key, value in wanted.items()}, got


def same(got, want, at=""):
    """Asserts that an answer is the wanted value."""
    if isinstance(want, dict):
        assert isinstance(got, dict), f"{at}: {got!r:.200}"
        want, got = by_key(want, got)
        assert set(got) == set(want), f"{at}: {set(got) ^ set(want)}"
        for key in want:
            same(got[key], want[key], f"{at}/{key}")
    elif isinstance(want, list):
        assert isinstance(got, list) and len(got) == len(want), f"{at}: {got!r:.200}"
        if isinstance(want, Bag):
            order = bits if want and isinstance(want[0], float) else str
            want, got = sorted(want, key=order), sorted(got, key=order)
        for i in range(len(want)):
            same(got[i], want[i], f"{at}/{i}")
    elif isinstance(want, float):
        good = isinstance(got, Number) and bits(got) == bits(want) and digits(got) == digits(repr(want))
        assert good, f"{at}: {got!r}, not {want!r}"
    elif isinstance(want, int) and not isinstance(want, bool):
        assert isinstance(got, Number) and got == str(want), f"{at}: {got!r}, not {want}"
    else:
        assert type(got) is type(want) and got == want, f"{at}: {got!r:.200}, not {want!r:.200}"


# ---- values

def scalars(at):
    """A Scalars; five of them have every edge of the integers."""
    return {"truth": at % 2 == 1, "tiny": INTEGERS[8][at % 5], "small": INTEGERS[16][at % 5], "medium": INTEGERS[32][at % 5],
            "large": INTEGERS[64][at % 5], "ratio": DOUBLES[at % len(DOUBLES)], "text": TEXTS[at % len(TEXTS)],
            "bytes": b64(BYTES[at % 6]), "color": (1, 2, 4)[at % 3], "id": INTEGERS[64][(at + 1) % 5]}


NO_SCALARS = {"truth": False, "tiny": 0, "small": 0, "medium": 0, "large": 0, "ratio": 0.0, "text": "", "bytes": "", "color": 0,
              "id": 0}
LISTS = {
    "truths": [True, False, True], "tinies": INTEGERS[8], "smalls": INTEGERS[16], "mediums": INTEGERS[32],
    "larges": INTEGERS[64], "ratios": DOUBLES, "texts": TEXTS, "blobs": [b64(data) for data in BYTES], "colors": [4, 1, 2, 1],
    "records": [scalars(i) for i in range(5)], "rows": [[], [1], INTEGERS[32], []],
    "bags": [Bag(TEXTS), Bag(), Bag(["one"])], "tables": [{}, {"a": 1, "": -1}, dict(zip(TEXTS, INTEGERS[64]))],
}
SETS = {
    "truths": Bag([True, False]), "tinies": Bag(INTEGERS[8]), "smalls": Bag(INTEGERS[16]), "mediums": Bag(INTEGERS[32]),
    "larges": Bag(INTEGERS[64]), "ratios": Bag(DOUBLES[1:]), "texts": Bag(TEXTS), "colors": Bag([1, 2, 4]),
}
MAPS = {
    "by_truth": {True: "yes", False: "no"}, "by_tiny": {key: str(key) for key in INTEGERS[8]},
    "by_small": {key: str(key) for key in INTEGERS[16]}, "by_medium": {key: str(key) for key in INTEGERS[32]},
    "by_large": {key: str(key) for key in INTEGERS[64]}, "by_ratio": {key: repr(key) for key in DOUBLES[1:]},
    "by_text": {text: text for text in TEXTS}, "by_color": {1: "red", 4: "blue"},
    "numbers": dict(zip(TEXTS, INTEGERS[64])), "ratios": dict(zip(TEXTS, DOUBLES)), "truths": {"t": True, "f": False},
    "blobs": {str(len(data)): b64(data) for data in BYTES}, "records": {"a": scalars(3), "b": scalars(4)},
    "rows": {"": [], "edges": INTEGERS[32]}, "deep": {-1: {}, 7: {"": [], "c": [1, 4, 2]}, 0: {"x": [2]}},
    "bags": {"none": Bag(), "edges": Bag(INTEGERS[64])},
}
SHAPES = [{"circle": 0.5}, {"square": -7}, {"name": ""}, {"record": scalars(1)}, {"sides": []}, {"sides": [1, 2, 3]}]
SPARSE = {"last": 1 << 30, "first": -1, "middle": "m", "over": 1 << 62}
PRESENCE = {"needed": 0, "maybe": 0, "plain": 5, "chosen": "", "limit": 0, "half": 0.0, "color": 1, "on": False, "primes": [],
            "far": 0, "ages": {}}


def tree(depth, named=()):
    leaf = {"name": f"at {depth}", "children": [], "named": {}}
    if depth:
        leaf["children"] = [tree(0), tree(0)]
        leaf["left"] = tree(depth - 1)
    return {**leaf, "named": {name: tree(0) for name in named}}


def everything(level=2):
    return {"scalars": scalars(2), "lists": LISTS, "sets": SETS, "maps": MAPS, "shape": SHAPES[3], "tree": tree(3, ["x", ""]),
            "presence": PRESENCE, "sparse": SPARSE, "level": level, "shapes": SHAPES}


def empty(value):
    return {key: {} if isinstance(item, dict) else Bag() if isinstance(item, Bag) else [] for key, item in value.items()}


ECHOES = {
    "echo_scalars": [scalars(i) for i in range(len(DOUBLES))] + [NO_SCALARS],
    "echo_lists": [LISTS, empty(LISTS)],
    "echo_sets": [SETS, empty(SETS)],
    "echo_maps": [MAPS, empty(MAPS)],
    "echo_shape": SHAPES,
    "echo_tree": [tree(0), tree(25), tree(2, ["a", "b"])],
    "echo_sparse": [SPARSE],
    "echo_presence": [PRESENCE],
    "echo_everything": [everything(), everything(0)],
    "echo_empty": [{}],
    "echo_bool": [True, False],
    "echo_i8": INTEGERS[8],
    "echo_i16": INTEGERS[16],
    "echo_i32": INTEGERS[32],
    "echo_i64": INTEGERS[64] + [9007199254740993],
    "echo_double": DOUBLES,
    "echo_string": TEXTS,
    "echo_binary": [b64(data) for data in BYTES],
    "echo_color": [1, 2, 4, 77, -1],
    "echo_list": [[], INTEGERS[32], list(range(20000))],
    "echo_set": [Bag(), Bag(TEXTS)],
    "echo_map": [{}, dict(zip(TEXTS, INTEGERS[64])), {str(i): i for i in range(3000)}],
}
STRUCTS = {"echo_scalars", "echo_lists", "echo_sets", "echo_maps", "echo_shape", "echo_tree", "echo_sparse", "echo_presence",
           "echo_everything", "echo_empty"}
