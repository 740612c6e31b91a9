"""The services behind the HTTP example's gateway: say what they were asked, on each port given; /slow takes two seconds."""
import http.server
import json
import sys
import threading
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/slow":
            time.sleep(2)
        text = json.dumps({"instance": self.server.server_port, "method": self.command, "path": self.path,
                           "forwarded_for": self.headers.get("X-Forwarded-For"), "body_bytes": len(body)}) + "\n"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def log_message(self, *arguments):
        pass


servers = [http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler) for port in sys.argv[1:]]
for server in servers:
    print(f"listening on 127.0.0.1:{server.server_port}", flush=True)
for server in servers[1:]:
    threading.Thread(target=server.serve_forever, daemon=True).start()
servers[0].serve_forever()
