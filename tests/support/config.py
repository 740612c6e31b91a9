"""Config files as text."""
import os


def value(v):
    """A Python value in libconfig's form; a dict is a group, a list a list."""
    if isinstance(v, bool):
        return "true" if v else "false"
    if isinstance(v, int):
        return str(v)
    if isinstance(v, dict):
        return "{ " + " ".join(f"{k} = {value(x)};" for k, x in v.items()) + " }"
    if isinstance(v, (list, tuple)):
        return "( " + ", ".join(value(x) for x in v) + " )"
    return '"' + str(v).replace("\\", "\\\\").replace('"', '\\"') + '"'


def route(id="all", path="/**", filters=(), endpoint=None, service="up", predicates=None, **more):
    """A route as a dict. Filters are dicts of one key, or bare names for {name = {}}."""
    out = {"id": id, "predicates": predicates if predicates is not None else {"path": path}}
    if filters:
        out["filters"] = [{f: {}} if isinstance(f, str) else f for f in filters]
    out["endpoint"] = endpoint or {"http": {"service": service}}
    return {**out, **more}


def respond(body="hello", status=200, content_type="text/plain"):
    return {"respond": {"status": status, "content_type": content_type, "body": body}}


def config(routes, services=None, workers=1, listeners=("127.0.0.1:0",), plugins=(), admin=True, decorators=(), **more):
    """A whole config. services: name -> list of addresses, or a dict with more keys of the service."""
    top = {"version": 1, "workers": workers,
           "listeners": [{"address": a} if isinstance(a, str) else a for a in listeners]}
    if admin:
        top["admin"] = {"socket": "gateway.sock"}
    if plugins:
        top["plugins"] = [plugin(p) for p in plugins]
    listed = []
    for name, given in (services or {}).items():
        listed.append({"name": name, **(given if isinstance(given, dict) else {"instances": list(given)})})
    if listed:
        top["services"] = listed
    if decorators:
        top["decorators"] = list(decorators)
    top.update(more)
    top["routes"] = list(routes)
    return "".join(f"{k} = {value(v)};\n" for k, v in top.items())


def build_folder():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return os.path.abspath(os.environ.get("GW_BUILD", os.path.join(root, "build")))


def plugin(name):
    return os.path.join(build_folder(), "tests", "plugins", name + ".so")
