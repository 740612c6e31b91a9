"""What the IDL parser makes of idl/ is what Apache's compiler makes of it: its JSON against idl_dump."""
import json
import os
import re
import resource
import shutil
import subprocess

import pytest

from support.config import build_folder

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "idl")
NEED = {"req_out": "", "required": "required ", "optional": "optional "}

pytestmark = pytest.mark.plain  # one process and no traffic: the unit tests run under the sanitizers


def dump(folder):
    done = subprocess.run([os.path.join(build_folder(), "tests", "tools", "idl_dump"), folder], capture_output=True,
                          text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ours(name):
    """Our dump of one file, without what the compiler's JSON does not have."""
    for part in re.split(r"^schema ", dump(FOLDER), flags=re.M)[1:]:
        lines = part.splitlines()
        if lines[0] == name:
            break
    enums = [line.split()[1] for line in lines if line.startswith("enum ")]
    kept = []
    for line in lines[1:]:
        if re.match(r"(file|name) | .* from \w+$", line):
            continue
        line = re.sub(r' # ".*"$', "", line)
        if not line.startswith("enum "):  # there an enum is an i32
            line = re.sub(r"\b(%s)\b" % "|".join(enums or ["-"]), "i32", line)
        kept.append(line)
    return kept


def type_text(kind, more):
    if kind in ("struct", "union", "exception"):
        return more["class"]
    if kind == "map":
        return "map<%s,%s>" % (type_text(more["keyTypeId"], more.get("keyType")),
                               type_text(more["valueTypeId"], more.get("valueType")))
    if kind in ("list", "set"):
        return "%s<%s>" % (kind, type_text(more["elemTypeId"], more.get("elemType")))
    return kind


def value_text(value, kind):
    if kind == "bool":
        return "true" if value else "false"
    if isinstance(value, str):
        return '"%s"' % value.replace('"', "\\x22")
    if isinstance(value, list):
        return "[%s]" % ", ".join(value_text(item, "") for item in value)
    if isinstance(value, dict):
        return "{%s}" % ", ".join('"%s": %s' % (key, value_text(item, "")) for key, item in value.items())
    return str(value)


def field_text(field, needs=True):
    text = "%d: %s%s %s" % (field["key"], NEED[field["required"]] if needs else "",
                            type_text(field["typeId"], field.get("type")), field["name"])
    if needs and "default" in field:
        text += " = " + value_text(field["default"], field["typeId"])
    return text


def theirs(name, folder):
    subprocess.run(["thrift", "--gen", "json", "-o", folder, os.path.join(FOLDER, name + ".thrift")], check=True,
                   capture_output=True, timeout=20)
    with open(os.path.join(folder, "gen-json", name + ".json"), encoding="utf-8") as f:
        tree = json.load(f)
    lines = ["const %s %s = %s" % (type_text(c["typeId"], c.get("type")), c["name"], value_text(c["value"], c["typeId"]))
             for c in tree["constants"]]
    for enum in tree["enums"]:
        lines += ["enum " + enum["name"]] + ["    %(name)s = %(value)d" % member for member in enum["members"]]
    for record in tree["structs"]:
        kind = "exception" if record["isException"] else "union" if record["isUnion"] else "struct"
        lines += ["%s %s" % (kind, record["name"])] + ["    " + field_text(field) for field in record["fields"]]
    for service in tree["services"]:
        lines.append("service " + service["name"] + (" extends " + service["extends"] if "extends" in service else ""))
        for call in service["functions"]:
            line = "    %s%s %s(%s)" % ("oneway " if call["oneway"] else "",
                                        type_text(call["returnTypeId"], call.get("returnType")), call["name"],
                                        ", ".join(field_text(field, False) for field in call["arguments"]))
            if call["exceptions"]:
                line += " throws (%s)" % ", ".join(field_text(field, False) for field in call["exceptions"])
            lines.append(line)
    return lines


@pytest.mark.skipif(not shutil.which("thrift"), reason="no thrift compiler")
@pytest.mark.parametrize("name", ["echo", "sum", "types"])  # Debian's compiler knows no uuid
def test_same_as_apache(name, tmp_path):
    found = ours(name)
    assert found == theirs(name, str(tmp_path))
    assert any(line.startswith("service ") for line in found)


def test_uuid():
    assert "    1: uuid id\n    2: optional list<uuid> others\n" in dump(FOLDER)


def test_names():
    names = re.findall(r"^name (\S+) is (\S+) of", dump(FOLDER), flags=re.M)
    assert ("echo", "EchoSvc") in names and ("sum.SumSvc", "SumSvc") in names
    assert ("types", "TypesSvc") in names and ("types.BaseSvc", "BaseSvc") in names
    assert ("derived", "DerivedSvc") in names


def many_files(folder):
    """1,000 files, each including three before it, the last one all; definitions lead through all of them."""
    for number in range(1000):
        before = range(max(0, number - 3), number) if number < 999 else range(999)
        text = "".join(f'include "file{i}.thrift"\n' for i in before)
        text += f"/** Of file {number}. */\nstruct Item {{\n    1: required i64 id,\n    2: optional list<string> names,\n"
        text += "".join(f"    {3 + i}: file{b}.Item item{b},\n" for i, b in enumerate(before))
        text += f"}}\nservice Items {{\n    Item get(1: i64 id)\n    oneway void put(1: list<Item> items)\n}}\n"
        (folder / f"file{number}.thrift").write_text(text)
    return 1000


def big_file(folder, newline="\n"):
    """One file of 20,000 lines, or of one that is as long."""
    lines = []
    for number in range(1600):
        lines.append(f"struct Record{number} {{")
        lines += [f"  {i}: optional map<string, list<i32>> value_{i} = {{'a': [1, 2]}}," for i in range(1, 10)]
        lines += [f"  10: Record{(number * 7) % 1600} other", "}"]
    while len(lines) < 19998:
        lines.insert(0, f"const i32 NUMBER{len(lines)} = {len(lines)}")
    lines += ["service Records {", "  Record5 get(1: Record6 request) }"]
    (folder / "big.thrift").write_text(newline.join(lines))
    return 1


@pytest.mark.parametrize("make", [many_files, big_file, lambda folder: big_file(folder, " ")], ids=["files", "lines", "line"])
def test_is_loaded_within_a_second(tmp_path, make):
    (tmp_path / "idl").mkdir()
    count = make(tmp_path / "idl")
    (tmp_path / "gateway.cfg").write_text('version = 1;\nidl = { folder = "idl"; };\nlisteners = ( "127.0.0.1:0" );\n'
                                          "routes = ( { id = \"all\"; endpoint = { respond = { status = 200; }; }; } );\n")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([os.path.join(build_folder(), "cli", "gwctl"), "check", tmp_path / "gateway.cfg"],
                          capture_output=True, text=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    took = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    assert took <= 1, f"{took:.2f} s of CPU time for {count} files"
