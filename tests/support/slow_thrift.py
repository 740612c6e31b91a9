"""JSON to Thrift binary and back, slowly and plainly: what the transcoder of the gateway is compared with. It shares no
code with it and reads no IDL: schemas are the objects below (random_thrift.py makes some and prints them as IDL).

The rules it follows (Rules are the options of a config):
* A body is the one argument if that is a struct, else an object with the arguments by name. Null is absent.
* Strict: each value has exactly its type's form. Integers may be written with a fraction or exponent as long as they
  are whole; enums by number or name; binary is base64. What is absent is its default, else not sent, else, if required,
  a misfit. An unknown field, a field given twice, each but the first field of a union, and a union with none are
  misfits. So is what was given before in a set, and as a key of a map: told where the container ends, if all in it fits.
* Kitex: numbers are truncated and wrapped, text is taken for numbers ("abc" is 0), true is 1, anything is text for a
  string, one value is a list of one, what else does not fit is zero. What is absent is zero unless optional. Unknown
  fields are passed over; one given twice is written twice, or, where null comes last, with zero behind. Keys
  of maps, base64 and UUIDs are as strict as ever.
* Fields are written in the order of the body, then the absent ones in the order of the IDL.
* A map whose keys are no scalars is an array of pairs. Keys that are NaN or infinite are words, if the option has those.
* A misfit is (JSON pointer, "file:line" of the IDL or None). A syntax error has the pointer of the last value begun. A
  map's key stands in a pointer as the gateway itself writes such keys.
* From the wire: what is unknown or of another type is passed over; a required field missing, a field twice, two results
  are bad; so are a union without a field (but one that is not known), or with two, unless in kitex. An absent field is
  absent. A byte that is no UTF-8 is U+FFFD."""
import base64
import json
import math
import re
import struct
import uuid

DEPTH = 64  # of JSON's containers, and of values within a result
NO_DEFAULT = object()
WIRE = {"bool": 2, "i8": 3, "double": 4, "i16": 6, "i32": 8, "enum": 8, "i64": 10, "string": 11, "binary": 11,
        "struct": 12, "union": 12, "exception": 12, "map": 13, "set": 14, "list": 15, "uuid": 16}
FIXED = {2: 1, 3: 1, 4: 8, 6: 2, 8: 4, 10: 8, 16: 16}  # bytes of a value, by type on the wire
BITS = {"i8": 8, "i16": 16, "i32": 32, "enum": 32, "i64": 64}
RECORDS, CONTAINERS = ("struct", "union", "exception"), ("list", "set", "map")


class Rules:
    def __init__(self, kitex=False, names=False, int64="number", nan="null", url=False):
        self.kitex, self.names, self.int64, self.nan, self.url = kitex, names, int64, nan, url

    def words(self):
        """As transcode_probe wants them."""
        words = ["kitex"] * self.kitex + ["names"] * self.names + ["base64url"] * self.url
        return ",".join(words + [f"int64:{self.int64}", f"nan:{self.nan}"])


# ---- schemas

class Type:
    def __init__(self, kind, key=None, value=None, record=None, enum=None, alias=None, as_text=False):
        self.kind, self.key, self.value, self.record, self.enum = kind, key, value, record, enum
        self.as_text = as_text  # i64: a string in JSON, by an annotation
        self.alias = alias  # typedef that stands for it in the IDL
        self.wire = WIRE[kind]


class Field:
    def __init__(self, id, name, type, need="", default=NO_DEFAULT):
        self.id, self.name, self.type, self.need, self.default = id, name, type, need, default
        self.origin = None  # "file:line", once printed
        self.js_conv = False  # annotated so: the i64 in its type are as_text


class Record:
    def __init__(self, kind, name, fields=()):
        self.kind, self.name, self.fields, self.origin = kind, name, list(fields), None

    def index(self):
        self.by_name = {f.name.encode(): f for f in self.fields}
        self.by_id = {f.id: f for f in self.fields}


class Enum:
    def __init__(self, name, members):
        self.name, self.members = name, members  # pairs of name and number
        self.numbers = dict(members)
        self.names = dict((number, name) for name, number in reversed(members))


class Method:
    def __init__(self, name, arguments, success, throws, oneway=False):
        self.name, self.success, self.throws, self.oneway, self.origin = name, success, throws, oneway, None
        self.arguments = Record("struct", name, arguments)
        self.result = Record("struct", name, ([Field(0, "success", success)] if success else []) + throws)
        self.arguments.index()
        self.result.index()
        single = len(arguments) == 1 and arguments[0].type.kind in RECORDS
        self.single = arguments[0] if single else None


# ---- JSON's grammar: a tree that ends where the text goes wrong

class Node:
    """whole: nothing in it is wrong. kind: object, array, string, number, true, false, null; broken: no value begins
    there. items: of an object pairs of key and node, with None for a key that is wrong."""

    def __init__(self, kind, start, text=b""):
        self.kind, self.start, self.end, self.text, self.items, self.whole = kind, start, start, text, [], True


NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
NUMBER_BEGUN = re.compile(rb"[-+.0-9eE]*")
PLAIN = re.compile(rb'[^"\\\x00-\x1f]*')
SPACE = re.compile(rb"[ \t\r\n]*")
ESCAPES = {b: c for b, c in zip(b'"\\/bfnrt', b'"\\/\b\f\n\r\t')}


class Wrong(Exception):
    pass


class Parser:
    def __init__(self, text):
        self.text, self.at = text, 0

    def peek(self):
        self.at = SPACE.match(self.text, self.at).end()
        return self.text[self.at:self.at + 1]

    def document(self):
        """The root, and whether nothing but space follows it."""
        root = self.value(0)
        return root, not root.whole or self.peek() == b""

    def value(self, depth):
        c = self.peek()
        start = self.at
        if c in (b"{", b"[") and c and depth < DEPTH:
            node = Node("object" if c == b"{" else "array", start)
            self.at += 1
            node.whole = (self.members if c == b"{" else self.elements)(node, depth + 1)
        elif c == b'"':
            node = Node("string", start)
            try:
                node.text = self.string()
            except Wrong:
                node.whole = False
        else:
            node = self.word(start)
        node.end = self.at
        return node

    def word(self, start):
        for word in (b"true", b"false", b"null"):
            if self.text.startswith(word, start):
                self.at += len(word)
                return Node(word.decode(), start)
        match = NUMBER.match(self.text, start)
        if match and not self.number_goes_on(match.end()):
            self.at = match.end()
            return Node("number", start, match[0])
        node = Node("broken", start)
        node.whole = False
        return node

    def number_goes_on(self, end):
        """1. and 1e are no numbers with something behind them but broken ones."""
        behind = self.text[end:end + 1]
        number = self.text[self.at:end]
        return (behind == b"." and not re.search(rb"[.eE]", number)) or \
            (behind in (b"e", b"E") and behind and not re.search(rb"[eE]", number))

    def string(self):
        out = bytearray()
        self.at += 1
        while True:
            plain = PLAIN.match(self.text, self.at)
            out += plain[0]
            self.at = plain.end()
            c = self.text[self.at:self.at + 1]
            if c == b'"':
                break
            if c != b"\\":
                raise Wrong
            out += self.escape()
        self.at += 1
        try:
            out.decode("utf-8")
        except UnicodeDecodeError:
            raise Wrong from None
        return bytes(out)

    def escape(self):
        letter = self.text[self.at + 1:self.at + 2]
        if letter != b"u":
            self.at += 2
            if not letter or letter[0] not in ESCAPES:
                raise Wrong
            return bytes([ESCAPES[letter[0]]])
        unit = self.unit()
        if 0xdc00 <= unit < 0xe000:
            raise Wrong
        if 0xd800 <= unit < 0xdc00:
            low = self.unit()
            if not 0xdc00 <= low < 0xe000:
                raise Wrong
            unit = 0x10000 + (unit - 0xd800) * 0x400 + low - 0xdc00
        return chr(unit).encode()

    def unit(self):
        match = re.compile(rb"\\u([0-9a-fA-F]{4})").match(self.text, self.at)
        if not match:
            raise Wrong
        self.at = match.end()
        return int(match[1], 16)

    def members(self, node, depth):
        """Fills an object; false if the text goes wrong in it."""
        if self.peek() == b"}":
            self.at += 1
            return True
        while True:
            key = None
            try:
                if self.peek() != b'"':
                    raise Wrong
                key = self.string()
                if self.peek() != b":":
                    raise Wrong
            except Wrong:
                node.items.append((key, self.broken()))
                return False
            self.at += 1
            value = self.value(depth)
            node.items.append((key, value))
            if not value.whole:
                return False
            c = self.peek()
            if c not in (b",", b"}") or not c:
                node.items.append((None, self.broken()))
                return False
            self.at += 1
            if c == b"}":
                return True

    def elements(self, node, depth):
        if self.peek() == b"]":
            self.at += 1
            return True
        while True:
            value = self.value(depth)
            node.items.append(value)
            if not value.whole:
                return False
            c = self.peek()
            if c not in (b",", b"]") or not c:
                node.items.append(self.broken())
                return False
            self.at += 1
            if c == b"]":
                return True

    def broken(self):
        node = Node("broken", self.at)
        node.whole = False
        return node


# ---- numbers

def integer_of(text):
    """The number cut to a whole one, and whether nothing was cut off. Beyond 64 bits it is the nearest that fits."""
    match = re.fullmatch(rb"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([-+]?[0-9]+))?", text)
    fraction = match[3] or b""
    digits, exponent = (match[2] + fraction).lstrip(b"0"), int(match[4] or 0) - len(fraction)
    if not digits:
        return 0, True
    if exponent >= 0:
        value, exact = int(digits) * 10 ** min(exponent, 30), True
    elif -exponent >= len(digits):
        value, exact = 0, False
    else:
        value, exact = int(digits[:exponent]), not digits[exponent:].strip(b"0")
    value = -value if match[1] else value
    nearest = max(-1 << 63, min((1 << 63) - 1, value))
    return nearest, exact and nearest == value


def fits(value, kind):
    return -1 << BITS[kind] - 1 <= value < 1 << BITS[kind] - 1


def integer_bytes(value, kind):
    size = BITS[kind] // 8
    return (value & (1 << BITS[kind]) - 1).to_bytes(size, "big")


def double_text(value):
    """The shortest text, written as JavaScript does."""
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0") or "0"
    sign = "-" if value < 0 else ""
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    if 0 < point <= 21:
        padded = digits.ljust(point, "0")
        return sign + padded[:point] + ("." + padded[point:] if len(padded) > point else "")
    return sign + digits[0] + ("." + digits[1:] if len(digits) > 1 else "") + f"e{point - 1:+d}"


def pointer_step(step):
    return "/" + step.replace("~", "~0").replace("/", "~1")


def encode_base64(data, url=False):
    text = base64.urlsafe_b64encode(data).rstrip(b"=") if url else base64.b64encode(data)
    return text.decode()


def decode_base64(text, url=False):
    """None if it is none: another alphabet, padding missing (unless url) or wrong, bits behind the last byte."""
    try:
        padded = text + b"=" * (-len(text) % 4) if url and b"=" not in text else text
        data = base64.b64decode(padded, altchars=b"-_" if url else None, validate=True)
    except ValueError:
        return None
    if url and re.search(rb"[+/]", text):
        return None
    return data if base64.b64encode(data, b"-_" if url else None) == padded else None


NAN_WORDS = {b"NaN": math.nan, b"Infinity": math.inf, b"-Infinity": -math.inf}


def nan_word(value):
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def is_pairs(type):
    return type.kind == "map" and type.key.kind in RECORDS + CONTAINERS


def decode_uuid(text):
    digits = rb"[0-9a-fA-F]"
    match = re.fullmatch(digits + b"{8}-" + (digits + b"{4}-") * 3 + digits + b"{12}", text)
    return bytes.fromhex(text.replace(b"-", b"").decode()) if match else None


# ---- JSON to Thrift

def string_bytes(data):
    return struct.pack(">i", len(data)) + data


def header(type, count):
    """Of a list, set or map."""
    key = bytes([type.key.wire]) if type.kind == "map" else b""
    return key + bytes([type.value.wire]) + struct.pack(">i", count)


def field_header(field):
    return struct.pack(">Bh", field.type.wire, field.id)


def zero(type):
    if type.kind in CONTAINERS:
        return header(type, 0)
    return b"\0" * {11: 4, 12: 1}.get(type.wire, FIXED.get(type.wire, 0))


def plain_bytes(type, value):
    """A Python value: numbers, str, bytes, lists, pairs for a map, pairs of field and value for a record."""
    if type.kind == "bool":
        return b"\1" if value else b"\0"
    if type.kind in BITS:
        return integer_bytes(value, type.kind)
    if type.kind == "double":
        return struct.pack(">d", value)
    if type.kind in ("string", "binary"):
        return string_bytes(value.encode() if isinstance(value, str) else value)
    if type.kind == "uuid":
        return value
    if type.kind == "map":
        pairs = b"".join(plain_bytes(type.key, k) + plain_bytes(type.value, v) for k, v in value)
        return header(type, len(value)) + pairs
    if type.kind in CONTAINERS:
        return header(type, len(value)) + b"".join(plain_bytes(type.value, v) for v in value)
    return b"".join(field_header(f) + plain_bytes(f.type, v) for f, v in value) + b"\0"


class Syntax(Exception):
    pass


class Encoder:
    def __init__(self, method, text, rules):
        self.method, self.text, self.kitex, self.rules = method, text, rules.kitex, rules
        self.out, self.misfits = bytearray(), []
        self.path, self.origins = [], []  # a step for each container that is open; None: at nothing yet

    # misfits

    def pointer(self, *more):
        return "".join(pointer_step(step) for step in self.path + list(more) if step is not None)

    def origin(self):
        return next((o for o in reversed(self.origins) if o), self.method.origin)

    def misfit(self, origin, *more):
        self.misfits.append((self.pointer(*more), origin))

    def wrong(self, node):
        self.misfit(self.origin())
        self.skip(node)

    def skip(self, node):
        if not node.whole:
            raise Syntax

    def mismatch(self, type, node):
        if self.kitex and (type.kind not in ("binary", "uuid") or node.kind == "null"):
            self.out += zero(type)
            self.skip(node)
        else:
            self.wrong(node)

    # values

    def run(self):
        if not self.text.strip(b" \t\r\n") and not self.method.arguments.fields:
            return b"\0"
        root, ended = Parser(self.text).document()
        single = self.method.single
        if single:
            self.out += field_header(single)
        try:
            self.value(single.type if single else Type("struct", record=self.method.arguments), root, root=True)
            if not ended:
                raise Syntax
        except Syntax:
            self.misfits.append((self.pointer(), None))
        if single:
            self.out += b"\0"
        return bytes(self.out)

    def value(self, type, node, root=False):
        while self.kitex and type.kind in ("list", "set") and node.kind not in ("array", "null", "broken"):
            self.out += header(type, 1)
            type = type.value
        if node.kind == "broken":
            raise Syntax
        if type.kind == "string":
            self.string(type, node)
        elif type.kind == "binary":
            self.binary(type, node)
        elif type.kind == "map":
            wanted, take = ("array", self.pairs) if is_pairs(type) else ("object", self.map)
            take(type, node) if node.kind == wanted else self.mismatch(type, node)
        elif type.kind in CONTAINERS:
            self.items(type, node) if node.kind == "array" else self.mismatch(type, node)
        elif type.kind in RECORDS:
            self.record_or_not(type, node, root)
        else:
            self.scalar(type, node)

    def string(self, type, node):
        if node.kind == "string" or self.kitex:
            self.skip(node)
            raw = self.text[node.start:node.end]
            texts = {"string": node.text, "null": b""}
            self.out += string_bytes(texts.get(node.kind, raw))
        else:
            self.mismatch(type, node)

    def binary(self, type, node):
        if node.kind != "string":
            self.mismatch(type, node)
            return
        self.skip(node)
        data = decode_base64(node.text, self.rules.url)
        if data is None:
            self.misfit(self.origin())
        self.out += string_bytes(data or b"")

    def items(self, type, node):
        at, elements, misfits = len(self.out), [], len(self.misfits)
        self.path.append(None)
        for i, item in enumerate(node.items):
            if item.kind == "broken":
                raise Syntax
            self.path[-1] = str(i)
            elements.append((str(i), len(self.out)))
            self.value(type.value, item)
            elements[-1] += (len(self.out),)
        if type.kind == "set":
            self.repeats(elements, misfits)
        self.path.pop()
        self.out[at:at] = header(type, len(node.items))

    def repeats(self, elements, misfits):
        """elements: steps and where their bytes stand; misfits: how many there were before the container."""
        seen = set()
        if self.kitex or len(self.misfits) != misfits:
            return
        for step, begin, end in elements:
            self.path[-1] = step
            data = bytes(self.out[begin:end])
            if data in seen:
                self.misfit(self.origin())
            seen.add(data)

    def pairs(self, type, node):
        at, keys, misfits = len(self.out), [], len(self.misfits)
        self.path.append(None)
        for i, item in enumerate(node.items):
            if item.kind == "broken":
                raise Syntax
            self.path[-1] = str(i)
            if item.kind != "array":
                self.wrong(item)
                continue
            self.path.append(None)
            for j, part in enumerate(item.items):
                if part.kind == "broken":
                    raise Syntax
                self.path[-1] = str(j)
                if j > 1:
                    self.wrong(part)
                    continue
                begin = len(self.out)
                self.value(type.value if j else type.key, part)
                if j == 0:
                    keys.append((str(i), begin, len(self.out)))
            self.path.pop()
            if len(item.items) < 2:
                self.misfit(self.origin())
        self.repeats(keys, misfits)
        self.path.pop()
        self.out[at:at] = header(type, len(node.items))

    def map(self, type, node):
        at, keys, misfits = len(self.out), [], len(self.misfits)
        self.path.append(None)
        for key, item in node.items:
            if key is None:
                raise Syntax
            data, shown = self.key(type.key, key)
            if data is None:
                self.path[-1] = None
                self.misfit(self.origin(), key.decode())
                self.skip(item)
                continue
            self.path[-1] = shown
            keys.append((shown, len(self.out), len(self.out) + len(data)))
            self.out += data
            self.value(type.value, item)
        self.repeats(keys, misfits)
        self.path.pop()
        self.out[at:at] = header(type, len(node.items))

    def key(self, type, text):
        """Its bytes, and how it stands in pointers."""
        if type.kind == "string":
            return string_bytes(text), text.decode()
        if type.kind == "binary":
            data = decode_base64(text, self.rules.url)
            return (None, None) if data is None else (string_bytes(data), encode_base64(data, self.rules.url))
        if type.kind == "uuid":
            data = decode_uuid(text)
            return data, data and str(uuid.UUID(bytes=data))
        if type.kind == "bool":
            return {b"true": b"\1", b"false": b"\0"}.get(text), text.decode()
        if type.kind == "enum" and text.decode() in type.enum.numbers:
            number = type.enum.numbers[text.decode()]
            return integer_bytes(number, "i32"), str(number)
        if type.kind == "double" and self.rules.nan == "string" and text in NAN_WORDS:
            return struct.pack(">d", NAN_WORDS[text]), text.decode()
        if not NUMBER.fullmatch(text):
            return None, None
        if type.kind == "double":
            value = float(text)
            return (None, None) if math.isinf(value) else (struct.pack(">d", value), double_text(value))
        if type.kind not in BITS or not re.fullmatch(rb"-?[0-9]+", text) or not fits(int(text), type.kind):
            return None, None
        return integer_bytes(int(text), type.kind), str(int(text))

    def scalar(self, type, node):
        if node.kind == "string" and (self.kitex or type.kind in ("enum", "uuid") or self.takes_digits(type) or
                                      (type.kind == "double" and self.rules.nan == "string")):
            self.skip(node)
            data = self.scalar_of_text(type, node.text)
        elif node.kind in ("number", "true", "false"):
            data = self.scalar_of_number(type, node.text) if node.kind == "number" \
                else self.scalar_of_literal(type, node.kind == "true")
        else:
            self.mismatch(type, node)
            return
        if data is None:
            self.misfit(self.origin())
        else:
            self.out += data

    def scalar_of_number(self, type, text):
        if type.kind == "uuid":
            return None
        if type.kind == "bool":
            return (b"\1" if float(text) else b"\0") if self.kitex else None
        if type.kind == "double":
            return struct.pack(">d", float(text)) if math.isfinite(float(text)) else None
        value, exact = integer_of(text)
        return integer_bytes(value, type.kind) if self.kitex or (exact and fits(value, type.kind)) else None

    def scalar_of_literal(self, type, truth):
        if type.kind == "bool":
            return bytes([truth])
        if not self.kitex or type.kind == "uuid":
            return None
        return struct.pack(">d", truth) if type.kind == "double" else integer_bytes(truth, type.kind)

    def takes_digits(self, type):
        return type.kind == "i64" and (type.as_text or self.rules.int64 != "number")

    def scalar_of_text(self, type, text):
        if type.kind == "uuid":
            return decode_uuid(text)
        if type.kind == "enum" and text.decode() in type.enum.numbers:
            return integer_bytes(type.enum.numbers[text.decode()], "i32")
        if type.kind == "double" and self.rules.nan == "string" and text in NAN_WORDS:
            return struct.pack(">d", NAN_WORDS[text])
        if not self.kitex:
            return self.scalar_of_number(type, text) if self.takes_digits(type) and NUMBER.fullmatch(text) else None
        if type.kind == "bool":
            return bytes([text in (b"1", b"t", b"T", b"true", b"True", b"TRUE")])
        return self.scalar_of_number(type, text) if NUMBER.fullmatch(text) else zero(type)

    # records

    def record_or_not(self, type, node, root):
        if node.kind == "object":
            self.record(type.record, node.items)
        elif not self.kitex:
            self.wrong(node)
        elif node.kind == "null" and not root:
            self.out += b"\0"
        else:
            self.record(type.record, ())
            self.skip(node)

    def record(self, record, items):
        given = set()
        self.path.append(None)
        self.origins.append(None)
        for key, item in items:
            if key is None:
                raise Syntax
            field = record.by_name.get(key)
            self.path[-1], self.origins[-1] = (field.name, field.origin) if field else (None, None)
            if not field:
                if not self.kitex:
                    self.misfit(record.origin or self.method.origin, key.decode())
                self.skip(item)
            elif field in given and not self.kitex:
                self.misfit(field.origin)
                self.skip(item)
            elif item.kind == "null":
                given.discard(field)
            elif record.kind == "union" and given and not self.kitex and item.kind != "broken":
                self.wrong(item)
            else:
                given.add(field)
                self.out += field_header(field) if item.kind != "broken" else b""
                self.value(field.type, item)
        self.path[-1] = self.origins[-1] = None
        if record.kind == "union" and not self.kitex:
            if not given:
                self.misfit(record.origin)
        else:
            for field in record.fields:
                if field not in given:
                    self.absent(record, field)
        self.out += b"\0"
        self.path.pop()
        self.origins.pop()

    def absent(self, record, field):
        optional = record.kind == "union" or (field.need == "optional" and record is not self.method.arguments)
        if self.kitex:
            if not optional:
                self.out += field_header(field) + zero(field.type)
        elif field.default is not NO_DEFAULT:
            self.out += field_header(field) + plain_bytes(field.type, field.default)
        elif field.need == "required" and record.kind != "union":
            self.misfit(field.origin, field.name)


def to_thrift(method, text, rules):
    """The args struct, and the misfits: with any, the bytes mean nothing."""
    encoder = Encoder(method, text, rules)
    data = encoder.run()
    return data, encoder.misfits


# ---- Thrift to JSON: objects as tuples of pairs, numbers as ("number", text)

class Bad(Exception):
    pass


class More(Exception):
    pass


def number(text):
    return "number", str(text)


class Decoder:
    def __init__(self, data, rules):
        self.data, self.at, self.names, self.rules = data, 0, rules.names, rules

    def take(self, size):
        if len(self.data) - self.at < size:
            raise More
        self.at += size
        return self.data[self.at - size:self.at]

    def unpack(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def field(self):
        """Type and id of the next one; None at the end."""
        wire = self.take(1)[0]
        if wire == 0:
            return None
        if wire not in FIXED and not 11 <= wire <= 15:
            raise Bad("no type")
        return wire, self.unpack(">h")[0]

    def known_fields(self, record, others=None):
        """One after the other, in front of their values; others are passed over, and their ids noted."""
        while found := self.field():
            field = record.by_id.get(found[1])
            if field and field.type.wire == found[0]:
                yield field
            else:
                self.skip(found[0], 0)
                if others is not None:
                    others.append(found[1])

    def result(self, record):
        outcome = value = None
        for field in self.known_fields(record):
            if outcome:
                raise Bad("two results")
            outcome, value = field, self.value(field.type, 1)
        if not outcome and 0 in record.by_id:
            raise Bad("no result")
        return outcome, value

    def value(self, type, depth):
        if type.kind in RECORDS:
            return self.record(type.record, depth)
        if type.kind in CONTAINERS:
            return self.container(type, depth)
        return self.scalar(type)

    def scalar(self, type, is_key=False):
        if type.kind == "bool":
            return self.take(1) == b"\1"
        if type.kind in BITS:
            value = int.from_bytes(self.take(BITS[type.kind] // 8), "big", signed=True)
            named = type.kind == "enum" and self.names and value in type.enum.names
            if type.kind == "i64" and (type.as_text or self.rules.int64 == "string" or
                                       (self.rules.int64 == "auto" and abs(value) >= 1 << 53)):
                return str(value)
            return type.enum.names[value] if named else number(value)
        if type.kind == "double":
            value = self.unpack(">d")[0]
            if math.isfinite(value):
                return number(double_text(value))
            if self.rules.nan == "refuse":
                raise Bad("not finite")
            return nan_word(value) if self.rules.nan == "string" or is_key else None
        if type.kind == "uuid":
            return str(uuid.UUID(bytes=bytes(self.take(16))))
        data = self.string()
        return encode_base64(data, self.rules.url) if type.kind == "binary" else repaired(data)

    def string(self):
        size = self.unpack(">i")[0]
        if size < 0:
            raise Bad("negative length")
        return self.take(size)

    def counted(self, wire):
        types = self.take(2 if wire == 13 else 1)
        count = self.unpack(">i")[0]
        if count < 0:
            raise Bad("negative count")
        return types, count

    def container(self, type, depth):
        begin = self.at
        self.take(6 if type.kind == "map" else 5)  # the whole head or nothing
        self.at = begin
        types, count = self.counted(type.wire)
        if count and types[-1] != type.value.wire:
            raise Bad("another type")
        if count and type.kind == "map" and types[0] != type.key.wire:
            raise Bad("another key")
        if depth == DEPTH + 1:
            raise Bad("too deep")
        if is_pairs(type):
            return [[self.value(type.key, depth + 1), self.value(type.value, depth + 1)] for _ in range(count)]
        if type.kind == "map":
            return tuple((self.key(type.key), self.value(type.value, depth + 1)) for _ in range(count))
        return [self.value(type.value, depth + 1) for _ in range(count)]

    def key(self, type):
        value = self.scalar(type, True)
        if isinstance(value, bool):
            return "true" if value else "false"
        return value[1] if isinstance(value, tuple) else value

    def record(self, record, depth):
        if depth == DEPTH + 1:
            raise Bad("too deep")
        seen, pairs, others = set(), [], []
        for field in self.known_fields(record, others):
            if field in seen:
                raise Bad("twice")
            seen.add(field)
            pairs.append((field.name, self.value(field.type, depth + 1)))
        if record.kind != "union" and any(f.need == "required" and f not in seen for f in record.fields):
            raise Bad("required")
        if record.kind == "union" and not self.rules.kitex and (len(seen) > 1 or not seen and not others):
            raise Bad("union")
        return tuple(pairs)

    def skip(self, wire, depth):
        if wire in FIXED:
            self.take(FIXED[wire])
        elif wire == 11:
            self.string()
        elif wire == 12:
            self.skip_record(depth)
        else:
            self.skip_container(wire, depth)

    def skip_record(self, depth):
        if depth == DEPTH:
            raise Bad("too deep")
        while found := self.field():
            self.skip(found[0], depth + 1)

    def skip_container(self, wire, depth):
        begin = self.at
        self.take(6 if wire == 13 else 5)
        self.at = begin
        types, count = self.counted(wire)
        if count == 0:
            return
        if any(t not in FIXED and not 11 <= t <= 15 for t in types):
            raise Bad("no type")
        if all(t in FIXED for t in types):
            self.take(count * sum(FIXED[t] for t in types))
            return
        if depth == DEPTH:
            raise Bad("too deep")
        for _ in range(count):
            for t in types:
                self.skip(t, depth + 1)


def repaired(data):
    """As UTF-8, with U+FFFD for each byte that is none."""
    out = ""
    while True:
        try:
            return out + data.decode()
        except UnicodeDecodeError as e:
            out, data = out + data[:e.start].decode() + "\ufffd", data[e.start + 1:]


def to_json(method, data, rules, decoder=Decoder):
    """("ok", id of the field that is set or None, bytes taken, value), ("more",) or ("bad",)."""
    decoder = decoder(data, rules)
    try:
        outcome, value = decoder.result(method.result)
    except More:
        return ("more",)
    except Bad:
        return ("bad",)
    return "ok", outcome.id if outcome else None, decoder.at, value


def read_json(text):
    """JSON text in the form to_json() gives."""
    def constant(word):
        raise ValueError(word)
    return json.loads(text, object_pairs_hook=tuple, parse_int=number, parse_float=number, parse_constant=constant)
