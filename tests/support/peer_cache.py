"""Real servers for the tests, built once into a cache outside the tree.

A peer's folder in the cache is named by a hash of what goes into it, and appears only when it is complete. Run as
a program this builds all of them. Unreachable is raised where no registry of packages can be reached: all that is
no failure of the peer."""
import concurrent.futures
import fcntl
import hashlib
import inspect
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEERS, IDL = ROOT / "tests" / "peers", ROOT / "idl"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "libgateway-peers"
OFFLINE = re.compile(r"dial tcp|no such host|i/o timeout|connection refused|network is unreachable|handshake timeout|"
                     r"Could(n't| not) resolve host|Could(n't| not) connect|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH")


class Unreachable(Exception):
    pass


# building


def run(*command, **kw):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw)
    if done.returncode:
        kind = Unreachable if OFFLINE.search(done.stdout) else AssertionError
        raise kind(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout[-4000:]}")
    return done.stdout.strip()


def thrift(language, idl, into, source=IDL):
    into.mkdir(parents=True, exist_ok=True)
    run("thrift", "-r", "-out", into, "--gen", language, source / f"{idl}.thrift")


def new_enough(go, wanted):
    if not go or not os.path.exists(go):
        return False
    found = re.match(r"go(\d+)\.(\d+)", run(go, "env", "GOVERSION", env={**os.environ, "GOTOOLCHAIN": "local"}))
    return bool(found) and tuple(map(int, found.groups())) >= wanted


def go_command(folder, environment):
    """The Go in PATH if it is what go.mod asks for, else one that comes as a module."""
    version = re.search(r"^go (\d+)\.(\d+)", (folder / "go.mod").read_text(), re.M)
    wanted, go = tuple(map(int, version.groups())), shutil.which("go")
    if new_enough(go, wanted):
        return go
    assert go, "no go in PATH"
    name = "golang.org/toolchain@v0.0.1-go{}.{}.0.linux-{}".format(*wanted, run(go, "env", "GOARCH"))
    run(go, "mod", "download", name, cwd="/", env={**environment, "GOFLAGS": ""})
    home = pathlib.Path(run(go, "env", "GOMODCACHE")) / name
    for folder in (home / "bin", home / "pkg" / "tool"):  # modules lose the mode of their files
        for path in folder.rglob("*"):
            path.chmod(0o755)
    return home / "bin" / "go"


def build_thrift_python(folder):
    thrift("py:package_prefix=gen.", "derived", folder / "gen")
    shutil.copy(PEERS / "thrift-python" / "server.py", folder)


def build_go(name, module, idl, folder, source=IDL):
    """A program of a peer's folder, with what the compiler makes of the IDL as the packages gen/*."""
    work = folder / "work"
    shutil.copytree(PEERS / name, work)
    thrift(f"go:package_prefix={module}/gen/", idl, work / "gen", source)
    for program in (work / "gen").glob("*/*-remote"):
        shutil.rmtree(program)
    proxy = run("go", "env", "GOPROXY").split(",")[0]
    environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", "GOPROXY": proxy, "CGO_ENABLED": "0"}
    run(go_command(work, environment), "build", "-o", folder / "server", ".", cwd=work, env=environment)
    shutil.rmtree(work)


def build_thrift_go(folder):
    build_go("thrift-go", "thriftpeer", "derived", folder)


def build_hertz_gateway(folder):
    build_go("hertz-gateway", "hertzgateway", "shop", folder, PEERS / "hertz-gateway")


def build_thrift_cpp(folder):
    work = folder / "work"
    work.mkdir()
    shutil.copy(IDL / "derived.thrift", work)
    text = (IDL / "types.thrift").read_text()
    # What the C++ generator can't do: a struct in itself, and a field named as a method of every exception.
    changes = (("optional Tree left", "optional Tree & left"), ("1: string what", "1: string subject"))
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (work / "types.thrift").write_text(text)
    thrift("cpp:no_skeleton", "derived", work / "gen", work)
    sources = [PEERS / "thrift-cpp" / "server.cpp", *sorted((work / "gen").glob("*.cpp"))]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda source: run("g++", "-O0", "-c", "-I", work, source, cwd=work), sources))
    run("g++", "-o", folder / "server", *sorted(work.glob("*.o")), "-lthriftz", "-lthrift", "-lz", "-lpthread")
    shutil.rmtree(work)


def build_thrift_node(folder):
    for name in ("server.js", "package.json", "package-lock.json"):
        shutil.copy(PEERS / "thrift-node" / name, folder)
    thrift("js:node", "derived", folder / "gen")
    run("npm", "ci", "--no-audit", "--no-fund", cwd=folder)


def build_thrift_rust(folder):
    work = folder / "work"
    shutil.copytree(PEERS / "thrift-rust", work)
    for idl in ("types", "derived"):
        shutil.copy(IDL / f"{idl}.thrift", work)
    # The list of packages says everything but where they are from, which cargo knows.
    lock = work / "Cargo.lock"
    listed = lock.read_text()
    lock.unlink()
    run("cargo", "generate-lockfile", cwd=work)
    source = re.search(r"^source = .*\n", lock.read_text(), re.M).group()
    lock.write_text(re.sub(r"^(?=checksum = )", lambda _: source, listed, flags=re.M))
    run("cargo", "build", "-q", "--locked", "-j2", "--target-dir", work / "target", cwd=work)
    run("strip", "-o", folder / "server", work / "target" / "debug" / "volo-peer")
    shutil.rmtree(work)


def build_quickstart(folder):
    for idl in ("echo", "sum"):
        thrift("py", idl, folder)


BUILD = {
    "thrift-python": (build_thrift_python, ["types", "derived"]),
    "thrift-go": (build_thrift_go, ["types", "derived"]),
    "thrift-cpp": (build_thrift_cpp, ["types", "derived"]),
    "thrift-node": (build_thrift_node, ["types", "derived"]),
    "thrift-rust": (build_thrift_rust, ["types", "derived"]),
    "quickstart": (build_quickstart, ["echo", "sum"]),
    "hertz-gateway": (build_hertz_gateway, []),
}
MEASURED_AGAINST = {"hertz-gateway"}  # no test needs it


def digest(name):
    """Of the peer's own files, its IDL and the function that builds it."""
    builder, idls = BUILD[name]
    inputs = [IDL / f"{idl}.thrift" for idl in idls]
    inputs += sorted(path for path in (PEERS / name).rglob("*") if path.is_file())
    made = hashlib.sha256(inspect.getsource(builder).encode())
    for path in inputs:
        made.update(f"{path.name} {path.stat().st_size}\n".encode() + path.read_bytes())
    return made.hexdigest()[:16]


def build(name):
    """The folder of the built peer; whoever comes first builds it while the others wait."""
    folder = CACHE / f"{name}-{digest(name)}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            fresh = folder.with_suffix(".new")
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir()
            BUILD[name][0](fresh)
            fresh.rename(folder)
    return folder


if __name__ == "__main__":
    for peer in sys.argv[1:] or [name for name in BUILD if name not in MEASURED_AGAINST]:
        print(build(peer))
