#!/usr/bin/env python3
"""Measures jobs in parts: figures of docs/scale.md and docs/performance.md.

    scale_parts.py build/release/bin/genrewise merge    [--rows 1000000] [--parts 64] [--folder DISK]
    scale_parts.py build/release/bin/genrewise parts    [--clips 2000] [--parts 64]
    scale_parts.py build/release/bin/genrewise store    [--clips 1000] [--server moto|versitygw PROGRAM]
    scale_parts.py build/release/bin/genrewise list     [--lines 5000000] [--parts 64]
    scale_parts.py build/release/bin/genrewise clips    [--counts 1000,10000]

Wall-clock time depends on what else the machine does: CPU time (of the processes and their children) is printed beside
it. Each comparison alternates between its sides and takes the minimum of --runs.
"""
import argparse
import hashlib
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "interop"))
import object_storage  # noqa: E402  (Server)

COLUMNS = 518


class Usage:
    """Wall and CPU seconds of commands that run at the same time, and the largest resident size of one of them."""

    def __init__(self, commands, environment=None):
        self.cpu_s = self.megabytes = 0
        results = []
        start = time.monotonic()

        def run(command):
            with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
                problem = process.stderr.read().decode()
                _, status, used = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
                results.append((process.returncode, problem, used))

        threads = [threading.Thread(target=run, args=(command,)) for command in commands]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.wall_s = time.monotonic() - start
        for code, problem, used in results:
            if code not in (0, 3):
                raise SystemExit(problem)
            self.cpu_s += used.ru_utime + used.ru_stime
            self.megabytes = max(self.megabytes, used.ru_maxrss / 1024)

    def text(self):
        return f"{self.wall_s:8.2f} s, CPU {self.cpu_s:8.2f} s, {self.megabytes:6.0f} MB"


def sum_of(usages):
    usages = list(usages)
    usages[0].wall_s = sum(one.wall_s for one in usages)
    usages[0].cpu_s = sum(one.cpu_s for one in usages)
    return usages[0]


def sealed(document):
    document["sha256"] = "0" * 64
    text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    return text.replace("0" * 64, hashlib.sha256(text.encode()).hexdigest(), 1)


def write_parts(output, rows, parts):
    """Parts of a .npy table as `extract --part` writes them."""
    folder = output + ".parts"
    os.makedirs(folder)
    with open(os.path.join(folder, "plan.json"), "w", encoding="utf-8") as file:
        file.write(sealed({"format": "genrewise parts", "parts": parts, "facts": [["feature set", "made"]]}))
    block = random.Random(1).randbytes(COLUMNS * 4 * 1024)
    for part in range(parts):
        count = rows * (part + 1) // parts - rows * part // parts
        first = rows * part // parts
        name = os.path.join(folder, f"{part + 1:0{len(str(parts))}}-of-{parts}.npy")
        header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({count}, {COLUMNS}), }}"
        header += " " * (-(10 + len(header) + 1) % 64) + "\n"
        total = hashlib.sha256()
        with open(name, "wb") as file:
            def write(data):
                total.update(data)
                file.write(data)
            write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
            for at in range(0, count, 1024):
                write(block[:min(1024, count - at) * COLUMNS * 4])
            size = file.tell()
        ids = [f"track/{first + i:07}.mp3" for i in range(count)]
        document = {
            "format": "genrewise feature table", "recipe": {"name": "made", "version": 1, "hash": "a" * 64}, "rows": count,
            "table_sha256": total.hexdigest(), "track_ids": ids,
            "columns": [["made", "value", f"{i:03}"] for i in range(COLUMNS)],
            "source": {"dataset": "made", "kind": "list", "tracks": count, "fingerprint": "b" * 64, "bytes": size},
            "skipped": [], "part": {"number": part + 1, "count": parts, "skipped_keys": []},
            "examples": {"version": 1, "identities": [f"{first + i:032x}" for i in range(count)],
                         "genres": ["Rock"] * count, "artists": [f"artist {(first + i) // 10}" for i in range(count)],
                         "albums": [f"album {(first + i) // 5}" for i in range(count)], "files": ids,
                         "parts": [None] * count}}
        with open(name + ".json", "w", encoding="utf-8") as file:
            file.write(sealed(document))


def size_of(folder):
    return sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))


def merge(options, work):
    output = os.path.join(work, "t.npy")
    write_parts(output, options.rows, options.parts)
    parts = output + ".parts"
    size = size_of(parts)
    os.sync()
    copies, merges = [], []
    for _ in range(options.runs):
        # cp and then the same flush to disk that the merge ends with.
        command = f"cp -r {parts} {work}/copy && sync -f {work}/copy"
        copies.append(Usage([["sh", "-c", command]]))
        shutil.rmtree(os.path.join(work, "copy"))
        merges.append(Usage([[options.program, "-q", "merge", "--keep-parts", output]]))
        print(f"  copy {copies[-1].text()}; merge {merges[-1].text()}")
    copy_s, merge_s = min(one.wall_s for one in copies), min(one.wall_s for one in merges)
    print(f"{options.rows} rows of {COLUMNS} in {options.parts} parts, {size / 1e6:.0f} MB: merged in {merge_s:.1f} s "
          f"({size / 1e6 / merge_s:.0f} MB/s, {copy_s / merge_s:.2f} x cp's {size / 1e6 / copy_s:.0f} MB/s), "
          f"{max(one.megabytes for one in merges):.0f} MB of memory")


def make_list(work, clips, seconds=2):
    """MP3 files of noise (with ffmpeg), and a list of them: ten files under many names, which are the same work."""
    music = os.path.join(work, "music")
    os.makedirs(music)
    files = []
    for i in range(clips):
        files.append(os.path.join(music, f"{i:07}.mp3"))
        if i >= 10:
            os.link(files[i % 10], files[i])
            continue
        noise = f"anoisesrc=d={seconds}:c=pink:r=44100:seed={i}"
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", noise, "-b:a", "128k", files[i]], check=True)
    listed = os.path.join(work, "music.txt")
    with open(listed, "w", encoding="utf-8") as file:
        file.write("\n".join(files[:clips]) + "\n")
    return listed


def parts(options, work):
    listed = make_list(work, options.clips, options.seconds)
    extract = [options.program, "-q", "--threads", "1", "extract", listed, "--features", options.features]
    whole, divided = [], []
    for run in range(options.runs):
        whole.append(Usage([[*extract, "-o", f"{work}/whole{run}.npy"]]))
        output = f"{work}/t{run}.npy"
        steps = [Usage([[*extract, "-o", output, "--part", f"{i + 1}/{options.parts}"]]) for i in range(options.parts)]
        divided.append(sum_of(steps + [Usage([[options.program, "-q", "merge", output]])]))
        print(f"  one run {whole[-1].text()}; {options.parts} parts and merge {divided[-1].text()}")
    cpu = min(one.cpu_s for one in divided) / min(one.cpu_s for one in whole)
    each = (min(one.cpu_s for one in divided) - min(one.cpu_s for one in whole)) / options.parts
    wall = min(one.wall_s for one in divided) / min(one.wall_s for one in whole)
    print(f"{options.clips} clips of {options.seconds} s, {options.features}, one thread: {options.parts} parts, one after another, and their "
          f"merge take {100 * (cpu - 1):+.1f} % CPU time and {100 * (wall - 1):+.1f} % time of one run: {1000 * each:.0f} ms of "
          f"CPU a part, which is 3 % of {each / 0.03:.1f} s of work")


def store(options, work):
    kind, program = options.server
    server = object_storage.Server(kind, program, work)
    try:
        environment = dict(os.environ, AWS_ACCESS_KEY_ID=server.access_key, AWS_SECRET_ACCESS_KEY=server.secret_key,
                           AWS_ENDPOINT_URL=server.endpoint, AWS_REGION="us-east-1")
        make_list(work, options.clips, options.seconds)
        listed = os.path.join(work, "keys.txt")
        bucket = f"s3://{object_storage.BUCKET}"
        import boto3
        client = boto3.client("s3", endpoint_url=server.endpoint, aws_access_key_id=server.access_key,
                              aws_secret_access_key=server.secret_key, region_name="us-east-1")
        with open(os.path.join(work, "music.txt"), encoding="utf-8") as files, open(listed, "w", encoding="utf-8") as keys:
            for i, path in enumerate(files):
                client.upload_file(path.strip(), object_storage.BUCKET, f"music/{i:05}.mp3")
                keys.write(f"{bucket}/music/{i:05}.mp3\n")
        extract = [options.program, "-q", "--threads", "1", "extract", listed, "--features", options.features]
        times = {1: [], 2: []}
        for run in range(options.runs):
            for count in (1, 2):
                output = f"{bucket}/t{run}-{count}.npy"
                both = Usage([[*extract, "-o", output, "--part", f"{i + 1}/{count}"] for i in range(count)], environment)
                times[count].append(sum_of([both, Usage([[options.program, "-q", "merge", output]], environment)]))
                print(f"  {count} processes {times[count][-1].text()}")
        wall = min(one.wall_s for one in times[1]) / min(one.wall_s for one in times[2])
        cpu = min(one.cpu_s for one in times[1]) / min(one.cpu_s for one in times[2])
        server.log.flush()
        with open(server.log.name, encoding="utf-8", errors="replace") as log:
            reads = sum("GET /" in line and ".mp3" in line for line in log)
        print(f"  {reads / options.clips / options.runs / 2:.2f} GET requests a clip")
        print(f"{options.clips} clips of {options.seconds} s, {options.features}, from {kind} on loopback, whole job with merge: 2 processes "
              f"{wall:.2f} x of 1; CPU time of 1 against 2: {cpu:.3f}, which allows {2 * cpu:.2f} x on idle cores")
    finally:
        server.stop()


def make_big_list(work, lines):
    path = os.path.join(work, "big.txt")
    with open(path, "w", encoding="utf-8") as file:
        for i in range(lines):
            file.write(f"s3://some-bucket/music/collection/{i % 1000:03}/{i:08}.mp3\n")
    return path


def big_list(options, work):
    path = make_big_list(work, options.lines)
    environment = dict(os.environ, AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b")
    for part in (f"1/{options.parts}", "1/1"):
        # No folder can be made there: the command ends when the list was read and divided.
        command = [options.program, "-q", "extract", path, "--features", "fma518", "--part", part, "-o", "/proc/none/t.csv"]
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            problem = process.stderr.read().decode().strip()
            _, _, used = os.wait4(process.pid, 0)
        print(f"{options.lines} lines, {os.path.getsize(path) / 1e6:.0f} MB, part {part}: {used.ru_maxrss / 1024:.0f} MB, CPU "
              f"{used.ru_utime + used.ru_stime:.1f} s ({problem[:80]})")


def clips(options, work):
    for count in (int(word) for word in options.counts.split(",")):
        folder = os.path.join(work, str(count))
        os.makedirs(folder)
        listed = make_list(folder, count, options.seconds)
        output = f"{folder}/t.npy"
        used = Usage([[options.program, "-q", "--threads", "1", "extract", listed, "--features", options.features, "-o", output]])
        print(f"{count} clips of {options.seconds} s, {options.features}: {used.text()}; {1000 * used.cpu_s / count:.2f} ms of CPU a clip, table "
              f"{os.path.getsize(output) / count:.0f} and .json {os.path.getsize(output + '.json') / count:.0f} bytes a clip")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("what", choices=["merge", "parts", "store", "list", "clips"])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--lines", type=int, default=5_000_000)
    parser.add_argument("--parts", type=int, default=64)
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--counts", default="1000,10000")
    parser.add_argument("--seconds", type=int, default=30, help="length of a clip")
    parser.add_argument("--features", default="fma518")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--server", nargs=2, default=["moto", "moto_server"])
    parser.add_argument("--folder", default=None, help="where files are made")
    options = parser.parse_args()
    options.program = os.path.abspath(options.program)
    with tempfile.TemporaryDirectory(prefix="genrewise-scale-", dir=options.folder) as work:
        {"merge": merge, "parts": parts, "store": store, "list": big_list, "clips": clips}[options.what](options, work)


main()
