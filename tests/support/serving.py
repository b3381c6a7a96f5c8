"""Starts `genrewise serve` on a free port of 127.0.0.1 and sends requests to it."""
import collections
import http.client
import json
import re
import signal
import subprocess
import threading


class Server:
    """A running server; a context."""

    def __init__(self, program, *options, environment=None):
        self.process = subprocess.Popen([program, "serve", "--port", "0", *map(str, options)], stderr=subprocess.PIPE,
                                        text=True, env=environment)
        self.lines = collections.deque(maxlen=100)  # of standard error
        for line in self.process.stderr:
            self.lines.append(line)
            found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
            if found:
                self.port = int(found.group(1))
                self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stderr))
                self.reader.start()
                return
        raise RuntimeError("the server did not start: " + "".join(self.lines))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        finally:
            self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stderr.close()

    def request(self, method, path, body=None, headers=None, timeout=60):
        """Returns (status, headers, bytes). A body that is no bytes is sent as JSON."""
        headers = {"X-Genrewise": "1", **(headers or {})}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def json(self, method, path, body=None, headers=None):
        status, _, text = self.request(method, path, body, headers)
        return status, json.loads(text) if text else None

    def metric(self, name):
        text = self.request("GET", "/metrics")[2].decode()
        return float(re.search(rf"^{re.escape(name)} (\S+)$", text, re.M).group(1))
