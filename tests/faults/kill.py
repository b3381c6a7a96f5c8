#!/usr/bin/env python3
"""Kills every command that writes at random moments (SIGKILL), runs it again, and compares the files with an undisturbed run.

    kill.py build/dev/bin/genrewise [--kills 20] [--seed 1] [--only extract,study] [--wheels FOLDER] [--moto moto_server]

Each trial runs a command, kills it after a random part of the undisturbed run's time, up to three times in a row, with
or without the processes that it started, and then runs it to its end. The files must be the same bytes, except for
times and durations, and nothing temporary may stay. The exit code is 1 if a trial differs. The music (short synthetic
tones) is made here; needs python3 only. Packs into an object store need moto_server (PyPI: moto[server]), the download
of weights the wheel of musicnn 0.1.0 (pip download --no-deps musicnn==0.1.0); without them these two are skipped.
"""
import argparse
import functools
import hashlib
import http.server
import json
import math
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import wave
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
import object_storage  # noqa: E402  (its Server)

TIMES = ("choose_s", "pack_s", "fit_s", "predict_s", "extract_s", "created", "sha256", "model_sha256", "command", "train_command", "name",
         "peak_memory_bytes", "stages")


def make_music(folder, tracks=6, seconds=1.5, rate=11025):
    rng = random.Random(7)
    for genre, harmonics in (("flute", 1), ("organ", 4), ("reed", 9)):
        os.makedirs(os.path.join(folder, genre))
        for number in range(tracks):
            base = rng.uniform(150, 400)
            samples = [int(9000 / harmonics * sum(math.sin(2 * math.pi * base * h * i / rate)
                                                  for h in range(1, harmonics + 1)) + rng.gauss(0, 200))
                       for i in range(int(seconds * rate))]
            with wave.open(os.path.join(folder, genre, f"{number}.wav"), "wb") as out:
                out.setnchannels(1)
                out.setsampwidth(2)
                out.setframerate(rate)
                out.writeframes(struct.pack(f"<{len(samples)}h", *samples))


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(item) for key, item in value.items() if key not in TIMES}
    return [without_times(item) for item in value] if isinstance(value, list) else value


def content(path):
    """A checksum of the file; of reports, tables and documents without their times."""
    with open(path, "rb") as file:
        data = file.read()
    if path.endswith(".json"):
        data = json.dumps(without_times(json.loads(data)), sort_keys=True).encode()
    elif path.endswith(".jsonl"):
        lines = [json.dumps(without_times(json.loads(line)), sort_keys=True) for line in data.splitlines()]
        data = "\n".join(sorted(lines)).encode()
    elif path.endswith("tuning.csv"):
        rows = [line.split(b",") for line in data.splitlines()]
        times = {i for i, name in enumerate(rows[0]) if name.decode() in TIMES}
        data = repr([[cell for i, cell in enumerate(row) if i not in times] for row in rows]).encode()
    elif path.endswith(".md"):  # its title and its commands name the run
        data = re.sub(rb"(?m)^# .*|\d{4}-\d\d-\d\dT[0-9:]+Z|^.*genrewise study .*", b"", data)
    elif path.endswith(".safetensors"):
        data = data[8 + struct.unpack("<Q", data[:8])[0]:]  # the header of a checkpoint contains seconds
    elif path.endswith(".html"):
        data = re.sub(rb"[0-9.]+ ?(m?s|min)\b|\d{4}-\d\d-\d\dT[0-9:]+Z", b"", data)
        return "html" if data else "empty"
    elif "tfevents" in path or path.endswith("curves.csv"):
        return "times"
    return hashlib.sha256(data).hexdigest()


def snapshot(folder):
    found = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            relative = os.path.relpath(path, folder)
            if "tfevents" in name:
                continue  # one file per start
            found[relative] = content(path)
    return found


def leftovers(files):
    return sorted(name for name in files if re.search(r"\.tmp$|\.partial|\.journal|(^|/)\.pack(/|$)|\.rows$", name))


class Trials:
    def __init__(self, program, music, work, seed):
        self.program, self.music, self.work = program, music, work
        self.rng = random.Random(seed)
        self.problems = []
        self.mirror = self.store = None

    def command(self, arguments, out):
        """OUT stands for the output folder; a store has no folders, so its name is the prefix there."""
        for word, value in (("MUSIC", self.music), ("MIRROR", self.mirror), ("OUT", out),
                            ("STORE", f"s3://{object_storage.BUCKET}/{os.path.basename(out)}")):
            arguments = [argument.replace(word, value or "") for argument in arguments]
        return [self.program, "-q", "--threads", "2"] + arguments

    def environment(self, out):
        environment = dict(os.environ, HOME=os.path.join(out, "home"))  # a cache is an output, too
        if self.store:
            environment.update(AWS_ACCESS_KEY_ID=self.store.access_key, AWS_SECRET_ACCESS_KEY=self.store.secret_key,
                               AWS_ENDPOINT_URL=self.store.endpoint, AWS_REGION="us-east-1")
        return environment

    def run(self, arguments, out):
        return subprocess.run(self.command(arguments, out), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, env=self.environment(out))

    def run_and_kill(self, arguments, out, after_s):
        """Whether it was killed before its end."""
        process = subprocess.Popen(self.command(arguments, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   stdin=subprocess.DEVNULL, start_new_session=True, env=self.environment(out))
        try:
            process.wait(after_s)
            return False
        except subprocess.TimeoutExpired:
            if self.rng.random() < 0.5:
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return True

    def results(self, out):
        found = snapshot(out)
        if self.store:
            found.update(objects(self.store, os.path.basename(out)))
        return found

    def of(self, name, arguments, kills):
        whole = os.path.join(self.work, name + "-whole")
        os.makedirs(whole)
        start = time.monotonic()
        done = self.run(arguments, whole)
        seconds = time.monotonic() - start
        if done.returncode != 0:
            self.problems.append(f"{name}: the undisturbed run failed: {done.stderr.decode(errors='replace').strip()}")
            return
        expected = self.results(whole)
        if leftovers(expected):
            self.problems.append(f"{name}: the undisturbed run leaves {', '.join(leftovers(expected))}")
        landed = trials = 0
        while landed < kills and trials < 3 * kills:
            trials += 1
            out = os.path.join(self.work, f"{name}-killed-{trials}")
            os.makedirs(out)
            moments = []
            for _ in range(self.rng.choice((1, 1, 2, 3))):
                after_s = self.rng.uniform(0, seconds)
                moments.append(f"{after_s:.3f}")
                landed += self.run_and_kill(arguments, out, after_s)
            done = self.run(arguments, out)
            self.compare(f"{name}, killed after {' s, '.join(moments)} s", done, expected, self.results(out))
            shutil.rmtree(out)
        print(f"{name}: {landed} kills in {trials} trials, {seconds:.2f} s undisturbed", flush=True)

    def compare(self, what, done, expected, found):
        if done.returncode != 0:
            self.problems.append(f"{what}: fails: {done.stderr.decode(errors='replace').strip()}")
            return
        for name in sorted(set(expected) | set(found)):
            if "/.cache/genrewise/features/" in "/" + name and name not in found:
                continue  # the cache takes a copy after the table: a kill between them costs only time
            if expected.get(name) != found.get(name):
                state = "is missing" if name not in found else "stays behind" if name not in expected else "differs"
                self.problems.append(f"{what}: {name} {state}")


def objects(store, prefix):
    """Checksums of the objects below a prefix, and the uploads that are not finished."""
    def request(query):
        with urllib.request.urlopen(f"{store.endpoint}/{object_storage.BUCKET}{query}") as answer:
            return answer.read()

    def keys(query, item):
        tree = xml.etree.ElementTree.fromstring(request(query))
        return [key.text for found in tree.iter("{*}" + item) for key in found.iter("{*}Key")]

    found = {key[len(prefix) + 1:]: hashlib.sha256(request("/" + key)).hexdigest()
             for key in keys(f"?list-type=2&prefix={prefix}/", "Contents")}
    found.update({key[len(prefix) + 1:] + ".partial upload": "" for key in keys("?uploads", "Upload")
                  if key.startswith(prefix + "/")})
    return found


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def serve(folder):
    """Address of a web server for the folder, which ends with this process."""
    handler = functools.partial(QuietHandler, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda *_: None  # a client that was killed
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--kills", type=int, default=20, help="of each command")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="commands, separated by commas")
    parser.add_argument("--wheels", default="", help="folder with the wheel of musicnn")
    parser.add_argument("--moto", default="moto_server", help="program of the S3 server")
    options = parser.parse_args()
    commands = {
        "extract": ["extract", "MUSIC", "-o", "OUT/t.csv"],
        "extract-npy": ["extract", "MUSIC", "--features", "mfcc", "-o", "OUT/t.npy"],
        "split": ["split", "MUSIC", "--scheme", "random", "-o", "OUT/s.csv"],
        "train": ["train", "MUSIC", "--scheme", "random", "--model", "logreg", "-o", "OUT/m.gwm"],
        "study": ["study", "MUSIC", "--scheme", "random", "--models", "gnb", "knn:n_neighbors=1,3", "logreg", "svm",
                  "-o", "OUT/run"],
        "tune": ["tune", "MUSIC", "--scheme", "random", "--model", "knn", "--grid", "n_neighbors=1,2,3,5,7", "--folds",
                 "3", "-o", "OUT/run"],
        "pack": ["pack", "MUSIC", "--scheme", "random", "--features", "raw10k", "--shards", "3", "-o", "OUT/pack"],
        "pack-float16": ["pack", "MUSIC", "--scheme", "random", "--features", "raw10k", "--shards", "3", "--store",
                         "float16", "--compress", "gzip", "-o", "OUT/pack"],
    }
    neural = os.path.join(os.path.dirname(os.path.abspath(options.program)), "genrewise-neural")
    if os.path.exists(neural):
        commands["train-network"] = ["train", "MUSIC", "--scheme", "random", "--model", "dense:epochs=3", "--run",
                                     "OUT/run", "-o", "OUT/m.gwm"]
        commands["study-network"] = ["study", "MUSIC", "--scheme", "random", "--models", "gnb", "dense:epochs=3", "-o",
                                     "OUT/run"]
    if options.wheels:
        commands["fetch"] = ["fetch", "weights", "musicnn", "--mirror", "MIRROR", "--to", "OUT/weights"]
    if shutil.which(options.moto):
        commands["pack-store"] = ["pack", "MUSIC", "--scheme", "random", "--features", "mel224", "--shards", "2", "-o",
                                  "STORE/pack"]
    skipped = {"train-network": "no genrewise-neural", "study-network": "no genrewise-neural", "fetch": "no --wheels",
               "pack-store": "no moto_server"}
    chosen = [name for name in options.only.split(",") if name] or list(commands)
    with tempfile.TemporaryDirectory() as folder:
        music = os.path.join(folder, "music")
        make_music(music)
        trials = Trials(os.path.abspath(options.program), music, folder, options.seed)
        if options.wheels:
            trials.mirror = serve(options.wheels)
        for name in chosen:
            if name == "pack-store":
                trials.store = object_storage.Server("moto", options.moto, folder)
            try:
                trials.of(name, commands[name], options.kills)
            finally:
                if trials.store:
                    trials.store.stop()
                trials.store = None
    for name, reason in skipped.items():
        if name not in commands:
            print(f"{name}: skipped: {reason}")
    for problem in trials.problems:
        print("DIFFERS " + problem)
    print(f"{len(trials.problems)} problems")
    return 1 if trials.problems else 0


if __name__ == "__main__":
    sys.exit(main())
