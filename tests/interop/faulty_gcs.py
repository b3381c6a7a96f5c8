"""A proxy before an emulator of Google Cloud Storage that gives out tokens as Google's metadata server does, checks them,
splits lists into pages, and refuses, cuts and loses requests at random."""
import collections
import http.client
import http.server
import random
import re
import socket
import threading

TOKEN_USES = 8  # requests after which a token is refused, however fast the machine is


class FaultyGcs:
    def __init__(self, port, seed):
        self.port, self.random, self.lock = port, random.Random(seed), threading.Lock()
        self.tokens, self.valid = 0, {}  # token: uses left
        self.received = {}  # bytes of unfinished uploads
        self.faults = collections.Counter(refused=0, reset=0, cut=0, lost=0, expired=0, pages=0)
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_all(self):
                proxy.respond(self)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_all

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        self.endpoint = f"http://{self.host}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def chance(self, fault, share):
        with self.lock:
            happens = self.random.random() < share
            self.faults[fault] += happens
            return happens

    def use(self, token):
        with self.lock:
            left = self.valid.get(token, 0)
            self.faults["expired"] += left == 0
            self.valid[token] = max(0, left - 1)
            return left > 0

    def respond(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        if handler.path.startswith("/computeMetadata/"):
            assert handler.headers["Metadata-Flavor"] == "Google"
            with self.lock:
                self.tokens += 1
                token = f"ya29.{self.tokens}"
                self.valid[token] = TOKEN_USES
            return send(handler, 200, b'{"access_token":"%s","expires_in":3600}' % token.encode())
        upload = re.search(r"upload_id=([^&]+)", handler.path)
        if not upload and not self.use((handler.headers["Authorization"] or "")[7:]):
            return send(handler, 401, b'{"error":{"code":401,"message":"Invalid Credentials"}}')
        if self.chance("refused", 0.1):
            return send(handler, 503, b'{"error":{"code":503,"message":"Backend Error"}}')
        if self.chance("reset", 0.05):
            return disconnect(handler)
        upload = upload and upload[1]
        content_range = handler.headers["Content-Range"] or ""
        if content_range.startswith("bytes */"):  # The emulator takes this question for the end of the upload.
            has = self.received.get(upload, 0)
            return send(handler, 308, b"", **({"Range": f"bytes=0-{has - 1}"} if has else {}))
        path = handler.path
        if handler.command == "GET" and path.split("?")[0].endswith("/o") and "maxResults" not in path:
            path += "&maxResults=3"
        status, headers, answer = self.forward(handler, path, body)
        if b'"nextPageToken"' in answer:
            self.faults["pages"] += 1
        if upload and status == 308:
            self.received[upload] = int(headers["Range"].split("-")[1]) + 1
        elif upload:
            self.received.pop(upload, None)
        # The emulator forgets an upload that has ended, so that the response to its last part is not lost here.
        if (not upload or status == 308) and self.chance("lost", 0.05):
            return disconnect(handler)
        if len(answer) > 1000 and self.chance("cut", 0.1):
            return send(handler, status, answer, cut=len(answer) // 2, **headers)
        send(handler, status, answer, **headers)

    def forward(self, handler, path, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        headers = {name: value for name, value in handler.headers.items() if name not in ("Connection", "Authorization")}
        connection.request(handler.command, path, body=body, headers=headers)
        response = connection.getresponse()
        answer = response.read()
        connection.close()
        kept = {name: value for name, value in response.getheaders()
                if name.lower() in ("range", "content-range", "x-goog-generation", "location", "content-type")}
        return response.status, kept, answer


def send(handler, status, body, cut=None, **headers):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[:cut])
    if cut:
        disconnect(handler)


def disconnect(handler):
    handler.close_connection = True
    handler.wfile.flush()
    handler.connection.shutdown(socket.SHUT_RDWR)
