"""The build as installed into a folder, and programs built against it by pkg-config alone."""
import os
import pathlib
import re
import shutil
import subprocess
import time

from support.client import Client

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("GW_BUILD", ROOT / "build"))


def run(*command, **kw):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw)
    assert done.returncode == 0, f"{command}:\n{done.stdout}"
    return done.stdout


def session(text):
    """(command, what it printed) of what stands in a terminal; a command begins with `$ `."""
    for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
        command, _, printed = part.partition("\n")
        yield command, printed.strip("\n")


def steady(printed):
    """Without what differs from run to run."""
    printed = re.sub(r"^Date: .*\n", "", printed.replace("\r", ""), flags=re.M)
    return re.sub(r'"instance": \d+', "INSTANCE", re.sub(r"[0-9a-f]{32}", "ID", printed))


class Installed:
    """A DESTDIR. `environment` is all that a build against it gets to know."""

    def __init__(self, destdir):
        run("meson", "install", "-C", BUILD, "--no-rebuild", env={**os.environ, "DESTDIR": str(destdir)})
        pkgconfig = next(destdir.rglob("gateway.pc")).parent
        self.library = pkgconfig.parent
        self.gwctl = next(destdir.rglob("bin/gwctl"))
        self.environment = {**os.environ, "PKG_CONFIG_PATH": str(pkgconfig), "PKG_CONFIG_SYSROOT_DIR": str(destdir),
                            "LD_LIBRARY_PATH": str(self.library), "CFLAGS": "-Werror -pedantic"}

    def make(self, example, folder):
        """A copy of an example, built in `folder`."""
        shutil.copytree(ROOT / "examples" / example, folder, dirs_exist_ok=True)
        run("make", "clean", cwd=folder, env=self.environment)
        run("make", cwd=folder, env=self.environment)
        return folder


class Program:
    """A process that says on its output which port it listens on."""

    def __init__(self, command, environment, folder, says=r"listening on (?:\S*:|port )(\d+)\b"):
        self.log = pathlib.Path(folder) / f"log.{time.monotonic_ns()}"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=log, stderr=log,
                                            env=environment, cwd=folder)
        end = time.monotonic() + 20
        while not (found := re.search(says, self.log.read_text())):
            assert self.process.poll() is None, f"{command} ended with {self.process.returncode}:\n{self.log.read_text()}"
            assert time.monotonic() < end, f"{command} does not listen:\n{self.log.read_text()}"
            time.sleep(0.01)
        self.port = int(found.group(1))

    def get(self, target, headers=(), **kw):
        with Client(self.port) as client:
            return client.get(target, headers, **kw)

    def stop(self, how=subprocess.Popen.terminate):
        if self.process.poll() is None:
            how(self.process)
        code = self.process.wait(20)
        text = self.log.read_text()
        assert code == 0 and "Sanitizer" not in text, f"ended with {code}:\n{text}"
