"""What gets installed, and that programs are built against it by pkg-config alone."""
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("GW_BUILD", ROOT / "build"))
VERSION = re.search(r"version: '([\d.]+)'", (ROOT / "meson.build").read_text()).group(1)
PROGRAM = """
#include <gateway/gateway.h>
#include <stdio.h>

int main(void)
{
    struct gw_config *config = gw_config_create();
    gw_config_listen(config, "127.0.0.1:0");
    gw_config_destroy(config);
    return puts(gw_version()) < 0;
}
"""


def run(*command, **kw):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw)
    assert done.returncode == 0, f"{command}:\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="module")
def staged(tmp_path_factory):
    """The build installed into a DESTDIR; gives the prefix in it."""
    destdir = tmp_path_factory.mktemp("destdir")
    run("meson", "install", "-C", BUILD, "--no-rebuild", env={**os.environ, "DESTDIR": str(destdir)})
    return destdir / "usr/local"


def libdir(prefix):
    return next(prefix.glob("lib/**/gateway.pc")).parents[1]


def pkg_config(prefix, *words):
    env = {**os.environ, "PKG_CONFIG_PATH": str(libdir(prefix) / "pkgconfig")}
    return run("pkg-config", f"--define-variable=prefix={prefix}", *words, "gateway", env=env).split()


def compiled(tmp_path, compiler, flags, name="program.c"):
    (tmp_path / name).write_text(PROGRAM)
    run(*compiler, "-Wall", "-Wextra", "-Werror", "-pedantic", tmp_path / name, "-o", tmp_path / "program", *flags)
    return tmp_path / "program"


def test_files(staged):
    headers = {path.name for path in (ROOT / "include/gateway").glob("*.h")} | {"version.h"}
    assert {path.name for path in (staged / "include/gateway").iterdir()} == headers
    library = libdir(staged)
    assert {path.name for path in library.iterdir()} >= {"libgateway.a", "libgateway.so", "libgateway.so.0"}
    assert os.readlink(library / "libgateway.so") == "libgateway.so.0"
    assert (library / "libgateway.so.0").resolve().name == "libgateway.so.0." + VERSION.split(".", 1)[1]
    assert not [path for path in staged.rglob("*") if "objects" in path.name]
    assert os.access(staged / "bin/gwctl", os.X_OK)


def test_pkg_config_file(staged):
    assert pkg_config(staged, "--modversion") == [VERSION]
    assert pkg_config(staged, "--variable=plugindir") == [str(libdir(staged) / "gateway")]
    assert pkg_config(staged, "--print-requires")[0] == "libevent_core"
    assert str(BUILD) not in (libdir(staged) / "pkgconfig/gateway.pc").read_text()


@pytest.mark.parametrize("compiler, name", [("cc -std=c11", "program.c"), ("c++ -std=c++11", "program.cc")])
def test_program_with_the_shared_library(staged, tmp_path, compiler, name):
    program = compiled(tmp_path, compiler.split(), pkg_config(staged, "--cflags", "--libs"), name)
    assert run(program, env={"LD_LIBRARY_PATH": str(libdir(staged))}).strip() == VERSION
    assert "libgateway.so.0" in run("ldd", program)


def test_program_with_the_static_library(staged, tmp_path):
    flags = [flag for flag in pkg_config(staged, "--static", "--cflags", "--libs") if flag != "-lgateway"]
    flags.insert(0, libdir(staged) / "libgateway.a")
    program = compiled(tmp_path, ["cc"], flags)
    assert run(program).strip() == VERSION
    assert "libgateway" not in run("ldd", program)


@pytest.mark.timeout(400)  # it builds the library
def test_program_installed_elsewhere_finds_its_library(tmp_path):
    run("meson", "setup", tmp_path / "build", ROOT, f"--prefix={tmp_path}/opt", "--libdir=lib", "-Dtests=false")
    run("meson", "install", "-C", tmp_path / "build")
    assert VERSION in run(tmp_path / "opt/bin/gwctl", "version", env={})


@pytest.mark.timeout(400)  # it builds the library
def test_as_a_subproject(tmp_path):
    (tmp_path / "subprojects").mkdir()
    (tmp_path / "subprojects/gateway").symlink_to(ROOT)
    (tmp_path / "program.c").write_text(PROGRAM)
    (tmp_path / "meson.build").write_text("""
project('user', 'c')
executable('program', 'program.c',
  dependencies: dependency('gateway', fallback: 'gateway', default_options: ['tests=false']))
""")
    run("meson", "setup", tmp_path / "build", tmp_path, "--force-fallback-for=gateway")
    run("ninja", "-C", tmp_path / "build")
    assert run(tmp_path / "build/program").strip() == VERSION
