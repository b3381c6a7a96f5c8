#!/usr/bin/env python3
"""Reads the same shards from a real S3 server on the loopback interface by genrewise and by curl, in turn.

    compare_s3.py versitygw|s3rver|moto SERVER_PROGRAM build/release/bin/bench_object_storage [ROUNDS] [SHARDS RECORDS] [WAY...]

curl downloads every shard to /dev/null over as many connections as genrewise may use, in one process (-Z) and in as many
processes as connections; the faster of the two is the reference. Shuffled batches are read in blocks of about half a MiB,
for which curl requests ranges of that size. Whole runs are timed, including process start. WAY: bytes, records, batches,
shuffled; all of them by default. Prints the medians of the rounds: wall clock and CPU time, and the server's CPU time.
"""
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "interop"))
from object_storage import BUCKET, Server  # noqa: E402

CONNECTIONS = 8


def main():
    kind, server_program, bench = sys.argv[1:4]
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 5
    shards, records = (sys.argv[5], sys.argv[6]) if len(sys.argv) > 6 else ("8", "160")
    selected = sys.argv[7:] or ["bytes", "records", "batches", "shuffled"]
    with tempfile.TemporaryDirectory() as folder:
        server = Server(kind, server_program, folder)
        try:
            environment = dict(os.environ, AWS_ACCESS_KEY_ID=server.access_key, AWS_SECRET_ACCESS_KEY=server.secret_key,
                               AWS_ENDPOINT_URL=server.endpoint, AWS_REGION="us-east-1", HOME=folder,
                               GENREWISE_CONNECTIONS=str(CONNECTIONS))
            location = f"s3://{BUCKET}/bench"
            subprocess.run([bench, "make", location, shards, records], check=True, env=environment)
            urls = [f"{server.endpoint}/{BUCKET}/bench/bench-{i:02}-{records}.tfrec" for i in range(int(shards))]
            login = ["curl", "-sS", "--no-progress-meter", "-f", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user",
                     f"{server.access_key}:{server.secret_key}", "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"]

            def curl_together():
                command = login + ["-Z", "--parallel-max", str(CONNECTIONS)]
                for url in urls:
                    command += [url, "-o", "/dev/null"]
                subprocess.run(command, check=True)

            def curl_apart():
                for first in range(0, len(urls), CONNECTIONS):
                    running = [subprocess.Popen(login + ["-o", "/dev/null", url]) for url in urls[first:first + CONNECTIONS]]
                    assert all(process.wait() == 0 for process in running)

            def curl_pieces():
                size, piece, command = int(records) * 200_777, 512 << 10, ["curl", "-Z", "--parallel-max", str(CONNECTIONS)]
                for url in urls:
                    for at in range(0, size, piece):
                        command += login[1:] + ["-r", f"{at}-{min(at + piece, size) - 1}", "-o", "/dev/null", url, "--next"]
                subprocess.run(command[:-1], check=True, stderr=subprocess.DEVNULL)

            def processor_time():
                ours = resource.getrusage(resource.RUSAGE_CHILDREN)
                with open(f"/proc/{server.process.pid}/stat") as stat:
                    fields = stat.read().rsplit(")", 1)[1].split()
                servers = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
                return ours.ru_utime + ours.ru_stime, servers

            ways = {"curl -Z": curl_together, "curl, processes": curl_apart}
            if "shuffled" in selected:
                ways["curl, pieces"] = curl_pieces
            for what in selected:
                ways["genrewise " + what] = lambda what=what: subprocess.run(
                    [bench, what, location], check=True, env=environment, stdout=subprocess.DEVNULL)
            size = int(shards) * int(records) * 200_777 / 1e6
            times = {name: [] for name in ways}
            for _ in range(rounds + 1):  # the first round fills caches
                for name, way in ways.items():
                    client, servers = processor_time()
                    started = time.perf_counter()
                    way()
                    wall = time.perf_counter() - started
                    client_after, servers_after = processor_time()
                    times[name].append((wall, client_after - client, servers_after - servers))
            medians = {name: [statistics.median(column) for column in zip(*taken[1:])] for name, taken in times.items()}
            best_curl = min(medians["curl -Z"][0], medians["curl, processes"][0])
            print(f"{kind}: {shards} shards, {size:.0f} MB, {CONNECTIONS} connections, median of {rounds}")
            for name, (wall, client, servers) in medians.items():
                print(f"  {name:20} {wall:6.3f} s {size / wall:7.0f} MB/s {100 * best_curl / wall:5.0f} % of curl"
                      f"   processor: {client:.2f} s, the server's {servers:.2f} s")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
