"""What the measurements share: the upstream, the proxies under test, and how to read a process.

Every target is one proxy with one worker in front of the same upstream. A target is a recipe only: start()
runs it pinned to a CPU, command() gives the bare command for running it under another tool.
"""
import contextlib
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("GW_BUILD", os.path.join(ROOT, "build")))
LOAD_CPU, PROXY_CPU = 0, 1
TICK_US = 1000000 // os.sysconf("SC_CLK_TCK")

HEADERS_9 = [
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
    "Accept: application/json, text/plain, */*",
    "Accept-Language: en-GB,en;q=0.9",
    "Accept-Encoding: gzip, deflate, br",
    "Authorization: Bearer 3f7a9c1e5b2d4860a1b2c3d4e5f60718",
    "Cache-Control: no-cache",
    "X-Request-Id: 8c1f0a52-6f0e-4c1c-9a55-b1a5c1a0f001",
    "Cookie: session=6b1d7f8e9a0c4b3d2e1f",
]  # with Host: nine


def program(name):
    """A helper program of this folder, as built by meson."""
    path = os.path.join(BUILD, "tests", "bench", name)
    if not os.path.exists(path):
        sys.exit(f"{path} is not there: build first (meson compile), or set GW_BUILD")
    return path


def describe_build():
    """How what is measured was built: the options that its speed depends on."""
    with open(os.path.join(BUILD, "meson-info", "intro-buildoptions.json")) as f:
        values = {option["name"]: option["value"] for option in json.load(f)}
    names = ["buildtype", "optimization", "b_lto", "b_ndebug", "b_sanitize"]
    return "Build: " + ", ".join(f"{name}={values[name]}" for name in names if name in values)


def raise_descriptor_limit():
    """As many open files as the system allows, for this program and what it starts. Returns how many."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_port(port, process, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[:4]} ended with {process.returncode} before it listened")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{process.args[:4]} does not listen on {port}")


def pinned(cpu, command):
    return command if cpu is None else ["taskset", "-c", str(cpu), *command]


def children(pid):
    out = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children") as f:
            out += [int(x) for x in f.read().split()]
    return out


def cpu_us(pids):
    """(user, system) CPU time of processes so far, in microseconds."""
    user = system = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rpartition(")")[2].split()
        user += int(fields[11]) * TICK_US
        system += int(fields[12]) * TICK_US
    return user, system


def memory_kib(pids, key="RssAnon"):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/status") as f:
            total += int(re.search(rf"^{key}:\s+(\d+)", f.read(), re.M).group(1))
    return total


@contextlib.contextmanager
def ahead(priority=1):
    """What is started within runs before other programs on its CPU, where that is allowed: so that what is measured is not
    how busy the machine is. Yields whether it is. This program itself goes to the CPU of the load, behind."""
    os.sched_setaffinity(0, {LOAD_CPU})
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(priority))
        allowed = True
    except OSError:
        allowed = False
    yield allowed
    if allowed:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def lost_ms(pid, cpu=PROXY_CPU):
    """Milliseconds so far that a process was ready but had no CPU, and those that its CPU was taken from this machine."""
    waited = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat") as f:
            waited += int(f.read().split()[1]) / 1e6
    with open("/proc/stat") as f:
        line = next((x.split() for x in f if x.startswith(f"cpu{cpu} ")), None)
    return waited, int(line[8]) * TICK_US / 1000 if line else 0.0


class Upstream:
    """The epoll upstream on a port of its own."""

    program = "up"

    def __init__(self, cpu=LOAD_CPU):
        self.process = subprocess.Popen(pinned(cpu, [program(self.program), "0"]), stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.pids = [self.process.pid]

    def requests(self):
        """How many have come so far."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as s:
            s.sendall(b"GET /count HTTP/1.1\r\nHost: a\r\n\r\n")
            text = b""
            while not text.endswith(b"\n") or b"\r\n\r\n" not in text or text.endswith(b"\r\n"):
                text += s.recv(4096)
        return int(text.rpartition(b"\r\n")[2])

    def stop(self):
        self.process.kill()
        self.process.wait()


class Target:
    """A proxy. Subclasses say how it is configured and started."""

    name = ""
    worker_is_child = False

    def __init__(self, upstream_port):
        self.upstream_port = upstream_port
        self.port = free_port()
        self.folder = tempfile.mkdtemp(prefix=f"bench-{self.name}-")
        self.process = None
        self.pids = []

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def command(self, single=False):
        """The command; single: in one process, as callgrind needs it."""
        raise NotImplementedError

    def start(self, cpu=PROXY_CPU, wrap=(), single=False):
        log = open(os.path.join(self.folder, "log"), "ab")
        self.process = subprocess.Popen(pinned(cpu, [*wrap, *self.command(single)]), stdout=log, stderr=log,
                                        cwd=self.folder)
        log.close()
        wait_port(self.port, self.process)
        self.pids = [self.process.pid]
        if self.worker_is_child and not single:
            self.pids = children(self.process.pid)
        return self

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        with open(os.path.join(self.folder, "log"), errors="replace") as f:
            return f.read()


class Nginx(Target):
    name = "nginx"
    worker_is_child = True

    def command(self, single=False):
        user = "user root;" if os.geteuid() == 0 else ""  # or its worker could not write its temporary files
        config = self.write("nginx.conf", f"""
{user} worker_processes 1; daemon off; master_process {"off" if single else "on"};
pid {self.folder}/pid; error_log {self.folder}/error.log error;
worker_rlimit_nofile 20000; events {{ worker_connections 20000; multi_accept on; }}
http {{
    access_log off; keepalive_requests 1000000000; keepalive_timeout 300s; tcp_nodelay on; sendfile on;
    client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy;
    fastcgi_temp_path {self.folder}/f; scgi_temp_path {self.folder}/s; uwsgi_temp_path {self.folder}/u;
    client_max_body_size 0; proxy_buffer_size 16k; proxy_buffers 16 16k;
    upstream up {{ server 127.0.0.1:{self.upstream_port}; keepalive 512; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{self.port} backlog=32768;
        location / {{
            proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
        }}
        location /sink {{
            proxy_request_buffering off;  # as the others do it: it goes on as it comes
            proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
        }}
    }}
}}
""")
        return ["nginx", "-p", self.folder, "-e", f"{self.folder}/error.log", "-c", config]


class HAProxy(Target):
    name = "haproxy"

    def command(self, single=False):
        config = self.write("haproxy.cfg", f"""
global
    maxconn 9500
    nbthread 1
defaults
    mode http
    timeout connect 5s
    timeout client 300s
    timeout server 300s
    http-reuse always
    option http-keep-alive
    option forwardfor
frontend f
    bind 127.0.0.1:{self.port} backlog 32768
    default_backend b
backend b
    server up 127.0.0.1:{self.upstream_port} pool-max-conn 512 pool-purge-delay 300s
""")
        return ["haproxy", "-db", "-f", config]


class Gateway(Target):
    name = "gwctl"
    workers = 1
    extra = ""   # of the route
    common = ""  # beside the routes
    limits = ""  # at the top
    services, routes = "", ""  # more of them

    def command(self, single=False):
        config = self.write("gateway.cfg", f"""
version = 1;
workers = {self.workers};
listeners = ( {{ address = "127.0.0.1:{self.port}"; }} );
limits = {{ body = "1GiB"; {self.limits} }};
{self.common}
services = ( {{ name = "up"; instances = ( "127.0.0.1:{self.upstream_port}" ); }} {self.services} );
routes = (
  {self.routes}
  {{ id = "all"; predicates = {{ path = "/**"; }}; {self.extra} endpoint = {{ http = {{ service = "up"; }}; }}; }}
);
""")
        return [os.path.join(BUILD, "cli", "gwctl"), "run", config]


class LoggingGateway(Gateway):
    """With a line of the usual kind for each request, and a filter that sets a header of the answer."""

    name = "gwctl-log"
    common = (r"""decorators = ( { access_log = { path = "access.log"; format = "${client} [${time}] \"${method} ${path} """
              r"""${protocol}\" ${status} ${response_bytes} ${duration_us}"; }; } );""")
    extra = """filters = ( { set_response_header = { name = "X-Gateway"; value = "gw"; }; } );"""


class JsonLoggingGateway(LoggingGateway):
    """The same with the default format: JSON of seventeen values."""

    name = "gwctl-json"
    common = """decorators = ( { access_log = { path = "access.log"; }; } );"""


TARGETS = {t.name: t for t in (Nginx, HAProxy, Gateway, LoggingGateway, JsonLoggingGateway)}


def own_network():
    """Runs this program again in a network namespace of its own with cubic, where that is allowed: no port is taken by
    others, bbr's occasional doubling of large samples stays out, and queues hold 9,000 connections that come at once."""
    if os.environ.get("BENCH_NETNS") or os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("ip"):
        return
    script = ("ip link set lo up; for d in 127.0.0.1 127.0.0.0/8; do "
              "ip route replace local $d dev lo table local proto kernel scope host src 127.0.0.1 congctl cubic "
              "2>/dev/null; done; sysctl -qw net.core.somaxconn=32768 net.ipv4.tcp_max_syn_backlog=32768 "
              "net.ipv4.ip_local_port_range='2000 65000'; exec \"$@\"")
    if subprocess.run(["unshare", "-n", "true"], stderr=subprocess.DEVNULL).returncode == 0:
        os.environ["BENCH_NETNS"] = "1"
        os.execvp("unshare", ["unshare", "-n", "sh", "-c", script, "sh", sys.executable, *sys.argv])
