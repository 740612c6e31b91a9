"""llhttp's fixtures against the parser, through http_probe.

What llhttp refuses in strict mode is refused here, and what it takes is taken, with the same number of messages and
the same bytes of body, but where a rule below says that we are stricter. Most fixtures have no Host, which alone would
refuse them, and many a target with a fragment: so each request is tried a second time with both mended, and then what
the fixture is about has to decide."""
import os
import re
import subprocess

import pytest

from support.config import build_folder

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(ROOT, os.pardir, "shared", "data", "http1", "test")
pytestmark = pytest.mark.skipif(not os.path.isdir(FOLDER), reason="llhttp's fixtures are not beside the project")

# llhttp's errors that are not about the syntax of what we parse: (title, its error) -> why.
EXCEPTIONS = {
    "No restart when keep-alive is off (1.0)": "data after close: the codec stops reading, the parser does not know",
    "CRLF between requests, explicit `close`": "data after close",
    "CRLF between requests, explicit `close` followed by tab": "data after close",
    "HTTP/1.1 with keep-alive disabled and 204 status": "data after close",
    "HTTP/1.1 with keep-alive disabled, content-length": "data after close",
    "Headers separated by dummy characters (lenient)": "data after close",
    "Multiple tokens with folding": "Upgrade: llhttp stops for its caller",
    "Multiple tokens with folding and LWS": "Upgrade",
    "Multiple tokens with folding, LWS, and CRLF": "Upgrade",
    "Invalid whitespace token with `Connection` header field (lenient)": "Upgrade",
    "Invalid whitespace token with `Content-Length` header field (lenient)": "Upgrade",
    "Setting a flag and pausing": "Upgrade",
    "Emitting part of body and pausing": "Upgrade",
    "Upgrade GET request": "Upgrade",
    "Upgrade POST request": "Upgrade",
    "HTTP 101 response with Upgrade and Content-Length header": "Upgrade",
    "HTTP 101 response with Upgrade and Transfer-Encoding header": "Upgrade",
    "CONNECT request": "CONNECT: llhttp stops for its caller; ours answers 501",
    "CONNECT request with CAPS": "CONNECT",
    "CONNECT with body": "CONNECT",
    "Underscore in hostname": "CONNECT",
    "PRI request HTTP2": "PRI: llhttp stops for its caller; ours answers 505",
    "HTTP protocol and ANNOUNCE method": "unknown method: any token is one",
    "Invalid method": "unknown method",
}
ERRORS_EXCEPTED = {"5", "22", "23"}  # data after close, CONNECT and Upgrade, PRI
METHOD_ERRORS = {"Invalid method for HTTP/x.x request", "Expected space after method"}

ORIGIN = rb"https?://[\w.~-]+(?::\d+)?"
PATH = rb"/(?:[\w.~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*"
QUERY = rb"\?[^\x00-\x20\x7f-\xff\"<>#]*"
TARGET = rb"(?:\*|(?:%b)?(?:%b)?(?:%b)?)" % (ORIGIN, PATH, QUERY)


def decode(text):
    """As llhttp's own test program reads a fixture."""
    text = re.sub(r"\\\n", "", text).replace("\n", "\r\n")
    for escape, char in (("\\r", "\r"), ("\\n", "\n"), ("\\t", "\t"), ("\\f", "\f")):
        text = text.replace(escape, char)
    text = re.sub(r"\\x([0-9a-fA-F]+)", lambda m: chr(int(m[1], 16)), text)
    text = re.sub(r"\\([0-7]{1,3})", lambda m: chr(int(m[1], 8)), text)
    return text.encode()


class Fixture:
    def __init__(self, file, title, body):
        meta = re.search(r'<!-- meta=\{.*?"type": *"(\w+)(?:-([\w-]+))?"(.*?)-->', body, re.S)
        self.id, self.title, self.kind = f"{file}: {title}", title, meta[1]
        self.lenient = bool(meta[2]) and meta[2] != "finish"
        self.skip_body = "skipBody" in meta[3]
        self.data = decode(re.search(r"```http\n(.*?)\n```", body, re.S)[1])
        self.log = re.search(r"```log\n(.*?)\n```", body, re.S)[1]
        error = re.search(r'error code=(\d+) reason="(.*)"', self.log)
        self.error, self.reason = error.groups() if error else (None, None)
        self.ends = [int(n) for n in re.findall(r"off=(\d+) message complete", self.log)]

    def messages(self):
        """The input, cut where llhttp saw a message end."""
        cuts = sorted({0, len(self.data), *self.ends})
        return [self.data[a:b] for a, b in zip(cuts, cuts[1:])]

    def mended(self):
        """With a Host in each request that has none, and targets that are not what the fixture is about."""
        return b"".join(mend(message) for message in self.messages())

    def expected(self):
        body = sum(int(n) for n in re.findall(r"len=(\d+) span\[body\]", self.log))
        return self.log.count("message complete"), body


def mend(message):
    line, found, rest = message.lstrip(b"\r\n").partition(b"\r\n")
    match = re.fullmatch(rb"([^ ]+) (.+) (HTTP/1\.[01])", line)
    if not match or not found:
        return message
    target = re.sub(rb"[\"#<>]", b"-", re.sub(rb"://[^/?]*@", b"://", match[2]))
    host = b"" if re.search(rb"(?im)^host:", rest) else b"Host: a\r\n"
    return b" ".join((match[1], target, match[3])) + b"\r\n" + host + rest


def load():
    fixtures = []
    for kind in ("request", "response"):
        folder = os.path.join(FOLDER, kind)
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                parts = re.split(r"^#+ +(.*)$", f.read(), flags=re.M)
            fixtures += [Fixture(f"{kind}/{name}", title, body)
                         for title, body in zip(parts[1::2], parts[2::2]) if "```http" in body]
    return fixtures


FIXTURES = load()


def probe(kind, data):
    """The last line, the number of messages, the bytes of body."""
    done = subprocess.run([os.path.join(build_folder(), "tests", "tools", "http_probe"), kind], input=data,
                          capture_output=True, timeout=20)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode("latin-1").splitlines()
    body = sum(int(line[5:]) for line in lines if line.startswith("body "))
    return lines[-1], sum(line.startswith("message ") for line in lines), body


def stricter_request(head):
    """Why we refuse a request that llhttp takes: what it is about, or None."""
    line, _, fields = head.lstrip(b"\r\n").partition(b"\r\n")
    words = line.split(b" ")
    if len(words) == 2:
        return "HTTP/0.9: no version"
    if not re.fullmatch(rb"HTTP/1\.[01]", words[-1]):
        return "not HTTP, or another version"
    if not re.fullmatch(TARGET, words[1]):
        return "a target with bytes outside RFC 3986, a fragment or user information"
    if words[1] == b"*" and words[0] != b"OPTIONS":
        return "* with another method than OPTIONS"
    host = re.search(rb"(?im)^host:[ \t]*(.*?)[ \t\r]*$", fields)
    if words[-1] == b"HTTP/1.1" and not host:
        return "no Host"
    if host and not re.fullmatch(rb"([\w.~-]+|\[[\da-fA-F:.]+\])(:\d+)?", host[1]):
        return "a Host that is none"
    return stricter_fields(fields)


def stricter_response(head):
    line, _, fields = head.partition(b"\r\n")
    if head.startswith(b"\r\n"):
        return "an empty line before the status line"
    if not re.match(rb"HTTP/1\.[01] ", line):
        return "not HTTP, or another version"
    return stricter_fields(fields)


def stricter_fields(fields):
    coding = re.search(rb"(?im)^transfer-encoding:[ \t]*(.*?)[ \t\r]*$", fields)
    if coding and coding[1].lower() != b"chunked":
        return "a transfer coding that is not chunked"
    if len(re.findall(rb"(?im)^transfer-encoding:", fields)) > 1:
        return "more than one Transfer-Encoding"
    return None


def stricter(kind, messages):
    """Of messages whose head is complete."""
    rule = stricter_request if kind == "request" else stricter_response
    for message in messages:
        blank = re.match(rb"(\r\n)*", message)[0]
        head, end, _ = message[len(blank):].partition(b"\r\n\r\n")
        why = end and rule(blank + head + b"\r\n")
        if why:
            return why
    return None


def refused(kind, data):
    """Some fixtures end within the line that is wrong; ours looks at whole lines."""
    last = probe(kind, data)[0]
    return probe(kind, data + b"\r\n\r\n")[0] if last == "more" else last


@pytest.mark.parametrize("fixture", [f for f in FIXTURES if f.error], ids=lambda f: getattr(f, "id", "absent"))
def test_what_llhttp_refuses(fixture):
    if fixture.title in EXCEPTIONS:
        assert fixture.error in ERRORS_EXCEPTED or fixture.reason in METHOD_ERRORS
        return
    assert fixture.error not in ERRORS_EXCEPTED, "not listed"
    assert refused(fixture.kind, fixture.data).startswith("refused ")
    if fixture.kind == "request":
        last = refused("request", fixture.mended())
        assert last.startswith("refused ") and "no Host" not in last, fixture.mended()


@pytest.mark.parametrize("fixture", [f for f in FIXTURES if not f.error and not f.lenient], ids=lambda f: getattr(f, "id", "absent"))
def test_what_llhttp_takes(fixture):
    variants = [fixture.messages()]
    if fixture.kind == "request":
        variants.append([mend(message) for message in fixture.messages()])
    for messages in variants:
        why = stricter(fixture.kind, messages)
        last, count, body = probe(fixture.kind, b"".join(messages))
        assert last.startswith("refused ") == bool(why), f"{last}; {why}; {messages}"
    if not why and not fixture.skip_body:
        assert (count, body) == fixture.expected(), last


def test_exceptions_are_fixtures():
    assert set(EXCEPTIONS) <= {f.title for f in FIXTURES if f.error}
    assert len(FIXTURES) > 200
