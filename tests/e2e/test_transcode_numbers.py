"""Numbers never change: every edge of every type, requests and answers, through the transcoder, in each encoding. What is
expected comes from Python's integers and doubles. A failure names its seed: GW_SEED=… runs that one alone."""
import json
import math
import os
import random
import struct
from decimal import Decimal, getcontext

import pytest

from support.slow_thrift import (BITS, Field, Method, Type, double_text, header, integer_bytes, integer_of, plain_bytes)
from support.transcode_probe import ENCODINGS, ask, in_encoding

INTEGERS = ("i8", "i16", "i32", "i64")
KINDS = INTEGERS + ("double",)
IDL = "service Numbers {\n" + "\n".join(f"list<{kind}> {kind}s(1: list<{kind}> v)" for kind in KINDS) + \
    "\nmap<i64, double> maps(1: map<i64, double> v)\n}\n"
TOLD = 20
RANDOM = 400 if os.environ.get("GW_SANITIZE") else 4000
getcontext().prec = 1200


def method(kind):
    type = Type("list", value=Type(kind))
    return Method(f"{kind}s", [Field(1, "v", type)], type, [])


def edges():
    """±2^n and their neighbours, the limits of doubles' integers, powers of ten."""
    around = {sign * (1 << n) + more for n in range(70) for sign in (1, -1) for more in (-1, 0, 1)}
    return sorted(around | {sign * 10 ** n + more for n in range(22) for sign in (1, -1) for more in (-1, 0, 1)})


def random_numbers(rng, count):
    return [rng.randint(-1 << bits, 1 << bits) for bits in (rng.randint(1, 66) for _ in range(count))]


def forms(rng, value):
    """Ways to write it that are all whole."""
    plain, zeroes = str(value), rng.randint(1, 25)
    stripped = plain.rstrip("0") or "0"
    return (plain, f"{plain}.{'0' * zeroes}", f"{plain}e0", f"{plain}E+00", f"{plain}{'0' * zeroes}e-{zeroes}" if value else f"0e-{zeroes}",
            f"{stripped}e{len(plain) - len(stripped)}" if value else "-0.0e5", f"{plain}.0e0")


def fractions(value):
    plain = str(value)
    return f"{plain}.5", f"{plain}.{'0' * 30}1", f"{plain}1e-1" if value else "1e-1", f"{plain}.99999999999999999999"


def fits(value, kind):
    return -1 << BITS[kind] - 1 <= value < 1 << BITS[kind] - 1


def args(kind, values):
    """The args struct, in binary."""
    return b"\x0f\0\1" + plain_bytes(Type("list", value=Type(kind)), values) + b"\0"


class Batch:
    """Questions for the probe, all asked at once, and how to look at each answer."""

    def __init__(self, encoding, folder):
        self.encoding, self.folder, self.lines, self.checks = encoding, folder, [], []

    def request(self, kind, text, options, check):
        self.lines.append(("in", "numbers", f"{kind}s", options, b'{"v":' + text.encode() + b"}"))
        self.checks.append((text, check))

    def answer(self, kind, data, options, check):
        result = in_encoding(self.encoding, method(kind).result, data)
        self.lines.append(("out", "numbers", f"{kind}s", options, result))
        self.checks.append((data, check))

    def run(self):
        answers = ask(str(self.folder), self.lines, self.encoding)
        for (what, check), answer in zip(self.checks, answers):
            wrong = check(answer)
            assert not wrong, f"{self.encoding}: {str(what)[:300]}: {wrong}, told {answer[:300]}"
        return len(answers)


@pytest.fixture
def rng(request):
    seed = int(os.environ.get("GW_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"GW_SEED={seed}")
    return random.Random(seed)


@pytest.fixture(params=ENCODINGS)
def batch(request, tmp_path):
    (tmp_path / "numbers.thrift").write_text(IDL)
    return Batch(request.param, tmp_path)


def arrives(batch, kind, values):
    want = "ok " + in_encoding(batch.encoding, method(kind).arguments, args(kind, values)).hex()
    return lambda answer: None if answer == want else f"expected {want[:300]}"


def refused(count):
    """Every element, each told."""
    def check(answer):
        told = [e["pointer"] for e in json.loads(answer[3:])] if answer.startswith("no ") else None
        return None if told == [f"/v/{i}" for i in range(count)] else "expected each to be refused"
    return check


def in_groups(items, size):
    return [items[i:i + size] for i in range(0, len(items), size)]


def array(texts):
    return "[" + ",".join(texts) + "]"


# ---- integers

@pytest.mark.parametrize("kind", INTEGERS)
def test_integers_of_requests(batch, rng, kind):
    values = edges() + random_numbers(rng, RANDOM)
    good, bad = [v for v in values if fits(v, kind)], [v for v in values if not fits(v, kind)]
    for group in in_groups(good, 50):
        batch.request(kind, array(map(str, group)), "-", arrives(batch, kind, group))
        batch.request(kind, array(rng.choice(forms(rng, v)) for v in group), "-", arrives(batch, kind, group))
        if kind == "i64":
            for rule in ("int64:string", "int64:auto", "kitex"):
                texts = array(f'"{rng.choice(forms(rng, v))}"' for v in group)
                batch.request(kind, texts, rule, arrives(batch, kind, group))
    for group in in_groups(bad, TOLD):
        batch.request(kind, array(rng.choice(forms(rng, v)) for v in group), "-", refused(len(group)))
    for group in in_groups([text for v in values for text in fractions(v)], TOLD):
        batch.request(kind, array(group), "-", refused(len(group)))
        cut = [int.from_bytes(integer_bytes(integer_of(t.encode())[0], kind), "big", signed=True) for t in group]
        batch.request(kind, array(group), "kitex", arrives(batch, kind, cut))
    assert batch.run() > 100


@pytest.mark.parametrize("kind", INTEGERS)
def test_integers_of_answers(batch, rng, kind):
    values = [v for v in edges() + random_numbers(rng, RANDOM) if fits(v, kind)]
    for group in in_groups(values, 50):
        data = result(kind, group)
        texts = [str(v) for v in group]
        quoted = [f'"{t}"' for t in texts]
        auto = [q if abs(v) > 2 ** 53 - 1 else t for v, t, q in zip(group, texts, quoted)]
        wide = kind == "i64"
        for rule, want in (("-", texts), ("int64:string", quoted if wide else texts), ("int64:auto", auto if wide else texts)):
            batch.answer(kind, data, rule, is_text(array(want)))
    assert batch.run() > 2


def result(kind, values):
    return b"\x0f\0\0" + plain_bytes(Type("list", value=Type(kind)), values) + b"\0"


def is_text(want):
    return lambda answer: None if answer.split(" ", 3)[-1] == want else f"expected {want[:300]}"


# ---- doubles

def from_bits(bits):
    return struct.unpack(">d", bits.to_bytes(8, "big"))[0]


def doubles(rng):
    """Every power of two with its neighbours, those of integers, random patterns, subnormal ones."""
    powers = [from_bits(exponent << 52) for exponent in range(1, 2047)] + [from_bits(1 << n) for n in range(52)]
    near = [math.nextafter(v, to) for v in powers for to in (0, math.inf)]
    random_ones = [from_bits(rng.getrandbits(64)) for _ in range(RANDOM)] + \
        [from_bits(rng.getrandbits(rng.randint(1, 52))) for _ in range(RANDOM // 10)]
    whole = [float(v) for v in edges()] + [float(v) for v in random_numbers(rng, RANDOM // 10)]
    tens = [float(f"{digits}e{n}") for n in range(-324, 309) for digits in (1, 9.5)]
    both = [sign * v for v in powers + near + tens for sign in (1, -1)]
    return [v for v in both + random_ones + whole + [0.0, -0.0] if math.isfinite(v)]


def half_way(value):
    """The decimal between it and the next double, exactly: hundreds of digits."""
    after = math.nextafter(value, math.inf)
    return (Decimal(value) + Decimal(after)) / 2 if math.isfinite(after) else None


def double_forms(rng, value):
    exact, half = Decimal(value), half_way(value)
    texts = [repr(value), double_text(value), f"{value:.17e}", f"{value:.60e}"]
    if len(exact.as_tuple().digits) < 800 and rng.random() < 0.05:
        texts += [f"{exact:f}", str(exact)]
        texts += [f"{half:e}", f"{half:e}".replace("e", "0000001e"), f"{half:e}".replace("e", "00e")] if half else []
    return [t for t in texts if t.lower().strip("-0123456789.e+") == "" and math.isfinite(float(t))]


def test_doubles_of_requests(batch, rng):
    texts = [text for value in doubles(rng) for text in rng.sample(double_forms(rng, value), 2)]
    for group in in_groups(texts, 40):
        batch.request("double", array(group), "-", arrives(batch, "double", [float(t) for t in group]))
    whole = [text for v in edges() for text in forms(rng, v)]
    for group in in_groups(whole, 40):
        batch.request("double", array(group), "-", arrives(batch, "double", [float(t) for t in group]))
    tiny = ["1e-400", "-1e-999999", "2.4703282292062327e-324", "2.4703282292062328e-324", "0e9999", "0." + "0" * 400 + "1"]
    batch.request("double", array(tiny), "-", arrives(batch, "double", [float(t) for t in tiny]))
    assert batch.run() > 400


def test_doubles_beyond_the_range(batch):
    """From half way between the largest one and 2^1024."""
    limit = (Decimal(1.7976931348623157e308) + Decimal(2) ** 1024) / 2
    good = ["1.7976931348623157e308", "1.7976931348623158e308", f"{limit - 1:f}", f"-{limit - 1:f}"]
    bad = ["1e309", "-1e309", "1.7976931348623159e308", f"{limit:f}", f"-{limit:f}", "1e400", "1e99999999999999999999", "9" * 400]
    assert [math.isinf(float(t)) for t in good + bad] == [False] * len(good) + [True] * len(bad)
    batch.request("double", array(good), "-", arrives(batch, "double", [float(t) for t in good]))
    batch.request("double", array(bad), "-", refused(len(bad)))
    batch.request("double", array(bad), "kitex", refused(len(bad)))
    assert batch.run() == 3


def test_doubles_of_answers(batch, rng):
    for group in in_groups(doubles(rng), 40):
        def same(answer, group=group):
            texts = answer.split(" ", 3)[-1].strip("[]").split(",")
            if [struct.pack(">d", float(t)) for t in texts] != [struct.pack(">d", v) for v in group]:
                return "another double"
            return None if texts == [double_text(v) for v in group] else "not the shortest text"
        batch.answer("double", result("double", group), "-", same)
    assert batch.run() > 100


# ---- keys

def test_numbers_as_keys(batch, rng):
    pairs = [(k, float(k)) for k in sorted({v for v in edges() if fits(v, "i64")})]
    type = Type("map", key=Type("i64"), value=Type("double"))
    maps = Method("maps", [Field(1, "v", type)], type, [])
    for group in in_groups(pairs, 30):
        text = "{" + ",".join(f'"{k}":{double_text(v)}' for k, v in group) + "}"
        data = header(type, len(group)) + b"".join(integer_bytes(k, "i64") + struct.pack(">d", v) for k, v in group) + b"\0"
        want = "ok " + in_encoding(batch.encoding, maps.arguments, b"\x0d\0\1" + data).hex()
        batch.request("map", text, "-", lambda answer, want=want: None if answer == want else f"expected {want[:300]}")
        batch.lines.append(("out", "numbers", "maps", "int64:string", in_encoding(batch.encoding, maps.result, b"\x0d\0\0" + data)))
        batch.checks.append((text, is_text(text)))
    assert batch.run() > 10
