"""Values that need a rule: what becomes of them in requests and answers, by each option, and where misfits are said to be.
Through a running gateway, against a scripted server."""
import json
import math
import os
import re
import struct

import pytest
from support.config import config, route
from support.gateway import eventually
from support.thrift_peer import BOOL, DOUBLE, I32, I64, LIST, MAP, SET, STRING, STRUCT, UUID, Peer

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
IDL = """enum Color { RED = 1, GREEN = 2 }
struct Point {
    1: required i32 x
    2: optional i32 y
}
union Shape {
    1: double circle
    2: i32 square
    3: Point at
}
struct Tree {
    1: string name
    2: list<Tree> children
    3: optional Tree left
}
struct Values {
    1: set<i32> numbers
    2: set<string> words
    3: set<Point> points
    4: set<list<i32>> rows
    5: map<string, i32> by_text
    6: map<double, i32> by_ratio
    7: map<Color, i32> by_color
    8: map<i64, i32> by_large
    9: map<bool, i32> by_truth
    10: map<binary, i32> by_bytes
    11: map<uuid, i32> by_id
    12: map<Point, string> by_point
    13: map<list<i32>, string> by_row
    14: map<set<string>, map<i32, i32>> by_words
    15: map<map<string, i32>, string> by_map
    16: Shape shape
    17: list<Shape> shapes
    18: i64 large
    19: list<i64> larges
    20: i64 texts (api.js_conv = "")
    21: list<map<string, i64>> more_texts (api.js_conv)
    22: double ratio
    23: list<double> ratios
    24: binary bytes
    25: uuid id
    26: Tree tree
    27: set<double> halves
    28: set<set<i32>> bags
    29: bool truth
    30: i8 tiny
    31: i16 small
    32: Color color
}
exception Broken {
    1: required string why
}
service All {
    Values Echo(1: Values values) throws (1: Broken broken)
    set<i32> Numbers(1: set<i32> numbers)
    list<Tree> Trees(1: list<Tree> trees)
    i64 Add(1: i64 a, 2: required i64 b)
    list<string> Texts()
}
"""
LINES = {line.split()[2].rstrip(","): number for number, line in enumerate(IDL.split("\n"), 1) if re.match(r" +\d+: ", line)}
LINES |= {re.sub(r"^.* ", "", re.sub(r" = .*| \(.*", "", line)): number
          for number, line in enumerate(IDL.split("\n"), 1) if re.match(r" +\d+: ", line)}
LINES |= {line.split()[1]: n for n, line in enumerate(IDL.split("\n"), 1) if line and line[0] in "use" and " " in line}
VARIANTS = {"strict": {}, "kitex": {"json": "kitex"}, "string": {"int64": "string"}, "auto": {"int64": "auto"},
            "words": {"nan": "string"}, "refuse": {"nan": "refuse"}, "url": {"binary": "base64url"}}
MOST = 2 ** 53 - 1


def idl(name):
    return f"all.thrift:{LINES[name]}"


class Gate:
    def __init__(self, factory):
        self.peer = Peer()
        factory.upstreams.append(self.peer)
        self.rows = table()
        (factory.folder / "idl").mkdir()
        (factory.folder / "idl" / "all.thrift").write_text(IDL)
        (factory.folder / "idl" / "fields.thrift").write_text(fields_idl(self.rows))
        routes = [route(name, f"/{name}/{{service}}/{{method}}",
                        endpoint={"thrift": {"service": "{service}", "method": "{method}", **options}})
                  for name, options in VARIANTS.items()]
        services = {name: {"instances": [self.peer.address]} for name in ("all", "fields")}
        services["own"] = {"idl": "all", "int64": "string", "nan": "refuse", "binary": "base64url", "instances": [self.peer.address]}
        self.gateway = factory.gateway(config(routes, services, idl={"folder": str(factory.folder / "idl")}, decorators=[
            {"access_log": {"path": "access.log"}}, {"errors": {"format": "problem"}}]))

    def call(self, body, variant="strict", method="Echo", service="all"):
        self.peer.calls.clear()
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        with self.gateway.client() as c:
            return c.post(f"/{variant}/{service}/{method}", data)

    def sent(self, body, variant="strict", method="Echo", service="all"):
        """Fields of the struct that arrived, by id."""
        answer = self.call(body, variant, method, service)
        assert answer.status == 200, answer.body
        return {number: value for number, _, value in self.peer.calls[0].argument()}

    def same(self, body, variant="strict", want=None):
        answer = self.call(body, variant)
        assert answer.status == 200, answer.body
        assert read(answer.body) == (body if want is None else want)

    def errors(self, body, variant="strict", method="Echo"):
        """Misfits of a request, which reached no server."""
        answer = self.call(body, variant, method)
        assert answer.status == 400 and not self.peer.calls, answer.body
        return [(e["pointer"], e["expected"], e["got"], e.get("idl")) for e in answer.json["errors"]]

    def answers(self, fields, variant="strict", method="Echo", whole=False):
        """What the client gets for those fields of the struct; `whole`: of the result."""
        if isinstance(fields, bytes):
            fields, whole = b"\x0c\0\0" + fields + b"\0", True
        self.peer.on(method, lambda call: call.reply(fields if whole else [(0, STRUCT, fields)]))
        return self.call({}, variant, method)

    def bad_answer(self, fields, variant="strict", method="Echo", whole=False):
        answer = self.answers(fields, variant, method, whole)
        assert (answer.status, answer.json["code"], len(answer.json["errors"])) == (502, "GW5026", 1), answer.body
        error = answer.json["errors"][0]
        place = error["pointer"] or "the result"
        assert answer.json["detail"].endswith(f": {place}: expected {error['expected']}, got {error['got']}")
        return tuple(error.get(key) for key in ("pointer", "expected", "got", "idl"))


def read(text):
    """With doubles as they are written."""
    return json.loads(text, parse_float=float)


@pytest.fixture(scope="module")
def shared(module_factory):
    return Gate(module_factory)


@pytest.fixture
def gate(shared):
    shared.peer.handlers.clear()
    return shared


# ---- the table of doc/json.md

def table():
    with open(os.path.join(ROOT, "doc", "json.md"), encoding="utf-8") as f:
        lines = f.read().split("| field | given |")[1].split("\n\n")[0].split("\n")[2:]
    rows = [[cell.strip().strip("`") for cell in line.strip("|").split(" | ")] for line in lines]
    assert len(rows) == 18 and all(len(row) == 5 for row in rows)
    return rows


def fields_idl(rows):
    kinds = list(dict.fromkeys(row[0] for row in rows))
    assert len(kinds) == 6
    return "\n".join(f"struct S{i} {{ 1: {kind}; 2: optional i32 other }}" for i, kind in enumerate(kinds)) + \
        "\nservice Fields {\n" + "\n".join(f"S{i} M{i}(1: S{i} value)" for i in range(6)) + "\n}\n"


def cells():
    return [(i, row[0], row[1], column) for i, row in enumerate(table()) for column in (2, 3, 4)]


@pytest.mark.parametrize("index,field,given,column", cells(), ids=lambda v: str(v).replace(" ", "_"))
def test_every_cell_of_the_table(gate, index, field, given, column):
    want, method = gate.rows[index][column], f"M{index // 3}"
    if column == 4:
        fields = {"absent": [], "of another type": [(1, STRING, "x")]}.get(given)
        if fields is None:
            assert want == "—"
            return
        gate.peer.on(method, lambda call: call.reply([(0, STRUCT, fields + [(2, I32, 5)])]))
        for variant in ("strict", "kitex"):
            answer = gate.call({"f": 3}, variant, method, "fields")
            got = {200: "no member", 502: "502"}[answer.status]
            assert got == want and (got == "502" or answer.json == {"other": 5})
        return
    body = {"absent": {"other": 5}, "null": {"f": None, "other": 5}, "of another type": {"f": "x", "other": 5}}[given]
    gate.peer.on(method, lambda call: call.reply([(0, STRUCT, [(1, I32, 1)])]))
    answer = gate.call(body, "kitex" if column == 3 else "strict", method, "fields")
    assert want in ("400", "nothing", "7", "zero")
    assert answer.status == (400 if want == "400" else 200)
    if want == "400":
        assert answer.json["errors"][0]["pointer"] == "/f"
        return
    sent = {number: value for number, _, value in gate.peer.calls[0].argument()}
    assert sent == {2: 5, **{"nothing": {}, "7": {1: 7}, "zero": {1: 0}}[want]}


# ---- sets

def test_nothing_twice_in_a_set(gate):
    again = "an element not given before"
    assert gate.errors({"numbers": [1, 2, 3, 2, 1.0]}) == [
        ("/numbers/3", again, "element 1 again", idl("numbers")), ("/numbers/4", again, "element 0 again", idl("numbers"))]
    assert gate.errors({"words": ["a", "b", "\u0061"]})[0][0] == "/words/2"
    assert gate.errors({"points": [{"x": 1}, {"x": 1, "y": 1}, {"x": 1, "y": None}]})[0][::2] == ("/points/2", "element 0 again")
    assert gate.errors({"rows": [[], [1], [1, 2], [1]]})[0][::2] == ("/rows/3", "element 1 again")
    assert gate.errors({"halves": [0.5, 5e-1]})[0][0] == "/halves/1"
    assert gate.errors({"bags": [[1], [2, 2], [1]]}) == [("/bags/1/1", again, "element 0 again", idl("bags"))]
    assert gate.errors({"numbers": [7, 7]}, method="Numbers")[0][0] == "/numbers/1"
    gate.same({"numbers": [3, 1, 2], "words": ["a", "A", ""], "points": [{"x": 1}, {"x": 1, "y": 0}], "rows": [[], [1], [1, 2]],
               "halves": [0.0, -0.0, 0.5], "bags": [[], [1]]})


def test_large_sets(gate):
    for count in (63, 64, 65, 1000, 20_000):
        numbers = [(i * 7919) % 1_000_003 for i in range(count)]
        words = [f"word {i} " + "x" * (i % 40) for i in range(count)]
        gate.same({"numbers": numbers, "words": words})
        errors = gate.errors({"numbers": numbers + numbers[5:6], "words": words + [words[count // 2]]})
        assert [e[::2] for e in errors] == [
            (f"/numbers/{count}", "element 5 again"), (f"/words/{count}", f"element {count // 2} again")]


def test_elements_longer_than_a_segment(gate):
    words = ["x" * 3_000_000 + str(i) for i in range(3)]
    gate.same({"words": words})
    assert gate.errors({"words": words + words[1:2]})[0][::2] == ("/words/3", "element 1 again")


def test_misfits_up_to_twenty(gate):
    assert [e[0] for e in gate.errors({"numbers": [7] * 100})] == [f"/numbers/{i}" for i in range(1, 21)]


def test_what_does_not_fit_goes_before(gate):
    """In a set with a misfit nothing is looked for; in the next one it is."""
    assert [e[0] for e in gate.errors({"numbers": [1, 1, "x"], "words": ["a", "a"]})] == ["/numbers/2", "/words/1"]


def test_kitex_sends_sets_as_they_are(gate):
    assert gate.sent({"numbers": [1, 1], "by_text": {"a": 1}}, "kitex")[1] == (I32, [1, 1])
    assert gate.sent(b'{"by_text":{"a":1,"a":2}}', "kitex")[5] == (STRING, I32, [(b"a", 1), (b"a", 2)])


# ---- maps

def test_no_key_twice(gate):
    again = "a key not given before"
    assert gate.errors(b'{"by_text":{"a":1,"b~/":2,"b\\u007e/":3,"a":4}}') == [
        ("/by_text/b~0~1", again, "the key of entry 1 again", idl("by_text")),
        ("/by_text/a", again, "the key of entry 0 again", idl("by_text"))]
    assert gate.errors(b'{"by_ratio":{"1":1,"1.0":2}}')[0][0] == "/by_ratio/1"
    assert gate.errors(b'{"by_color":{"RED":1,"1":2}}')[0][0] == "/by_color/1"
    assert gate.errors(b'{"by_point":[[{"x":1},"a"],[{"x":2},"b"],[{"x":1},"c"]]}')[0][::2] == (
        "/by_point/2", "the key of entry 0 again")


def test_keys_there_and_back(gate):
    gate.same({"by_text": {"": 1, "a/b~": 2}, "by_ratio": {"0.1": 1, "1e+21": 2, "-0": 3, "5e-324": 4, "100": 5},
               "by_color": {"1": 1, "7": 2}, "by_large": {str(-2 ** 63): 1, str(2 ** 63 - 1): 2},
               "by_truth": {"true": 1, "false": 0}, "by_bytes": {"AP/+": 1, "": 2, "+/8=": 3},
               "by_id": {"00112233-4455-6677-8899-aabbccddeeff": 1}})
    sent = gate.sent(b'{"by_color":{"GREEN":1},"by_ratio":{"1E2":1},"by_id":{"00112233-4455-6677-8899-AABBCCDDEEFF":2}}')
    assert sent[7] == (I32, I32, [(2, 1)]) and sent[6] == (DOUBLE, I32, [(100.0, 1)])
    assert sent[11] == (UUID, I32, [(bytes.fromhex("00112233445566778899aabbccddeeff"), 2)])


@pytest.mark.parametrize("field,key", [
    ("by_large", "1.0"), ("by_large", "1e1"), ("by_large", "01"), ("by_large", "+1"), ("by_large", ""),
    ("by_large", "9223372036854775808"), ("by_truth", "1"), ("by_truth", "True"), ("by_ratio", "NaN"), ("by_ratio", "1e999"),
    ("by_ratio", ""), ("by_color", "BLUE"), ("by_color", "2147483648"), ("by_bytes", "A"), ("by_bytes", "_-8="), ("by_id", "x")])
@pytest.mark.parametrize("variant", ["strict", "kitex"])
def test_keys_that_are_none(gate, field, key, variant):
    error, = gate.errors({field: {key: 1}}, variant)
    kind = {"by_large": "i64", "by_truth": "bool", "by_ratio": "double", "by_color": "Color", "by_bytes": "binary", "by_id": "uuid"}
    assert error == (f"/{field}/{key}", f"a key of {kind[field]}", "a key that is none", idl(field))


def test_maps_of_any_key(gate):
    value = {"by_point": [[{"x": 1}, "a"], [{"x": 2, "y": 3}, "b"]], "by_row": [[[], ""], [[1, 2], "c"]],
             "by_words": [[["a", "b"], {"1": 2}], [[], {}]], "by_map": [[{"k": 1}, "d"], [{}, "e"]]}
    gate.same(value)
    gate.same({name: [] for name in value})
    assert gate.sent({"by_point": value["by_point"]})[12] == (
        STRUCT, STRING, [([(1, I32, 1)], b"a"), ([(1, I32, 2), (2, I32, 3)], b"b")])


def test_pairs_that_are_none(gate):
    pair, where = "a pair: [key, value]", idl("by_point")
    assert gate.errors({"by_point": [[{"x": 1}, "a"], 5, [], [{"x": 1}], [{"x": 2}, "b", 1], [{"z": 1}, 2]]}) == [
        ("/by_point/1", pair, "number 5", where), ("/by_point/2", pair, "nothing", where),
        ("/by_point/3", pair, "a key alone", where), ("/by_point/4/2", pair, "one more", where),
        ("/by_point/5/0/z", "a field of Point", "an unknown name", idl("Point")),
        ("/by_point/5/0/x", "i32", "nothing", idl("x")), ("/by_point/5/1", "string", "number 2", where)]
    assert gate.errors({"by_point": {"a": 1}}) == [("/by_point", "map<Point,string>", "object", where)]
    assert gate.errors({"by_text": [["a", 1]]})[0][1:3] == ("map<string,i32>", "array")


# ---- unions

def test_unions_of_requests(gate):
    assert gate.errors({"shape": {}}) == [("/shape", "exactly one of the union's fields", "none", idl("Shape"))]
    assert gate.errors({"shape": {"circle": None}})[0][2] == "none"
    assert gate.errors({"shape": {"square": 1, "circle": 2, "at": {}}}) == [
        ("/shape/circle", "no second field of Shape", "one besides square", idl("circle")),
        ("/shape/at", "no second field of Shape", "one besides square", idl("at"))]
    assert gate.errors({"shapes": [{"at": {"x": 1}}, {"at": {"x": 1}, "circle": 1}]})[0][0] == "/shapes/1/circle"
    gate.same({"shape": {"at": {"x": 1}}, "shapes": [{"circle": 0.5}, {"square": 2}]})
    gate.same({"shape": {"circle": None, "square": 2, "at": None}}, want={"shape": {"square": 2}})
    assert gate.sent({"shape": {}}, "kitex")[16] == []
    assert gate.sent({"shape": {"square": 2, "circle": 1}}, "kitex")[16] == [(2, I32, 2), (1, DOUBLE, 1.0)]


def test_unions_of_answers(gate):
    one = "exactly one of the union's fields"
    assert gate.bad_answer([(16, STRUCT, [])]) == ("/shape", one, "none", idl("shape"))
    assert gate.bad_answer([(17, LIST, (STRUCT, [[(1, DOUBLE, 1.0)], [(1, DOUBLE, 1.0), (2, I32, 2)]]))]) == (
        "/shapes/1", one, "more than one", idl("shapes"))
    for known, want in (([], {}), ([(2, I32, 2)], {"square": 2})):
        assert gate.answers([(16, STRUCT, known + [(9, STRING, "new")])]).json == {"shape": want}
        assert gate.answers([(16, STRUCT, known + [(1, STRING, "another type")])]).json == {"shape": want}
    assert gate.answers([(16, STRUCT, [(1, DOUBLE, 1.0), (2, I32, 2)])], "kitex").json == {"shape": {"circle": 1, "square": 2}}
    assert gate.answers([(16, STRUCT, [])], "kitex").json == {"shape": {}}


# ---- i64

@pytest.mark.parametrize("number", [0, -1, MOST, -MOST, MOST + 1, -MOST - 1, 2 ** 63 - 1, -2 ** 63])
def test_int64_of_answers(gate, number):
    fields = [(18, I64, number), (19, LIST, (I64, [number, 5])), (20, I64, number), (8, MAP, (I64, I32, [(number, 1)])),
              (21, LIST, (MAP, [(STRING, I64, [("k", number)])]))]
    for variant, text in (("strict", False), ("string", True), ("auto", abs(number) > MOST), ("kitex", False)):
        shown, five = (str(number), "5") if text else (number, 5)
        want = {"large": shown, "larges": [shown, five if variant == "string" else 5], "texts": str(number), "by_large": {str(number): 1},
                "more_texts": [{"k": str(number)}]}
        assert gate.answers(fields, variant).json == want


def test_int64_of_requests(gate):
    for variant in ("string", "auto", "kitex"):
        sent = gate.sent({"large": "9223372036854775807", "larges": ["-1", 7, "1e2", "12.0"], "texts": 5}, variant)
        assert (sent[18], sent[19], sent[20]) == (2 ** 63 - 1, (I64, [-1, 7, 100, 12]), 5)
    assert gate.sent({"texts": "-9223372036854775808", "more_texts": [{"k": "3"}]})[20] == -2 ** 63
    assert gate.errors({"large": "1", "larges": ["1"]}) == [
        ("/large", "i64", "string", idl("large")), ("/larges/0", "i64", "string", idl("larges"))]
    for text in ("", " 1", "1 ", "+1", "0x10", "1.5", "9223372036854775808", "1e19", "abc", "--1", "01"):
        for variant, field in (("string", "large"), ("auto", "large"), ("strict", "texts")):
            assert gate.errors({field: text}, variant) == [(f"/{field}", "i64", f"string {text}", idl(field))]
    assert gate.errors({"tiny": "1"}, "string")[0][:3] == ("/tiny", "i8", "string")


# ---- NaN and infinity

INFINITIES = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


@pytest.mark.parametrize("word", INFINITIES)
def test_doubles_that_no_number_is(gate, word):
    value = INFINITIES[word]
    fields = [(22, DOUBLE, value), (23, LIST, (DOUBLE, [0.5, value, 1.0])), (6, MAP, (DOUBLE, I32, [(value, 1)]))]
    assert gate.answers(fields).json == {"ratio": None, "ratios": [0.5, None, 1], "by_ratio": {word: 1}}
    assert gate.answers(fields, "words").json == {"ratio": word, "ratios": [0.5, word, 1], "by_ratio": {word: 1}}
    finite = "a finite double"
    assert gate.bad_answer(fields[:1], "refuse") == ("/ratio", finite, word, idl("ratio"))
    assert gate.bad_answer(fields[1:], "refuse") == ("/ratios/1", finite, word, idl("ratios"))
    assert gate.bad_answer(fields[2:], "refuse") == ("/by_ratio", finite, word, idl("by_ratio"))
    gate.peer.handlers.clear()
    sent = gate.sent({"ratio": word, "ratios": [word, 1], "by_ratio": {word: 1}}, "words")
    assert struct.pack(">d", sent[22]) == struct.pack(">d", value) == struct.pack(">d", sent[23][1][0])
    for variant in ("strict", "refuse"):
        assert [e[0] for e in gate.errors({"ratio": word, "by_ratio": {word: 1}}, variant)] == ["/ratio", f"/by_ratio/{word}"]
    assert gate.sent({"ratio": word}, "kitex")[22] == 0.0
    assert gate.errors({"ratio": word.lower()}, "words") == [("/ratio", "double", f"string {word.lower()}", idl("ratio"))]
    assert gate.errors({"ratio": "1"}, "words")[0][0] == "/ratio"


# ---- binary

def test_url_safe_base64(gate):
    for data, text in ((b"", ""), (b"\xff", "_w"), (b"\xfb\xff", "-_8"), (b"\xfb\xff\xfe", "-__-")):
        assert gate.sent({"bytes": text, "by_bytes": {text: 1}}, "url")[24] == data
        assert gate.answers([(24, STRING, data), (10, MAP, (STRING, I32, [(data, 1)]))], "url").json == {
            "bytes": text, "by_bytes": {text: 1}}
        gate.peer.handlers.clear()
        padded = text + "=" * (-len(text) % 4)
        assert gate.sent({"bytes": padded}, "url")[24] == data
        if padded:
            standard = padded.replace("-", "+").replace("_", "/")
            assert gate.sent({"bytes": standard})[24] == data
            assert gate.errors({"bytes": standard}, "url") == [
                ("/bytes", "binary, as base64url", "string that is no base64", idl("bytes"))]
            assert gate.errors({"bytes": padded})[0][1] == "binary, as base64"
    for text in ("_", "_x", "_w=", "-_9", "-_8==", "_w _", "_w==_w=="):
        gate.errors({"bytes": text}, "url")
    assert gate.errors({"bytes": "/w"})[0][0] == "/bytes"


def test_the_services_word_holds(gate):
    gate.peer.on("Echo", lambda call: call.reply([(0, STRUCT, [(18, I64, 1), (24, STRING, b"\xff")])]))
    answer = gate.call({}, "auto", service="own")
    assert answer.json == {"large": "1", "bytes": "_w"}
    gate.peer.on("Echo", lambda call: call.reply([(0, STRUCT, [(22, DOUBLE, math.inf)])]))
    assert gate.call({}, "words", service="own").status == 502


# ---- UUIDs

def test_uuids(gate):
    text = "00112233-4455-6677-8899-aabbccddeeff"
    assert gate.sent({"id": text.upper()})[25] == bytes.fromhex(text.replace("-", ""))
    gate.same({"id": text})
    for wrong in (text[:-1], text + "0", text.replace("-", ""), "{" + text + "}", "g" + text[1:], ""):
        assert gate.errors({"id": wrong}) == [("/id", "uuid", f"string {wrong}", idl("id"))]
    assert gate.errors({"id": 5})[0][2] == "number 5"


# ---- depth

def nested(depth, leaf=None):
    tree = leaf or {"name": "leaf"}
    for _ in range(depth):
        tree = {"left": tree}
    return tree


def test_recursive_structs_to_the_limit(gate):
    gate.same({"tree": nested(62)})
    error, = gate.errors({"tree": nested(63)})
    assert error[:2] == ("/tree" + "/left" * 63, "at most 64 levels") and error[2].startswith("nesting too deep at byte ")
    assert gate.call({"tree": nested(63)}, "kitex").status == 400

    def fields(depth):
        tree = [(1, STRING, "leaf")]
        for _ in range(depth):
            tree = [(3, STRUCT, tree)]
        return [(26, STRUCT, tree)]
    assert read(gate.answers(fields(62)).body) == {"tree": nested(62)}
    assert gate.bad_answer(fields(63)) == ("/tree" + "/left" * 63, "at most 64 levels", "one more", idl("left"))


# ---- misfits of requests, each kind

KINDS = [
    ("truth", 1, "bool", "number 1"), ("tiny", 128, "i8", "number 128"), ("small", -32769, "i16", "number -32769"),
    ("color", "PINK", "Color", "string PINK"), ("color", 2 ** 31, "Color", "number 2147483648"), ("large", 1.5, "i64", "number 1.5"),
    ("large", True, "i64", "true"), ("ratio", "1", "double", "string"), ("bytes", "?", "binary, as base64", "string that is no base64"),
    ("numbers", {}, "set<i32>", "object"), ("by_text", [], "map<string,i32>", "array"), ("tree", [], "Tree", "array"),
    ("shapes", [None], "Shape", "null"), ("words", [1], "string", "number 1"), ("id", [], "uuid", "array")]


@pytest.mark.parametrize("field,value,expected,got", KINDS)
def test_misfits_of_values(gate, field, value, expected, got):
    inside = isinstance(value, list) and value
    assert gate.errors({field: value}) == [(f"/{field}/0" if inside else f"/{field}", expected, got, idl(field))]


def test_doubles_beyond_the_range(gate):
    for text in ("1e309", "-1e999", "1.7976931348623159e308"):
        assert gate.errors(b'{"ratio":%s}' % text.encode()) == [("/ratio", "double", f"number {text}", idl("ratio"))]
    assert gate.sent(b'{"ratio":-0.0}')[22].hex() == "-0x0.0p+0"
    assert gate.sent(b'{"ratio":5e-324,"large":1e2}')[22] == 5e-324 and gate.sent(b'{"large":1e2}')[18] == 100


def test_misfits_of_names_and_places(gate):
    assert gate.errors({"tree": {"nam": "x", "children": [{"name~/": 1}]}}) == [
        ("/tree/nam", "a field of Tree (nearest: name)", "an unknown name", idl("Tree")),
        ("/tree/children/0/name~0~1", "a field of Tree (nearest: name)", "an unknown name", idl("Tree"))]
    assert gate.errors(b'{"tree":{"name":"a","name":"b"}}') == [("/tree/name", "one value", "another one", idl("name"))]
    assert gate.errors({"points": [{"y": 1}], "by_text": {"a~/b": "x"}}) == [
        ("/points/0/x", "i32", "nothing", idl("x")), ("/by_text/a~0~1b", "i32", "string", idl("by_text"))]
    assert gate.errors({"a": 1, "c": 2}, method="Add") == [
        ("/c", "an argument of Add", "an unknown name", idl_of("i64 Add")), ("/b", "i64", "nothing", idl_of("i64 Add"))]
    assert gate.errors([1]) == [("", "Values", "array", idl_of("Values Echo"))]
    assert gate.errors(b'{"by_words":[[["a"],{"1":"x"}]]}') == [("/by_words/0/1/1", "i32", "string", idl("by_words"))]


def idl_of(begin):
    number, = (n for n, line in enumerate(IDL.split("\n"), 1) if line.strip().startswith(begin))
    return f"all.thrift:{number}"


# ---- answers that do not fit

def test_misfits_of_answers(gate):
    assert gate.bad_answer([(3, SET, (STRUCT, [[(1, I32, 1)], [(2, I32, 1)]]))]) == ("/points/1/x", "i32", "nothing", idl("x"))
    assert gate.bad_answer([(22, DOUBLE, 1.0), (22, DOUBLE, 1.0)]) == ("/ratio", "one value", "another one", idl("ratio"))
    assert gate.bad_answer([(1, SET, (STRING, ["x"]))]) == ("/numbers", "set<i32>", "one of other types", idl("numbers"))
    assert gate.bad_answer([(5, MAP, (STRING, STRING, [("a", "x")]))])[0] == "/by_text"
    assert gate.bad_answer([(12, MAP, (STRUCT, STRING, [([(1, I32, 1)], "a"), ([], "b")]))]) == (
        "/by_point/1/0/x", "i32", "nothing", idl("x"))
    assert gate.bad_answer(b"\x0b\x00\x18\xff\xff\xff\xff\x00") == ("/bytes", "binary", "a negative length", idl("bytes"))
    assert gate.bad_answer(b"\x0f\x00\x13\x0a\xff\xff\xff\xff\x00") == ("/larges", "list<i64>", "a negative size", idl("larges"))
    assert gate.bad_answer(b"\x63\x00\x01\x00") == ("", "a field", "type 99, which is none", idl_of("Values Echo"))
    tree = [(1, STRING, "a~/"), (2, LIST, (STRUCT, [[], [(1, STRING, "b"), (1, STRING, "b")]]))]
    assert gate.bad_answer([(26, STRUCT, tree)])[0] == "/tree/children/1/name"


def test_misfits_of_results(gate):
    where = idl_of("Values Echo")
    assert gate.bad_answer([], whole=True) == ("", "Values", "nothing", where)
    assert gate.bad_answer([(0, STRUCT, []), (0, STRUCT, [])], whole=True) == ("", "one result", "another one", where)
    assert gate.bad_answer([(1, STRUCT, [])], whole=True) == ("/why", "string", "nothing", idl("why"))
    both = [(1, STRUCT, [(1, STRING, "x")]), (0, STRUCT, [])]
    assert gate.bad_answer(both, whole=True) == ("", "one result", "another one", where)


def test_an_answer_that_goes_wrong_late_is_cut_and_told_in_the_log(gate):
    gate.peer.on("Texts", lambda call: call.send(
        call.message([(0, LIST, (STRING, ["x" * 1000] * 200))])[:-1 - 1004] + b"\xff" * 8))
    with gate.gateway.client() as client:
        with pytest.raises(Exception):
            client.post("/strict/all/Texts", b"{}")
    line = eventually(lambda: [e for e in gate.gateway.log() if e["path"] == "/strict/all/Texts"], what="the line of the log")[0]
    assert (line["status"], line["cut"]) == (200, "bad answer: a string has a negative length")
