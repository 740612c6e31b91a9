"""The pages of README and doc/: every block marked for it is compiled, checked or run.

    ```c page           a whole program: compiled against the installed library, started, asked
    ```c part           file-level code: compiled after the includes
    ```libconfig page   a whole config: `gwctl check`
    ```libconfig routes entries of a route list: checked within one
    ```sh run           commands from the top of the tree
    ```console NAME     calls with their answers: `quickstart`, which makes them itself, `http` for examples/http, `strict`
                        for the quickstart with strict JSON and problems, `shop` for doc/thrift.md, which has the IDL
                        (```thrift shop) and the config (```libconfig shop)
"""
import os
import re
import subprocess

import pytest
from programs import BUILD, ROOT, run, session, steady
from support.client import Client

PAGES = [ROOT / "README.md", *sorted((ROOT / "doc").glob("*.md"))]
INCLUDES = "#include <gateway/gateway.h>\n#include <stdio.h>\n#include <string.h>\n"


def blocks(mark):
    """(page:line, text) of every block with that mark."""
    found = []
    for page in PAGES:
        text = page.read_text()
        for match in re.finditer(r"^```" + mark + r"\n(.*?)^```$", text, re.M | re.S):
            line = text.count("\n", 0, match.start()) + 1
            found.append(pytest.param(match.group(1), id=f"{page.name}:{line}"))
    return found


def flags(installed, *words):
    return run("pkg-config", *words, "gateway", env=installed.environment).split()


@pytest.mark.parametrize("text", blocks("c page"))
def test_program(installed, program, upstream, strict_example, tmp_path, text):
    text = text.replace("127.0.0.1:8080", "127.0.0.1:0").replace("127.0.0.1:9000", upstream.address)
    text = text.replace("127.0.0.1:8870", strict_example.servers[8870].address())
    (tmp_path / "idl").symlink_to(ROOT / "idl")
    text = text.replace("getchar()", '(printf("listening on port %d\\n", gw_server_port(server, 0)), fflush(stdout), getchar())')
    (tmp_path / "page.c").write_text(text)
    run("cc", "-Wall", "-Wextra", "-Werror", tmp_path / "page.c", "-o", tmp_path / "page",
        *flags(installed, "--cflags", "--libs"))
    page = program([tmp_path / "page"], installed.environment)
    answer = page.get("/items/7")
    assert answer.status == 200 and answer.json["target"] == "/items/7" and answer.headers.get("X-Item") == "7"
    with Client(page.port) as client:
        assert client.post("/gateway/echo/EchoMethod", b'{"msg":"hello"}').json == {"msg": "hello"}
    page.stop(lambda process: process.communicate(b"\n"))


@pytest.mark.parametrize("text", blocks("c part"))
def test_part_compiles(installed, tmp_path, text):
    (tmp_path / "part.c").write_text(INCLUDES + text)
    run("cc", "-Wall", "-Wextra", "-Werror", "-Wno-unused-variable", "-Wno-unused-const-variable", "-c", tmp_path / "part.c",
        "-o", tmp_path / "part.o", *flags(installed, "--cflags"))


def check(tmp_path, text):
    (tmp_path / "page.cfg").write_text(re.sub(r'folder = "(\.\./\.\./)?idl"', f'folder = "{ROOT}/idl"', text))
    run(BUILD / "cli/gwctl", "check", tmp_path / "page.cfg")


@pytest.mark.parametrize("text", blocks("libconfig page"))
def test_config(tmp_path, text):
    check(tmp_path, text)


@pytest.mark.parametrize("text", blocks("libconfig routes"))
def test_routes(tmp_path, text):
    check(tmp_path, 'version = 1;\nlisteners = ( { address = "127.0.0.1:0"; } );\n'
          'services = ( { name = "web"; instances = ( "127.0.0.1:9000" ); } );\nroutes = (\n' + text + ");\n")


@pytest.mark.parametrize("text", blocks("sh run"))
def test_commands(text):
    env = {**os.environ, "GW_BUILD": str(BUILD), "PATH": f"{BUILD}/cli:{os.environ['PATH']}"}
    for command in text.splitlines():
        run("sh", "-c", command, cwd=ROOT, env=env, timeout=100)


@pytest.mark.parametrize("text", blocks("console quickstart"))
def test_calls_of_the_quickstart(quickstart, text):
    for command, printed in session(text):
        assert steady(quickstart[command]) == steady(printed)


@pytest.mark.parametrize("text", blocks("console http"))
def test_calls_of_the_http_example(http_example, text):
    for command, printed in session(text):
        assert steady(http_example.type(command)).strip("\n") == steady(printed)


@pytest.mark.parametrize("text", blocks("console strict"))
def test_strict_calls(strict_example, text):
    for command, printed in session(text):
        assert steady(strict_example.type(command)).strip("\n") == steady(printed)


@pytest.mark.parametrize("text", blocks("console shop"))
def test_calls_of_the_shop(shop_example, text):
    for command, printed in session(text):
        assert steady(shop_example.type(command)).strip("\n") == steady(printed)


def test_codes_of_calls_have_an_example():
    sources = [*(ROOT / "lib/endpoints").glob("thrift*.c"), ROOT / "lib/endpoints/rpc.c", ROOT / "lib/endpoints/upstream.c"]
    codes = {code for source in sources for code in re.findall(r'"(GW[45]\d{3})"', source.read_text())}
    shown = set(re.findall(r'"code":"(GW\d{4})"', (ROOT / "doc/thrift.md").read_text()))
    assert len(codes) > 10 and not codes - shown - {"GW5031"}  # there is no way to be out of memory


def test_options_of_calls_are_explained():
    options = run(BUILD / "cli/gwctl", "help", "endpoint", "thrift")
    page = (ROOT / "doc/thrift.md").read_text()
    for key in re.findall(r"^\| `(\w+)`", options, re.M):
        assert re.search(rf"`{key}\b", page), key


def test_page_of_config_is_the_quickstart():
    assert (ROOT / "examples/quickstart/gateway.cfg").read_text() in (ROOT / "README.md").read_text()


def test_reference_is_up_to_date():
    printed = run(BUILD / "cli/gwctl", "help", "plugins")
    assert (ROOT / "doc/reference.md").read_text().endswith("\n" + printed)


@pytest.mark.parametrize("group", ["limits", "timeouts", "http"])
def test_tables_of_the_manual_are_those_of_the_options(group):
    printed = run(BUILD / "cli/gwctl", "help", group)
    table = "\n".join(line for line in printed.splitlines() if line.startswith("|"))
    assert len(table.splitlines()) > 5 and f"\n\n{table}\n\n" in (ROOT / "doc/manual.md").read_text()


@pytest.mark.parametrize("group", ["limits", "timeouts"])
def test_every_limit_says_what_it_ends_in(group):
    rows = [row for row in run(BUILD / "cli/gwctl", "help", group).splitlines() if row.startswith("| `")]
    assert len(rows) > 5
    for row in rows:
        assert re.search(r"40[0-9]|41[0-9]|42[0-9]|43[0-9]|50[0-9]|closed|cut", row), row


def test_codes_of_failures_are_in_the_manual():
    codes = {code for source in (ROOT / "lib").rglob("*.c") for code in re.findall(r'"(GW[45]\d{3})"', source.read_text())}
    missing = codes - set(re.findall(r"GW\d{4}", (ROOT / "doc/manual.md").read_text()))
    assert len(codes) > 20 and not missing


def test_no_link_leads_nowhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
            assert "://" in target or (page.parent / target).exists(), f"{page.name}: {target}"
