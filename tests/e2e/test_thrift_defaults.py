"""Defaults and constants of any type: literals inside each other, references to constants and members of enums, also of
included files. What a request does not give is sent as they say."""
import json

import pytest

from support.transcode_probe import ENCODINGS, ask

BASE = """enum Color { RED = 1, GREEN = 2, BLUE = 4 }
struct Point { 1: required i32 x; 2: i32 y = 7; 3: optional Color color }
struct Strict { 1: required i32 x = 5; 2: i32 y = 7; 3: required Point at = ORIGIN }
union Shape { 1: Point at; 2: double radius }
typedef map<string, list<Point>> Paths
const i32 ONE = 1
const string TEXT = "it's \\"this\\""
const Point ORIGIN = {"x": 0, "y": ONE, "color": Color.BLUE}
const Paths PATHS = {"a": [ORIGIN, {"x": ONE}], "b": []}
const list<Color> COLORS = [Color.RED, 2, GREEN]
const uuid ID = "00112233-4455-6677-8899-aabbccddeeff"
"""
APP = """include "base.thrift"
const map<base.Color, set<i32>> BAGS = {base.Color.RED: [base.ONE, 2], base.Color.GREEN: []}
const list<base.Point> POINTS = [base.ORIGIN, {"x": base.ONE, "color": base.Color.RED}]
const map<base.Point, string> NAMES = {base.ORIGIN: "origin", {"x": 3}: base.TEXT}
const list<base.Point> AGAIN = POINTS
struct Inner { 1: base.Point point = base.ORIGIN; 2: list<base.Point> points = AGAIN }
exception Defaults {
    1: base.Point origin = base.ORIGIN
    2: base.Paths paths = base.PATHS
    3: map<base.Color, set<i32>> bags = BAGS
    4: list<base.Point> points = AGAIN
    5: base.Shape shape = {"at": base.ORIGIN}
    6: base.Shape circle = {"radius": 2}
    7: map<base.Point, string> names = NAMES
    8: list<list<base.Color>> colors = [base.COLORS, [base.Color.BLUE]]
    9: uuid id = base.ID
    10: optional Inner inner = {"point": {"x": 5}, "points": []}
    11: bool on = true
    12: double number = base.ONE
    13: string text = base.TEXT
    14: binary bytes = base.TEXT
    15: i64 big = 9223372036854775807 (api.js_conv)
    16: map<string, map<i32, list<string>>> deep = {"k": {1: ["a", base.TEXT], -2: []}}
    17: required base.Color color = base.Color.GREEN
    18: set<map<bool, i8>> flags = [{true: 1}, {false: -128, 1: 127}]
    19: list<Inner> inners = [{}, {"points": [base.ORIGIN]}]
    20: base.Strict strict = {}
    21: list<base.Strict> stricts = [{"x": 1}]
    22: base.Point unset
}
service App { void Call(1: Defaults value) throws (1: Defaults same) }
"""
ORIGIN = {"x": 0, "y": 1, "color": 4}
TEXT = "it's \"this\""
WANT = {
    "origin": ORIGIN, "paths": {"a": [ORIGIN, {"x": 1}], "b": []}, "bags": {"1": [1, 2], "2": []},
    "points": [ORIGIN, {"x": 1, "color": 1}], "shape": {"at": ORIGIN}, "circle": {"radius": 2},
    "names": [[ORIGIN, "origin"], [{"x": 3}, TEXT]], "colors": [[1, 2, 2], [4]], "id": "00112233-4455-6677-8899-aabbccddeeff",
    "inner": {"point": {"x": 5}, "points": []}, "on": True, "number": 1, "text": TEXT, "bytes": "aXQncyAidGhpcyI=",
    "big": "9223372036854775807", "deep": {"k": {"1": ["a", TEXT], "-2": []}}, "color": 2,
    "flags": [{"true": 1}, {"false": -128, "true": 127}], "inners": [{}, {"points": [ORIGIN]}],
    "strict": {"x": 5, "at": ORIGIN}, "stricts": [{"x": 1, "at": ORIGIN}],
}
INNER = {"point": ORIGIN, "points": WANT["points"]}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "base.thrift").write_text(BASE)
    (tmp_path / "app.thrift").write_text(APP)
    return str(tmp_path)


def there_and_back(folder, body, options="-", encoding="binary"):
    """What is sent, as JSON again. The bytes of the arguments are those of a result, too: of one that is thrown."""
    sent, = ask(folder, [("in", "app", "Call", options, json.dumps(body).encode())], encoding)
    assert sent.startswith("ok "), sent
    back, = ask(folder, [("out", "app", "Call", "kitex", bytes.fromhex(sent[3:]))], encoding)
    assert back.startswith("ok 1 "), back
    return json.loads(back.split(" ", 3)[3])


def test_all_that_is_absent(folder):
    assert there_and_back(folder, {}) == WANT
    assert there_and_back(folder, dict.fromkeys(WANT)) == WANT


def test_what_is_given_goes_before(folder):
    given = {"origin": {"x": 9}, "points": [], "inner": {}, "color": "BLUE", "shape": {"radius": 1}}
    want = {**WANT, "origin": {"x": 9, "y": 7}, "points": [], "inner": INNER, "color": 4, "shape": {"radius": 1}}
    assert there_and_back(folder, given) == want


def test_kitex_sends_zero_values(folder):
    got = there_and_back(folder, {"origin": {"x": 1}, "unset": {"x": 2}, "strict": {"at": {"x": 1}}}, "kitex")
    assert "inner" not in got and got["shape"] == {} and got["names"] == got["colors"] == []
    assert (got["big"], got["color"], got["on"], got["id"]) == ("0", 0, False, "00000000-0000-0000-0000-000000000000")


@pytest.mark.parametrize("line,expected", [
    ('const base.Point P = {"z": 1}', 'expected the name of a field of Point, found z'),
    ('const base.Shape S = {"at": {"x": 1}, "radius": 2}', "expected one field of the union Shape, found 2"),
    ("const list<base.Point> L = [{}, 5]", "expected a value of Point, found 5"),
    ("const map<string, i8> M = {\"a\": 128}", "expected a value of i8, found 128"),
    ("const base.Color C = 3", "expected a value of Color, found 3"),
    ("const i32 N = base.TWO", "expected a constant, found \"base.TWO\", which is not known"),
])
def test_constants_that_do_not_fit(folder, line, expected):
    with open(folder + "/app.thrift", "a", encoding="utf-8") as f:
        f.write(line + "\n")
    with pytest.raises(AssertionError) as error:
        ask(folder, [])
    assert f"app.thrift:{len(APP.splitlines()) + 1}:" in str(error.value) and expected in str(error.value)


def test_a_struct_that_is_its_own_default_ends(folder):
    with open(folder + "/app.thrift", "a", encoding="utf-8") as f:
        f.write("struct Loop { 1: required Loop next = {} }\nservice Last { Loop Call(1: Loop value) }\n")
    answer, = ask(folder, [("in", "app", "Call", "-", b"{}")])
    assert answer == "ok " + "0c0001" * 18 + "00" * 19


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_in_each_encoding(folder, encoding):
    """Thrift's JSON has no maps with structs as keys."""
    want = dict(WANT)
    if encoding == "json":
        with open(folder + "/app.thrift", "w", encoding="utf-8") as f:
            f.write("".join(line + "\n" for line in APP.splitlines() if " names = " not in line))
        del want["names"]
    assert there_and_back(folder, {}, encoding=encoding) == want
