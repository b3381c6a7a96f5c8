#!/usr/bin/env python3
"""Load on `genrewise serve` on this machine: many clients that browse, search and upload at the same time.

    load_server.py build/release/bin/genrewise --library library.db --audio song.mp3 [--model m.gwm] [--clients 100]
                   [--seconds 60] [--uploading 20]

Each client keeps a connection and sends one request after the other, with a pause of up to a fifth of a second: the
page's health, a page of tracks, a search, a track, similar tracks; those that upload send the file to /v1/predict, and
wait as the answer says if the server is busy. Prints, for each kind, the answers by status and the median, 99th
percentile and maximum of the time of those that succeeded, and the largest memory of the server and its decoding
workers. The exit code is 1 if a request was not answered or with 500, or if the server does not end well.
"""
import argparse
import http.client
import json
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tests", "support"))
from serving import Server

BROWSING = {"health": "/v1/health", "tracks": "/v1/library/tracks?limit=200&offset={}00", "search": "/v1/library/tracks?q=%22number+000{}%22",
            "track": "/v1/library/tracks/{}", "similar": "/v1/similar?n=20&track={}"}


class Client(threading.Thread):
    def __init__(self, number, port, audio, end):
        super().__init__()
        self.rng, self.port, self.audio, self.end = random.Random(number), port, audio, end
        self.times, self.statuses, self.failures = {}, {}, []

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        while time.monotonic() < self.end:
            kind = "predict" if self.audio else self.rng.choices(list(BROWSING), (40, 25, 20, 10, 5))[0]
            start = time.monotonic()
            pause = self.rng.uniform(0, 0.2)
            try:
                if kind == "predict":
                    connection.request("POST", "/v1/predict", self.audio,
                                       {"X-Genrewise": "1", "Content-Type": "audio/mpeg", "X-Filename": "song.mp3"})
                else:
                    connection.request("GET", BROWSING[kind].format(self.rng.randrange(10, 100)))
                answer = connection.getresponse()
                answer.read()
                if answer.status in (429, 503):
                    pause = float(answer.getheader("Retry-After", "1"))
                self.statuses[kind, answer.status] = self.statuses.get((kind, answer.status), 0) + 1
                if answer.status == 200:
                    self.times.setdefault(kind, []).append(time.monotonic() - start)
            except (http.client.BadStatusLine, ConnectionError):
                connection.close()  # an idle connection that the server gave to another client; sent again
                if time.monotonic() - start > 1:
                    self.failures.append(f"{kind}: cut after {time.monotonic() - start:.1f} s")
            except OSError as error:
                self.failures.append(f"{kind}: {error}")
                connection.close()
            time.sleep(pause)
        connection.close()


def memory_of(process):
    """Private memory of a process, and of its children, in bytes. Pages of the catalogue, which every reader maps, are
    the system's cache of the file."""
    def private(pid):
        try:
            with open(f"/proc/{pid}/status") as file:
                return 1024 * next(int(line.split()[1]) for line in file if line.startswith("RssAnon:"))
        except (OSError, StopIteration):
            return 0
    children = []
    for task in os.listdir(f"/proc/{process}/task"):
        try:
            with open(f"/proc/{process}/task/{task}/children") as file:
                children += file.read().split()
        except OSError:
            pass
    return private(process), sum(map(private, children))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--library", required=True)
    parser.add_argument("--audio", required=True)
    parser.add_argument("--model")
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--uploading", type=int, default=20, help="clients that upload; the others browse")
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    with open(options.audio, "rb") as file:
        audio = file.read()
    with Server(options.program, "--library", options.library, *(["--model", options.model] if options.model else [])) as server:
        server.request("POST", "/v1/predict", audio, {"Content-Type": "audio/mpeg"})  # opens the model
        before = memory_of(server.process.pid)
        end = time.monotonic() + options.seconds
        clients = [Client(i, server.port, audio if i < options.uploading else None, end) for i in range(options.clients)]
        for client in clients:
            client.start()
        peak = workers = 0
        while time.monotonic() < end:
            own, children = memory_of(server.process.pid)
            peak, workers = max(peak, own), max(workers, children)
            time.sleep(0.25)
        for client in clients:
            client.join()
        after = memory_of(server.process.pid)
        code = server.stop()
    print(f"{options.clients} clients, {options.uploading} of them upload {len(audio) / 1e6:.1f} MB, {options.seconds:.0f} s; "
          f"load {os.getloadavg()[0]:.1f}")
    failures = [failure for client in clients for failure in client.failures]
    for kind in [*BROWSING, "predict"]:
        times = sorted(time for client in clients for time in client.times.get(kind, []))
        statuses = {}
        for client in clients:
            for (one, status), count in client.statuses.items():
                if one == kind:
                    statuses[status] = statuses.get(status, 0) + count
        if times:
            at = [1000 * times[int(share * (len(times) - 1))] for share in (0.5, 0.99, 1)]
            print(f"{kind:8} p50 {at[0]:8.1f} ms   p99 {at[1]:8.1f} ms   most {at[2]:8.1f} ms   {json.dumps(statuses)}")
        else:
            print(f"{kind:8} {json.dumps(statuses)}")
        failures += [f"{kind}: {count} times 500" for status, count in statuses.items() if status == 500]
    print("memory: server {:.0f} MB before, {:.0f} MB at most, {:.0f} MB after; workers {:.0f} MB at most".format(
        before[0] / 1e6, peak / 1e6, after[0] / 1e6, workers / 1e6))
    for failure in failures[:20]:
        print("FAILED " + failure)
    return 1 if failures or code != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
