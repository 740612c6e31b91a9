"""Random schemas, printed as IDL; random values of them, as JSON bodies and as bytes of the wire, right and wrong.
Everything comes from the random.Random that is given. The schemas' objects are slow_thrift's."""
import base64
import json
import math
import struct
import uuid
from decimal import Decimal, getcontext

from .slow_thrift import (BITS, CONTAINERS, FIXED, NO_DEFAULT, RECORDS, Enum, Field, Method, Record, Rules,
                          Type, double_text, encode_base64, field_header, header, is_pairs, nan_word, plain_bytes,
                          string_bytes)

getcontext().prec = 200
SCALARS = ("bool", "i8", "i16", "i32", "i64", "double", "string", "binary", "uuid")
WORDS = ("id", "name", "list", "map", "string", "service", "type", "value", "include", "oneway", "throws", "x", "y2",
         "_z", "someLongerName", "true", "void", "kind", "next", "left", "union")
DOUBLES = (0.0, -0.0, 1.0, -1.5, 0.1, 1 / 3, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1e21, 1e22,
           123456789, 1e-6, 1e-7, 9007199254740993.0, 4.35, 1e16, 0.000123, 12345678901234567890.0)
CHARACTERS = 'abc XYZ 0189 _-./~"\\\'{}[],: \n\t\r\b\x01\x1f\x7f\u00e9\u20ac\U0001f600\ud7ff\uffff'


def rules(rng):
    """Options of a config; half of the time the defaults, but for the first two."""
    kitex, names = rng.random() < 0.5, rng.random() < 0.5
    if rng.random() < 0.5:
        return Rules(kitex, names)
    return Rules(kitex, names, rng.choice(("number", "string", "auto")), rng.choice(("null", "string", "refuse")),
                 rng.random() < 0.5)


# ---- schemas

class File:
    """One IDL file: what it defines, and what it may use of another one."""

    def __init__(self, rng, name, other=None):
        self.rng, self.name, self.other = rng, name, other
        self.enums, self.records, self.typedefs, self.consts, self.methods = [], [], [], [], []
        self.where = {}  # id() of an object: the file that defines it
        if other:
            self.where.update(other.where)
        self.names = 0
        for _ in range(rng.randint(1, 2)):
            self.add_enum()
        kinds = [rng.choice(("struct", "struct", "struct", "union", "exception")) for _ in range(rng.randint(3, 5))]
        for kind in kinds + ["struct", "exception"]:
            self.records.append(self.own(Record(kind, self.fresh(kind.capitalize()))))
        for record in self.records:
            self.fill(record)
        for record in self.records:
            record.index()
        for record in self.records:
            self.add_defaults(record.fields, record.kind)
        self.add_methods()
        self.extends = other is not None and rng.random() < 0.5

    def fresh(self, word):
        self.names += 1
        return f"{word}{self.names}" if self.rng.random() < 0.8 else f"{word}_{self.names}_{self.name}"

    def own(self, thing):
        self.where[id(thing)] = self
        return thing

    def add_enum(self):
        members, number = [], 0
        for i in range(self.rng.randint(1, 5)):
            if self.rng.random() < 0.4:
                number = self.rng.choice((-1, 7, 2 ** 31 - 10, -2 ** 31, self.rng.randint(-50, 50)))
            members.append((f"M{i}" if self.rng.random() < 0.7 else f"long_member_{i}", number))
            number += 1
        self.enums.append(self.own(Enum(self.fresh("Enum"), members)))

    def known(self, list_name):
        return getattr(self, list_name) + (getattr(self.other, list_name) if self.other else [])

    def scalar(self, kinds=SCALARS):
        kind = self.rng.choice(kinds + ("enum",))
        return Type("enum", enum=self.rng.choice(self.known("enums"))) if kind == "enum" else Type(kind)

    def type(self, records, depth=0):
        """Of what stands in `records`, if it has records."""
        dice = self.rng.random() + depth * 0.15
        if self.known("typedefs") and self.rng.random() < 0.1:
            name, target, _ = self.rng.choice(self.known("typedefs"))
            return target if not records or target.kind in SCALARS else self.scalar()
        if dice < 0.25 and records:
            record = self.rng.choice(records)
            made = Type(record.kind, record=record)
        elif dice < 0.5:
            kind = self.rng.choice(CONTAINERS)
            key = self.scalar() if kind == "map" else None
            if key and self.rng.random() < 0.08:
                key = self.pairs_key(records, depth)
            made = Type(kind, key=key, value=self.type(records, depth + 1))
        else:
            made = self.scalar()
        if self.rng.random() < 0.08 and made.kind not in RECORDS:
            alias = self.fresh("Alias")
            made = Type(made.kind, made.key, made.value, enum=made.enum, alias=alias)
            self.typedefs.append(self.own((alias, made, self)))
            self.where[id(made)] = self
        return made

    def pairs_key(self, records, depth):
        """A type that no key of a JSON object has."""
        if records and self.rng.random() < 0.3:
            record = self.rng.choice(records)
            return Type(record.kind, record=record)
        kind = self.rng.choice(CONTAINERS)
        return Type(kind, key=self.scalar() if kind == "map" else None, value=self.type((), depth + 1))

    def as_text(self, type):
        """The type where the field is annotated so."""
        if type.kind != "i64" and type.kind not in CONTAINERS:
            return type
        made = Type(type.kind, type.key, self.as_text(type.value) if type.value else None, alias=type.alias,
                    as_text=type.kind == "i64")
        if type.alias:
            self.where[id(made)] = self.where[id(type)]
        return made

    def field_names(self, count):
        names = []
        while len(names) < count:
            name = self.rng.choice(WORDS) + (f"_{len(names)}" if self.rng.random() < 0.5 else "")
            if name not in names:
                names.append(name)
            elif len(names) > 10:
                names.append(f"f{len(names)}")
        return names

    def ids(self, count):
        style = self.rng.random()
        if style < 0.7:
            return list(range(1, count + 1))
        if style < 0.9:
            return self.rng.sample(range(1, 32768), count)
        ids, missing = self.rng.sample(range(1, 100), count), 0
        for i in range(count):
            if self.rng.random() < 0.4:
                missing -= 1
                ids[i] = missing
        return ids

    def fill(self, record):
        count = self.rng.choice((0, 1, 3, 4, 5, 6, 7, 8, 9)) if self.rng.random() < 0.93 else self.rng.randint(60, 75)
        count = max(count, record.kind == "union")
        below = self.records[:self.records.index(record)] + (self.other.records if self.other else [])
        for i, (id, name) in enumerate(zip(self.ids(count), self.field_names(count))):
            need = self.rng.choice(("", "", "required", "optional", "optional") if count < 9 else ("", "optional"))
            first_of_union = record.kind == "union" and i == 0
            # A required struct of what comes later would be endless, and many of them very large.
            records = below if self.rng.random() < 0.2 else ()
            records = () if first_of_union else records if need == "required" else self.known("records")
            need = "" if record.kind == "union" else need
            field = Field(id, name, self.type(records), need)
            record.fields.append(field)
            if self.rng.random() < 0.1:
                field.js_conv, field.type = True, self.as_text(field.type)

    def add_defaults(self, fields, kind="struct"):
        for field in fields:
            if self.rng.random() < 0.25 and kind != "union" and constant_is_possible(field.type, 0):
                field.default = Values(self.rng, 5).value(field.type, 2, constant=True)
                if self.rng.random() < 0.2:
                    self.consts.append((self.fresh("CONST"), field.type, field.default))

    def add_methods(self):
        exceptions = [r for r in self.known("records") if r.kind == "exception"]
        others = [r for r in self.known("records") if r.kind != "exception"]
        for i in range(self.rng.randint(5, 7)):
            count = self.rng.choice((0, 1, 2, 3, 5, 8))
            needs = [self.rng.choice(("", "", "required", "optional")) for _ in range(count)]
            arguments = [Field(id, name, self.type(self.known("records")), need)
                         for id, name, need in zip(self.ids(count), self.field_names(count), needs)]
            if i < 3:
                record = self.rng.choice(others)
                arguments = [Field(1, "request", Type(record.kind, record=record))]
            self.add_defaults(arguments)
            record = self.rng.choice(others)
            success = self.type(self.known("records")) if i % 2 else Type(record.kind, record=record)
            success = None if i == 3 else success
            throws = [Field(id, f"failure{id}", Type("exception", record=record))
                      for id, record in enumerate(self.rng.sample(exceptions, self.rng.randint(0, len(exceptions))), 1)]
            oneway = i == 3 and self.rng.random() < 0.5
            self.methods.append(Method(f"{self.name}_method{i}", arguments, success, [] if oneway else throws, oneway))

    def all_methods(self):
        return self.methods + (self.other.all_methods() if self.extends else [])


def constant_is_possible(type, depth):
    if depth > 3:
        return False
    if type.kind in CONTAINERS:
        return (not type.key or type.key.kind not in CONTAINERS + RECORDS) and constant_is_possible(type.value, depth + 1)
    return type.kind not in RECORDS or all(constant_is_possible(f.type, depth + 1) for f in type.record.fields)


def leads_to_record(type):
    while type.kind in CONTAINERS and (not type.key or type.key.kind not in CONTAINERS):
        type = type.value
    return type.kind in RECORDS


# ---- schemas as text

class Printer:
    def __init__(self, file, prefix):
        self.file, self.rng, self.lines, self.out, self.path = file, file.rng, 1, [], prefix + file.name + ".thrift"

    def put(self, text):
        self.out.append(text)
        self.lines += text.count("\n")

    def space(self):
        dice, rare = self.rng.random(), self.rng.choice((" // it's \"x\n", " # y\n", "/* } */ ", "\t"))
        self.put(" " if dice < 0.9 else "\n  " if dice < 0.94 else rare)

    def words(self, *words):
        for word in words:
            self.put(word)
            self.space()

    def place(self):
        return f"{self.path}:{self.lines}"

    def separator(self):
        self.put(self.rng.choice((",", ";", "", "")))
        self.put("\n" if self.rng.random() < 0.9 else " ")

    def name_of(self, thing, name):
        owner = self.file.where[id(thing)]
        return name if owner is self.file else f"{owner.name}.{name}"

    def type(self, type):
        if type.alias:
            return self.name_of(type, type.alias)
        if type.kind == "map":
            return f"map<{self.type(type.key)},{self.rng.choice(('', ' '))}{self.type(type.value)}>"
        if type.kind in CONTAINERS:
            return f"{type.kind}<{self.type(type.value)}>"
        named = type.record or type.enum
        if named:
            return self.name_of(named, named.name)
        return "byte" if type.kind == "i8" and self.rng.random() < 0.3 else type.kind

    def literal(self, text):
        quote = self.rng.choice("\"'")
        names = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", quote: "\\" + quote}
        return quote + "".join(names.get(c, c) for c in text) + quote

    def integer(self, value):
        return f"{'-' if value < 0 else ''}0x{abs(value):x}" if self.rng.random() < 0.2 else str(value)

    def constant(self, type, value):
        for name, of, given in self.file.consts:
            if of is type and given is value and self.rng.random() < 0.5:
                return name
        return self.plain_constant(type, value)

    def plain_constant(self, type, value):
        if type.kind == "bool":
            return self.rng.choice(("true", "1") if value else ("false", "0"))
        if type.kind == "enum":
            name = type.enum.names.get(value)
            return f"{self.name_of(type.enum, type.enum.name)}.{name}" if self.rng.random() < 0.7 else str(value)
        if type.kind in BITS:
            return self.integer(value)
        if type.kind == "double":
            whole = value == int(value) and 0 < abs(value) < 1e15 and self.rng.random() < 0.5
            return str(int(value)) if whole else repr(value)
        if type.kind in ("string", "binary"):
            return self.literal(value if type.kind == "string" else value.decode())
        if type.kind == "uuid":
            return self.literal(str(uuid.UUID(bytes=value)))
        if type.kind == "map":
            pairs = ((self.plain_constant(type.key, k), self.plain_constant(type.value, v)) for k, v in value)
            return "{" + ", ".join(f"{k}: {v}" for k, v in pairs) + "}"
        if type.kind in CONTAINERS:
            return "[" + self.rng.choice((", ", "; ")).join(self.plain_constant(type.value, v) for v in value) + "]"
        return "{" + ", ".join(f"{self.literal(f.name)}: {self.plain_constant(f.type, v)}" for f, v in value) + "}"

    def field(self, field):
        if field.id > 0:
            self.put(str(field.id))
            self.words(":")
        if field.need:
            self.words(field.need)
        self.words(self.type(field.type))
        field.origin = self.place()
        self.words(field.name)
        if field.default is not NO_DEFAULT:
            self.words("=", self.constant(field.type, field.default))
        if field.js_conv:
            self.words(self.rng.choice(('(api.js_conv = "")', "(a = 'b', api.js_conv)")))
        elif self.rng.random() < 0.05:
            self.words(self.rng.choice(("(unused.note = 'x')", "(a, b = \"1\"; b = '2')", "()")))

    def record(self, record):
        self.words(record.kind)
        record.origin = self.place()
        self.words(record.name, "{")
        for field in record.fields:
            self.field(field)
            self.separator()
        self.words("}")

    def enum(self, enum):
        self.words("enum", enum.name, "{")
        expected = 0
        for name, number in enum.members:
            self.put(name)
            if number != expected or self.rng.random() < 0.3:
                self.words(" =", self.integer(number))
            expected = number + 1
            self.separator()
        self.words("}")

    def method(self, method):
        if method.oneway:
            self.words("oneway")
        self.words(self.type(method.success) if method.success else "void")
        method.origin = self.place()
        self.words(method.name, "(")
        for field in method.arguments.fields:
            self.field(field)
            self.words(self.rng.choice((",", ";", "")))
        self.words(")")
        if method.throws:
            self.words("throws (")
            for field in method.throws:
                self.field(field)
                self.words(",")
            self.words(")")
        self.separator()

    def file_text(self):
        self.words("namespace py", self.file.name)
        self.put("\n")
        if self.file.other:
            self.put(f'include "{self.file.other.name}.thrift"\n')
        definitions = [(self.enum, e) for e in self.file.enums] + [(self.record, r) for r in self.file.records]
        definitions += [(self.typedef, t) for t in self.file.typedefs] + [(self.const, c) for c in self.file.consts]
        self.rng.shuffle(definitions)
        for print_one, thing in definitions:
            self.put(self.rng.choice(("", "\n", "/** A definition. */\n")))
            print_one(thing)
            self.put("\n")
        if self.rng.random() < 0.3:
            self.put("service Other { void other() }\n")
        self.words("service", "Service")
        if self.file.extends:
            self.words("extends", self.file.other.name + ".Service")
        self.put("{\n")
        for method in self.file.methods:
            self.method(method)
        self.put("}\n")
        return "".join(self.out)

    def typedef(self, typedef):
        name, type, _ = typedef
        self.words("typedef", self.type(Type(type.kind, type.key, type.value, enum=type.enum)), name)

    def const(self, const):
        name, type, value = const
        self.words("const", self.type(type), name, "=", self.plain_constant(type, value))


def write_folder(rng, folder, count, prefix):
    """Writes that many files, every second one using the one before; returns them. prefix: of paths in the errors."""
    files = []
    for i in range(count):
        file = File(rng, f"file{i}", files[-1] if i % 2 else None)
        files.append(file)
        with open(f"{folder}/{file.name}.thrift", "w", encoding="utf-8") as f:
            f.write(Printer(file, prefix).file_text())
    return files


# ---- values

class Values:
    """Values in the form of slow_thrift.plain_bytes(). Once `room` is used up they hold no more than they must; below
    `depth`, and as far as the types allow, each holds one that holds more."""

    def __init__(self, rng, room=0, depth=0):
        self.rng, self.room, self.depth = rng, room or rng.choice((15, 40, 150)), depth

    def integer(self, kind):
        bits = BITS[kind]
        top = (1 << bits - 1) - 1
        return self.rng.choice((0, 1, -1, top, -top - 1, self.rng.randint(-100, 100), self.rng.randint(-top - 1, top)))

    def text(self, constant):
        length = self.rng.choice((0, 1, 3, 10, 15, 16, 17, 33)) if self.rng.random() < 0.97 else 300
        if not constant and self.rng.random() < 0.002:
            return self.text(True) * 100
        pool = 'abc "\\\'\n\t\u20ac' if constant else CHARACTERS
        return "".join(self.rng.choice(pool) for _ in range(length))

    def scalar(self, type, constant):
        rng = self.rng
        if type.kind == "bool":
            return rng.random() < 0.5
        if type.kind == "enum":
            known = constant or rng.random() < 0.8
            return rng.choice(type.enum.members)[1] if known else rng.randint(-2 ** 31, 2 ** 31 - 1)
        if type.kind in BITS:
            return self.integer(type.kind)
        if type.kind == "double":
            if rng.random() < 0.6:
                return float(rng.choice(DOUBLES))
            value = struct.unpack(">d", rng.randbytes(8))[0]
            return value if math.isfinite(value) else 0.5
        if type.kind == "string":
            return self.text(constant)
        if type.kind == "binary":
            return self.text(True).encode() if constant else rng.randbytes(rng.choice((0, 1, 2, 3, 4, 5, 16, 40)))
        return rng.randbytes(16)

    def value(self, type, depth=0, constant=False):
        self.room -= 1
        if type.kind in RECORDS:
            return self.record(type.record, depth, constant)
        if type.kind not in CONTAINERS:
            return self.scalar(type, constant)
        count = self.rng.choice((0, 1, 2, 3)) if depth > 1 or self.rng.random() < 0.95 else 20
        if depth < self.depth and leads_to_record(type):
            count = 1
        elif self.room <= 0:
            count = 0
        elif self.rng.random() < 0.002 and not constant and type.value.kind in SCALARS:
            count = 1000
        if type.kind == "map":
            keys = self.different(type.key, [self.value(type.key, depth + 1, constant) for _ in range(count)])
            return [(key, self.value(type.value, depth + 1, constant)) for key in keys]
        values = [self.value(type.value, depth + 1, constant) for _ in range(count)]
        return self.different(type.value, values) if type.kind == "set" else values

    def different(self, type, values):
        """Each of them once, most of the time."""
        if self.rng.random() < 0.03:
            return values
        return list({plain_bytes(type, value): value for value in values}.values())

    def record(self, record, depth, constant):
        fields, wanted = list(record.fields), self.depth
        further = [f for f in fields if leads_to_record(f.type)] if depth < wanted else []
        deep = self.rng.choice(further) if further else None
        if record.kind == "union":
            fields = [deep or (self.rng.choice(fields) if self.room > 0 else fields[0])]
        elif not constant:
            if self.rng.random() < 0.5:
                self.rng.shuffle(fields)
            fields = [f for f in fields
                      if f.need == "required" or f is deep or (not deep and self.room > self.rng.random() * 15)]
        pairs = []
        for field in fields:  # one of them leads on; else there would be two, four, eight
            self.depth = wanted if field is deep else 0
            pairs.append((field, self.value(field.type, depth + 1, constant)))
        return pairs


# ---- bodies

NUMBERS = b"""0 -0 1 5.4 -2.8 127 128 -129 32768 -32769 2147483648 -2147483649 4294967296 9223372036854775807
9223372036854775808 -9223372036854775808 -9223372036854775809 18446744073709551616 123456789012345678901234567890
9223372036854775807.5 1e3 1.5e1 0.1e1 1e18 1e19 1e400 -1e400 1e-400 0.0000000001 0e9999""".split()
TEXTS = (b"", b" 1", b"\\u0031") + tuple(b"""abc 12 -2.8 1e2 t true 1 +1 0x10 1e999 M0 QUI= QUI Q_-= QUJ= 300 1.
9223372036854775808""".split())
KEYS = (b"", b" 1") + tuple(b"""1 -1 01 1.0 1e3 true TRUE M0 x/~ 300 -129 2147483648 9223372036854775808 AA== AB== 1e999
-0 00112233-4455-6677-8899-aabbccddeeff""".split())
DISTURBANCES = tuple(b"""{ } [ ] , : \\ \\u12 \\ud800 " ' - 1 . e 0 null nul //""".split()) + (
    b" x", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\x00", b"\xef\xbb\xbf")


class Bodies:
    """JSON of values, in any of the ways to write them, with a misfit for each place of `odds`."""

    def __init__(self, rng, odds, rules):
        self.rng, self.odds, self.rules = rng, odds, rules
        self.spaces = rng.choice((0, 0.03, 0.3))

    def space(self):
        return self.rng.choice((b" ", b" ", b"\n", b"\t ", b"\r\n")) if self.rng.random() < self.spaces else b""

    def string(self, text):
        out = json.dumps(text, ensure_ascii=self.rng.random() < 0.3)
        if self.rng.random() < 0.1:
            out = out.replace("/", "\\/").replace("a", "\\u0061").replace("e", "\\u0065")
        return out.encode()

    def integer(self, value):
        dice = self.rng.random()
        forms = (f"{value}.0", f"{value}e0", f"{value}0e-1", f"{value}.00E+0", f"{value}000e-3")
        return (str(value) if dice < 0.9 else self.rng.choice(forms)).encode()

    def double(self, value):
        dice = self.rng.random()
        if dice < 0.05:
            return self.between(value).encode()
        return (repr(value) if dice < 0.5 else double_text(value) if dice < 0.9 else f"{value:.25e}").encode()

    def between(self, value):
        """Half way to the next double, or next to that."""
        after = math.nextafter(value, math.inf)
        if math.isinf(after) or not 1e-20 < abs(value) < 1e20:
            return f"{value:.25e}"
        half = (Decimal(value) + Decimal(after)) / 2
        return f"{half:f}" + self.rng.choice(("", "" if half == int(half) else "01"))

    def scalar(self, type, value):
        if type.kind == "bool":
            return b"true" if value else b"false"
        if type.kind == "enum" and value in type.enum.names and self.rng.random() < 0.5:
            return self.string(type.enum.names[value])
        if type.kind == "i64" and (type.as_text or self.rules.int64 != "number" or self.rules.kitex) \
                and self.rng.random() < 0.5:
            return b'"' + self.integer(value) + b'"'
        if type.kind in BITS:
            return self.integer(value)
        if type.kind == "double" and self.rules.nan == "string" and self.rng.random() < 0.2:
            return b'"' + nan_word(self.rng.choice((math.nan, math.inf, -math.inf))).encode() + b'"'
        if type.kind == "double":
            return self.double(value)
        if type.kind == "string":
            return self.string(value)
        text = encode_base64(value, self.rules.url) if type.kind == "binary" else str(uuid.UUID(bytes=value))
        if type.kind == "binary" and self.rules.url and self.rng.random() < 0.2:
            text += "=" * (-len(text) % 4)
        if type.kind == "uuid" and self.rng.random() < 0.3:
            text = text.upper()
        return self.string(text)

    def key(self, type, value):
        if type.kind in ("string", "binary", "uuid", "enum"):
            text = self.scalar(type, value)
            return text if text[:1] == b'"' else b'"%d"' % value
        if type.kind in BITS:
            return b'"%d"' % value
        text = self.scalar(type, value)
        return text if text[:1] == b'"' else b'"' + text + b'"'

    def value(self, type, value):
        if self.rng.random() < self.odds:
            return self.misfit(type, value)
        return self.space() + self.right(type, value) + self.space()

    def right(self, type, value):
        if type.kind in RECORDS:
            return self.record(type.record, value)
        if is_pairs(type):
            return b"[" + (b",".join(self.pair(type, k, v) for k, v in value) or self.space()) + b"]"
        if type.kind == "map":
            pairs = ((self.key(type.key, k) if self.rng.random() >= self.odds else self.odd_key(), v) for k, v in value)
            return self.object((k, self.value(type.value, v)) for k, v in pairs)
        if type.kind in CONTAINERS:
            return b"[" + (b",".join(self.value(type.value, v) for v in value) or self.space()) + b"]"
        return self.scalar(type, value)

    def pair(self, type, key, value):
        parts = [self.value(type.key, key), self.value(type.value, value)]
        if self.rng.random() < self.odds:
            if self.rng.random() < 0.3:
                return self.anything()
            parts = self.rng.choice((parts[:1], [], parts + [self.anything()]))
        return self.space() + b"[" + b",".join(parts) + b"]" + self.space()

    def object(self, members):
        entries = (self.space() + k + self.space() + b":" + self.space() + v for k, v in members)
        return b"{" + (b",".join(entries) or self.space()) + b"}"

    def record(self, record, pairs):
        members = [(self.string(f.name), self.value(f.type, v)) for f, v in pairs]
        if self.rng.random() < 0.1 and record.fields:
            absent = [f for f in record.fields if f not in [g for g, _ in pairs] and f.need != "required"]
            members += [(self.string(f.name), b"null") for f in absent[:2]]
        if self.rng.random() < self.odds:
            self.disturb(record, members)
        return self.object(members)

    def disturb(self, record, members):
        """A member more, twice, or less."""
        dice, at = self.rng.random(), self.rng.randint(0, len(members))
        if dice < 0.4 or not members:
            name = self.rng.choice([f.name for f in record.fields] or ["x"])
            members.insert(at, (self.string(name + self.rng.choice(("s", "~", "/1", "\u20ac"))), self.anything()))
        elif dice < 0.7:
            key, value = self.rng.choice(members)
            members.insert(at, (key, self.rng.choice((value, b"null", self.anything()))))
        else:
            del members[at - 1]

    def odd_key(self):
        return b'"' + self.rng.choice(KEYS) + b'"'

    def number(self):
        return self.rng.choice(NUMBERS)

    def anything(self, depth=0):
        dice = self.rng.random()
        if dice < 0.3:
            return self.number()
        if dice < 0.5:
            return self.rng.choice((b"true", b"false", b"null"))
        if dice < 0.75 or depth > 2:
            return b'"' + self.rng.choice(TEXTS) + b'"'
        parts = [self.anything(depth + 1) for _ in range(self.rng.randint(0, 2))]
        if dice < 0.87:
            return b"[" + b", ".join(parts) + b"]"
        return b"{" + b",".join(b'"k%d" : ' % i + part for i, part in enumerate(parts)) + b"}"

    def misfit(self, type, value):
        dice = self.rng.random()
        if dice < 0.5:
            return self.anything()
        if type.kind in BITS or type.kind in ("double", "bool"):
            return self.number() if dice < 0.8 else b'"' + self.number() + b'"'
        if type.kind in ("binary", "uuid", "string", "enum"):
            text = self.scalar(type, value)[1:-1]
            return b'"' + self.rng.choice((text[:-1], text + b"=", b"*" + text, text + b"\\n", text.lower())) + b'"'
        return self.anything() if type.kind in ("map", "list") else self.right(type, value)


def random_depth(rng):
    return rng.randint(50, 66) if rng.random() < 0.03 else 0


def body(rng, method, odds, rules):
    """A body for the method."""
    values, bodies = Values(rng, depth=random_depth(rng)), Bodies(rng, odds, rules)
    if method.single:
        return bodies.value(method.single.type, values.value(method.single.type))
    pairs = values.record(method.arguments, 0, False)
    if not method.arguments.fields and rng.random() < 0.3:
        return bodies.space()
    return bodies.space() + bodies.record(method.arguments, pairs) + bodies.space()


def disturbed(rng, data):
    """Text that is most likely no JSON any more."""
    dice, at = rng.random(), rng.randint(0, len(data))
    if dice < 0.4:
        return data[:at]
    if dice < 0.7:
        return data[:at] + rng.choice(DISTURBANCES) + data[at:]
    if dice < 0.9:
        return data[:at] + rng.choice(DISTURBANCES) + data[at + 1:]
    if dice < 0.95:
        return data[:at] + b"[" * rng.randint(50, 80) + data[at:]
    return data + rng.choice((b" ", b"x", b"{}", b",", b"\n\n", b"\x00"))


def deep_body(rng, method):
    """Nests what the schema lets nest, and what it does not."""
    depth, name = rng.randint(55, 75), rng.choice([f.name for f in method.arguments.fields] or ["x"])
    open_, close = rng.choice(((b'{"%s":' % name.encode(), b"}"), (b"[", b"]")))
    return b'{"%s":' % name.encode() + open_ * depth + b"1" + close * depth + b"}"


# ---- bytes of the wire

NO_UTF8 = (b"\xff", b"ab\xc3", b"\xe2\x82\xac\xe2\x82x", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\xf4\x90\x80\x80",
           b"\x00\x1f\"\\/\x7f", b"x" * 20 + b"\xc3\xa9\xa9")


class Wire:
    """Results as bytes: with fields nobody knows, in any order, and what else a server may send."""

    def __init__(self, rng, odds):
        self.rng, self.odds = rng, odds

    def odd(self):
        return self.rng.random() < self.odds

    def value(self, type, value):
        if type.kind in RECORDS:
            return self.record(type.record, value)
        if type.kind == "map":
            if not value and self.odd():
                return self.rng.randbytes(2) + bytes(4)
            key = bytes([self.any_type()]) if self.odd() else None
            head = header(type, len(value))
            return (key + head[1:] if key else head) + \
                b"".join(self.value(type.key, k) + self.value(type.value, v) for k, v in value)
        if type.kind in CONTAINERS:
            head = header(type, len(value)) if not self.odd() else \
                bytes([self.any_type()]) + struct.pack(">i", self.rng.choice((0, 0, len(value), 1, -1, 2 ** 31 - 1)))
            return head + b"".join(self.value(type.value, v) for v in value)
        if self.odd():
            return self.odd_scalar(type)
        return plain_bytes(type, value)

    def odd_scalar(self, type):
        if type.kind in ("string", "binary"):
            return string_bytes(self.rng.choice(NO_UTF8))
        return self.rng.randbytes(FIXED[type.wire]) if type.kind != "double" else \
            self.rng.choice((b"\x7f\xf0" + bytes(6), b"\xff\xf0" + bytes(6), b"\x7f\xf8" + bytes(6)))

    def any_type(self):
        return self.rng.choice((2, 3, 4, 6, 8, 10, 11, 12, 13, 14, 15, 16, 0, 1, 5, 17, 255))

    def unknown(self, depth=0, wire=None):
        """A value of any type, and its type."""
        wire = wire or self.rng.choice((2, 3, 4, 6, 8, 10, 11, 12, 13, 14, 15, 16))
        if wire in FIXED:
            return wire, self.rng.randbytes(FIXED[wire])
        if wire == 11:
            return wire, string_bytes(self.rng.randbytes(self.rng.randint(0, 20)))
        count = self.rng.randint(0, 2) if depth < 3 else 0
        if wire == 12:
            fields = [self.unknown(depth + 1) for _ in range(count)]
            return wire, b"".join(struct.pack(">Bh", t, self.rng.randint(-9, 99)) + data for t, data in fields) + b"\0"
        types = [self.unknown(depth + 1)[0] for _ in range(2 if wire == 13 else 1)]
        items = b"".join(self.unknown(depth + 1, t)[1] for _ in range(count) for t in types)
        return wire, bytes(types) + struct.pack(">i", count) + items

    def unknown_field(self, record):
        wire, data = self.unknown()
        id = self.rng.choice([f.id for f in record.fields] + [self.rng.randint(-100, 32767)])
        return struct.pack(">Bh", wire, id) + data

    def record(self, record, pairs):
        fields = [field_header(f) + self.value(f.type, v) for f, v in pairs]
        if self.rng.random() < 0.1:
            fields.insert(self.rng.randint(0, len(fields)), self.unknown_field(record))
        if fields and self.odd():
            at = self.rng.randrange(len(fields))
            fields[at:at + 1] = self.rng.choice(([], [fields[at], fields[at]]))
        return b"".join(fields) + b"\0"


def result_bytes(rng, method, odds):
    """What a server may answer: one result, sometimes none or two."""
    values, wire = Values(rng, depth=random_depth(rng)), Wire(rng, odds)
    fields = method.result.fields
    count = rng.choices((0, 1, 2), (4 if fields else 1, 90 if fields else 0, 2 if fields else 0))[0]
    if fields and rng.random() < 0.7:
        fields = fields[:1]
    pairs = [(f, values.value(f.type)) for f in (rng.choice(fields) for _ in range(count))]
    return wire.record(method.result, pairs)


def disturbed_bytes(rng, data):
    dice, at = rng.random(), rng.randint(0, len(data))
    if dice < 0.4:
        return data[:at]
    if dice < 0.8:
        return data[:at] + bytes([rng.choice((0, 1, 2, 8, 11, 12, 15, 0x7f, 0xff, rng.randrange(256)))]) + data[at + 1:]
    if dice < 0.95:
        return data[:at] + rng.randbytes(rng.randint(1, 4)) + data[at:]
    return data + rng.randbytes(3)
