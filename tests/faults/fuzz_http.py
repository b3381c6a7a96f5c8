#!/usr/bin/env python3
"""Sends random and damaged requests to `genrewise serve` and checks that it lives.

    fuzz_http.py build/dev/bin/genrewise [--seconds 30] [--seed 1] [--folder FOLDER]

Requests are made from templates of all routes of docs/openapi.json: methods, paths, queries, headers and bodies are
replaced, cut, repeated or filled with random bytes; some are sent in pieces or left unfinished, some clients close
while the answer comes. Every answer must be HTTP with a status, no answer may be 500, an error must be JSON of the
documented form without a path of this machine, and after all of them the server must answer /v1/health within a
second, with as many open files as before, and end with exit code 0. The exit code is 1 if something differs.
"""
import argparse
import json
import os
import random
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse
import wave
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from serving import Server

DOCUMENT = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "openapi.json")
WORDS = ["", "0", "1", "-1", "99999999999999999999", "NaN", "null", "true", "..", "../../etc/passwd", "%00", "%2e%2e%2f",
         "genre:rock", "confidence:>", "\"", "((((", "a" * 5000, "\u202e\U0001f3b5", "<script>", "*", "added:<1e308d"]


class Fuzzer:
    def __init__(self, seed, folder):
        self.rng = random.Random(seed)
        self.folder = folder
        with open(DOCUMENT, encoding="utf-8") as file:
            self.routes = [(path, method.upper()) for path, methods in json.load(file)["paths"].items() for method in methods]
        self.problems, self.statuses = [], {}
        with open(os.path.join(folder, "tone.wav"), "rb") as file:
            self.audio = file.read()

    def word(self):
        choice = self.rng.random()
        if choice < 0.6:
            return self.rng.choice(WORDS)
        if choice < 0.8:
            return str(self.rng.randrange(-5, 50))
        return "".join(chr(self.rng.randrange(1, 0x250)) for _ in range(self.rng.randrange(20)))

    def value(self, depth=0):
        choice = self.rng.randrange(8 if depth < 4 else 5)
        if choice < 2:
            return self.word()
        if choice < 5:
            return self.rng.choice([None, True, False, 0, 1, 2, -1, 1e308, 2 ** 63, 0.5])
        if choice < 6:
            return [self.value(depth + 1) for _ in range(self.rng.randrange(4))]
        names = ["q", "tracks", "genre", "plan", "batch", "track", "upload", "field", "mode", "values", "limit", "smooth",
                 "start", "roots", "format", "title", "token", "sort", "per_artist", "max_duration_s", "min_confidence"]
        return {self.rng.choice(names): self.value(depth + 1) for _ in range(self.rng.randrange(5))}

    def body(self):
        choice = self.rng.random()
        if choice < 0.5:
            value = self.value()
            return json.dumps(value if isinstance(value, dict) or self.rng.random() < 0.2 else {}).encode(), "application/json"
        if choice < 0.6:
            return b"[" * self.rng.randrange(1, 100000), "application/json"
        if choice < 0.7:
            return self.rng.randbytes(self.rng.randrange(3000)), "application/json"
        audio = bytearray(self.audio)
        for _ in range(self.rng.randrange(6)):
            audio[self.rng.randrange(min(len(audio), self.rng.choice((60, len(audio)))))] = self.rng.randrange(256)
        return bytes(audio[:self.rng.choice((len(audio), self.rng.randrange(len(audio))))]), "audio/wav"

    def message(self):
        path, method = self.rng.choice(self.routes)
        parts = [urllib.parse.quote(self.word(), safe="%") if "{" in part else part for part in path.split("/")]
        target = "/".join(parts)
        if self.rng.random() < 0.5:
            names = ["q", "sort", "limit", "offset", "n", "track", "upload", "points", "windows", "job", "preview", "per"]
            target += "?" + "&".join(f"{self.rng.choice(names)}={urllib.parse.quote(self.word(), safe='%')}"
                                     for _ in range(self.rng.randrange(1, 4)))
        if self.rng.random() < 0.1:
            method = self.rng.choice(["PUT", "PATCH", "OPTIONS", "TRACE", "CONNECT", "HEAD", "", "get", "\x00", "A" * 50])
        headers = {"Host": "localhost", "X-Genrewise": "1", "Connection": "close"}
        body, kind = self.body() if method in ("POST", "PUT", "DELETE") else (b"", "")
        if body:
            headers.update({"Content-Length": str(len(body)), "Content-Type": kind})
        for _ in range(self.rng.randrange(3)):
            headers[self.rng.choice(["Range", "If-None-Match", "If-Range", "Accept-Encoding", "X-Filename", "Cookie", "Origin",
                                     "Expect", "Authorization", "Transfer-Encoding", "Content-Length", "Host", "Upgrade"])] = \
                self.rng.choice(["bytes=0-", "bytes=-1", "bytes=9-1,0-0", "gzip", "100-continue", "chunked", "5", "*", self.word()])
        text = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
        data = text.encode("utf-8", "surrogatepass") + body
        if self.rng.random() < 0.15:
            data = bytearray(data)
            for _ in range(self.rng.randrange(1, 8)):
                data[self.rng.randrange(len(data))] = self.rng.randrange(256)
            data = bytes(data)
        return data

    def check(self, message, answer):
        """Of an answer that came completely."""
        show = message[:200]
        head, _, body = answer.partition(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 100 "):
            head, _, body = body.partition(b"\r\n\r\n")
            if not head:
                return  # the body did not arrive
        if b"Content-Encoding: gzip" in head and body:  # of HEAD there is none
            try:
                body = zlib.decompress(body, 31)
            except zlib.error as error:
                self.problems.append(f"{show!r}: {error} in {len(body)} bytes after {head!r}")
                return
        if not head.startswith(b"HTTP/1.1 ") or not head[9:12].isdigit():
            self.problems.append(f"{show!r}: no HTTP: {answer[:100]!r}")
            return
        status = int(head[9:12])
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if status == 500:
            self.problems.append(f"{show!r}: {body[:300]!r}")
        if status >= 400 and body:
            try:
                if set(json.loads(body)["error"]) != {"code", "what", "where", "remedy"}:
                    raise ValueError
            except (ValueError, KeyError, TypeError):
                self.problems.append(f"{show!r}: another form of error: {body[:200]!r}")
            if self.folder.encode() in body:
                self.problems.append(f"{show!r}: names a folder: {body[:300]!r}")

    def send(self, port):
        message = self.message()
        with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
            manner = self.rng.random()
            try:
                if manner < 0.1:  # in pieces
                    for at in range(0, len(message), max(1, len(message) // 5)):
                        client.sendall(message[at:at + max(1, len(message) // 5)])
                elif manner < 0.2:  # unfinished; or closed with a reset, before the answer
                    client.sendall(message[:self.rng.randrange(len(message))])
                    if self.rng.random() < 0.5:
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                else:
                    client.sendall(message)
                client.shutdown(socket.SHUT_WR)
                answer = b""
                while True:
                    block = client.recv(65536)
                    if not block:
                        break
                    answer += block
            except socket.timeout:
                self.problems.append(f"{message[:200]!r}: no answer in 30 s")
                return
            except OSError:  # refused before it had arrived; shutdown() then fails with ENOTCONN
                return
        if answer:
            self.check(message, answer)


def open_files(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def make_music(folder):
    for name, step in (("tone", 40), ("other", 31)):
        with wave.open(os.path.join(folder, name + ".wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(b"".join(struct.pack("<h", (i * step) % 8000 - 4000) for i in range(8000)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        music = os.path.join(folder, "music")
        os.makedirs(music)
        os.makedirs(os.path.join(folder, "runs"))
        make_music(music)
        make_music(folder)
        library = os.path.join(folder, "library.db")
        subprocess.run([options.program, "-q", "library", "scan", music, "--library", library],
                       capture_output=True, check=False)  # without weights of a network: an empty library
        with Server(options.program, "--library", library, "--runs", os.path.join(folder, "runs"), "--data", music) as server:
            fuzzer = Fuzzer(options.seed, folder)
            server.request("GET", "/v1/health")
            before, sent, end = open_files(server), 0, time.monotonic() + options.seconds
            while time.monotonic() < end and server.process.poll() is None and len(fuzzer.problems) < 20:
                try:
                    fuzzer.send(server.port)
                except ConnectionRefusedError:
                    break
                except ConnectionResetError:
                    pass
                sent += 1
            problems = fuzzer.problems
            if server.process.poll() is None:
                start = time.monotonic()
                status = server.request("GET", "/v1/health")[0]
                if status != 200 or time.monotonic() - start > 1:
                    problems.append(f"health: {status} after {time.monotonic() - start:.1f} s")
                time.sleep(1)
                if open_files(server) > before + 8:
                    problems.append(f"{before} files were open before and {open_files(server)} are afterwards")
            code = server.stop()
            if code != 0:
                problems.append(f"the server ended with code {code}: {list(server.lines)[-3:]}")
            print(f"{sent} requests, seed {options.seed}, statuses {dict(sorted(fuzzer.statuses.items()))}")
    for problem in problems:
        print("DIFFERS " + problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
