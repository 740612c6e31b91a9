"""The texts of the JSON test suite as bodies of calls through a running gateway: bare, and as a member's value, which a
string in kitex mode takes as it is written. Skipped where the suite is not beside the project."""
import json
import os
import re

import pytest
from support.config import config, route
from support.thrift_peer import Peer

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(os.path.dirname(ROOT), "shared", "data", "json-test-suite", "test_parsing")

# The texts of which RFC 8259 leaves open whether they are JSON: (accepted, names). doc/json.md says why.
OPEN = {
    "numbers": (True, """
        i_number_double_huge_neg_exp i_number_huge_exp i_number_neg_int_huge_exp i_number_pos_double_huge_exp
        i_number_real_neg_overflow i_number_real_pos_overflow i_number_real_underflow i_number_too_big_neg_int
        i_number_too_big_pos_int i_number_very_big_negative_int"""),
    "halves of surrogate pairs": (False, """
        i_object_key_lone_2nd_surrogate i_string_1st_surrogate_but_2nd_missing i_string_1st_valid_surrogate_2nd_invalid
        i_string_incomplete_surrogate_and_escape_valid i_string_incomplete_surrogate_pair
        i_string_incomplete_surrogates_escape_valid i_string_invalid_lonely_surrogate i_string_invalid_surrogate
        i_string_inverted_surrogates_U+1D11E i_string_lone_second_surrogate"""),
    "bytes that are no UTF-8": (False, """
        i_string_UTF-8_invalid_sequence i_string_UTF8_surrogate_U+D800 i_string_invalid_utf-8 i_string_iso_latin_1
        i_string_lone_utf8_continuation_byte i_string_not_in_unicode_range i_string_overlong_sequence_2_bytes
        i_string_overlong_sequence_6_bytes i_string_overlong_sequence_6_bytes_null i_string_truncated-utf-8"""),
    "UTF-16": (False, "i_string_UTF-16LE_with_BOM i_string_utf16BE_no_BOM i_string_utf16LE_no_BOM"),
    "byte order marks": (False, "i_structure_UTF-8_BOM_empty_object"),
    "nesting": (False, "i_structure_500_nested_arrays"),
}
ACCEPTED = {name: accepted for accepted, names in OPEN.values() for name in names.split()}


@pytest.fixture(scope="module")
def client(module_factory):
    peer = Peer()
    module_factory.upstreams.append(peer)
    rpc = {"thrift": {"service": "echo", "method": "EchoMethod", "json": "kitex"}}
    gateway = module_factory.gateway(config([route("rpc", "/echo", endpoint=rpc)],
                                            {"echo": {"instances": [peer.address]}},
                                            idl={"folder": os.path.join(ROOT, "idl")},
                                            decorators=[{"errors": {"format": "problem"}}]))
    with gateway.client() as c:
        yield c


def texts(first_letter):
    """(name, text) of each of that letter: y is JSON, n is not, i is open."""
    if not os.path.isdir(FOLDER):
        pytest.skip(f"no JSON test suite in {os.path.relpath(FOLDER, ROOT)}")
    names = sorted(n for n in os.listdir(FOLDER) if n[0] == first_letter and n.endswith(".json"))
    for name in names:
        with open(os.path.join(FOLDER, name), "rb") as f:
            yield name[:-len(".json")], f.read()


def kept(text):
    """What a string in kitex mode makes of a value."""
    text = text.strip(b" \t\r\n")
    if text[:1] == b'"':
        return json.loads(text)
    return "" if text == b"null" else text.decode()


def check(client, name, text, accepted):
    bare, member = (client.post("/echo", body) for body in (text, b'{"msg":' + text + b"}"))
    for answer in (bare, member):
        assert answer.status == (200 if accepted else 400), f"{name}: {answer}"
        assert accepted or answer.json["code"] == "GW4001", name
    assert not accepted or member.json == {"msg": kept(text)}, name


def test_what_is_json(client):
    count = 0
    for count, (name, text) in enumerate(texts("y"), 1):
        check(client, name, text, True)
    assert count == 95


def test_what_is_no_json(client):
    count = 0
    for count, (name, text) in enumerate(texts("n"), 1):
        check(client, name, text, False)
    assert count == 188


def test_what_is_open(client):
    for name, text in texts("i"):
        check(client, name, text, ACCEPTED[name])
    assert {name for name, _ in texts("i")} == set(ACCEPTED) and len(ACCEPTED) == 35


def test_the_page_lists_the_open_ones():
    with open(os.path.join(ROOT, "doc", "json.md"), encoding="utf-8") as f:
        rows = [line for line in f if "`i_" in line]
    told = {name: row.split("|")[2].strip() for row in rows for name in re.findall(r"`(i_[^`]+)`", row)}
    assert told == {name: "accepted" if accepted else "refused" for name, accepted in ACCEPTED.items()}
