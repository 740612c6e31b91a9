"""gwctl check: every error of a broken config, with its line, its code and the nearest known name, and exit code 2.

broken/NAME.cfg is a config, broken/NAME.expected what is said of it, word for word."""
import os
import re
import subprocess

import pytest

from support.config import build_folder, config, respond, route

BROKEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "broken")
NAMES = sorted(name[:-4] for name in os.listdir(BROKEN) if name.endswith(".cfg"))


def gwctl(*arguments, folder=BROKEN):
    return subprocess.run([os.path.join(build_folder(), "cli", "gwctl"), *arguments], cwd=folder, capture_output=True,
                          text=True, timeout=60)


@pytest.mark.parametrize("name", NAMES)
def test_broken(name):
    result = gwctl("check", name + ".cfg")
    with open(os.path.join(BROKEN, name + ".expected")) as f:
        assert result.stderr == f.read()
    assert (result.returncode, result.stdout) == (2, "")


def test_there_are_twenty_and_each_error_has_place_and_code():
    assert len(NAMES) >= 20
    for name in NAMES:
        with open(os.path.join(BROKEN, name + ".expected")) as f:
            for line in f:
                assert re.fullmatch(r"[a-z_/]+\.cfg:\d+: .*\S \[GW\d{4}\]\n", line), line


def test_nearest_names_are_told():
    said = "".join(open(os.path.join(BROKEN, name + ".expected")).read() for name in NAMES)
    for right in ("limits", "access_log", "timeout", "path", "strip_prefix", "respond", "address", "weight", "echo"):
        assert f"did you mean '{right}'?" in said, right


def test_good_config_is_ok(tmp_path):
    (tmp_path / "good.cfg").write_text(config([route("a", endpoint=respond("a"))], {"web": ["127.0.0.1:1"]}))
    result = gwctl("check", "good.cfg", folder=tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "good.cfg: ok\n", "")
    assert os.listdir(tmp_path) == ["good.cfg"]  # no socket, no log


def test_missing_file():
    result = gwctl("check", "nowhere.cfg")
    assert result.returncode == 2
    assert result.stderr == "nowhere.cfg: expected a config file: No such file or directory [GW1001]\n"


@pytest.mark.parametrize("arguments", [
    (), ("chekc", "x"), ("check",), ("check", "a", "b"), ("run",), ("status",), ("reload",),
    ("status", "a", "--socket", "b"), ("status", "--sokcet", "b"), ("reload", "-o", "json"),
    ("version", "x"), ("help", "nothing"), ("help", "filter", "nothing")])
def test_bad_usage(arguments):
    result = gwctl(*arguments)
    assert result.returncode == 2 and result.stderr and not result.stdout


@pytest.mark.parametrize("verb", ["run", "check", "status", "reload", "version", "help"])
def test_help_of_each_verb(verb):
    result = gwctl(verb, "--help")
    assert result.returncode == 0 and re.match(rf"gwctl {verb}\b", result.stdout)
    assert gwctl("help", verb).stdout == result.stdout
    assert f"  gwctl {verb}" in gwctl("--help").stdout


def test_version():
    result = gwctl("version")
    assert result.returncode == 0
    assert re.fullmatch(r"gwctl (\d+\.\d+\.\d+), libgateway \1\n", result.stdout)


def test_reference():
    whole = gwctl("help", "plugins").stdout
    assert "### filter `timeout`" in whole and "### predicate `path`" in whole and "| `limits.head_bytes` | " in whole
    one = gwctl("help", "filter", "timeout").stdout
    assert one.startswith("### filter `timeout`\n") and "| `after` | " in one and one.count("### ") == 1
    settings = gwctl("help", "settings").stdout
    assert settings.startswith("## Settings\n") and "## Filters" not in settings and "| `pool.idle` | " in settings


def test_admin_socket_of_a_file(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.cfg").write_text('version = 1; admin = { socket = "x.sock"; };')
    result = gwctl("status", "sub/a.cfg", folder=tmp_path)
    assert result.returncode == 3 and "sub/x.sock" in result.stderr
    (tmp_path / "sub" / "a.cfg").write_text("version = 1;")
    assert gwctl("status", "sub/a.cfg", folder=tmp_path).returncode == 2
