#!/usr/bin/env python3
"""Runs the program against a real server on the loopback interface, started here and ended at the end.

    object_storage.py KIND SERVER_PROGRAM build/dev/bin/genrewise     (exit code 77: no such server)

KIND is moto, s3rver, versitygw (S3) or fake-gcs-server (Google Cloud Storage). moto (PyPI: moto[server]) does not look
at signatures; s3rver (npm) and versitygw (a Go program) check them. fake-gcs-server (a Go program) checks no tokens:
they are checked, and failures simulated, by a proxy before it (faulty_gcs.py).
"""
import json
import math
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
import wave

from faulty_gcs import FaultyGcs

NETWORKS = ["dense:epochs=3:hidden_layer_sizes=16", "cnn1d_strided:epochs=2"]
KEYS = {"s3rver": ("S3RVER", "S3RVER")}  # s3rver knows this account only
BUCKET = "music-shards"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    def __init__(self, kind, program, folder):
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.root = ("gs" if kind == "fake-gcs-server" else "s3") + f"://{BUCKET}"
        self.access_key, self.secret_key = KEYS.get(kind, ("AKIDINTEROPTESTS", "interop/Secret+Key=Of0123456789012345678"))
        data = os.path.join(folder, "server")
        os.makedirs(os.path.join(data, BUCKET if kind == "versitygw" else ""), exist_ok=True)
        environment = dict(os.environ, ROOT_ACCESS_KEY=self.access_key, ROOT_SECRET_KEY=self.secret_key)
        command = {
            "moto": [program, "-H", "127.0.0.1", "-p", str(self.port)],
            "s3rver": [program, "-d", data, "-a", "127.0.0.1", "-p", str(self.port), "--configure-bucket", BUCKET,
                       "--no-vhost-buckets"],
            "versitygw": [program, "--port", f"127.0.0.1:{self.port}", "posix", data],
            "fake-gcs-server": [program, "-scheme", "http", "-host", "127.0.0.1", "-port", str(self.port), "-backend",
                                "memory"],
        }[kind]
        self.log = open(os.path.join(folder, "server.log"), "w+")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env=environment)
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                if self.process.poll() is not None:
                    self.log.seek(0)
                    sys.exit(f"the server ended at once:\n{self.log.read()}")
                time.sleep(0.1)
        if kind == "moto":
            urllib.request.urlopen(urllib.request.Request(f"{self.endpoint}/{BUCKET}", method="PUT")).close()
        if kind == "fake-gcs-server":
            urllib.request.urlopen(urllib.request.Request(f"{self.endpoint}/storage/v1/b", method="POST",
                                                          data=json.dumps({"name": BUCKET}).encode())).close()

    def stop(self):
        self.process.terminate()
        self.process.wait()


def make_music(folder):
    """90 clips of three kinds: low tones, high tones, noise."""
    noise = random.Random(1)
    rows = ["path,genre,artist"]
    for i in range(90):
        genre = ["low", "high", "noise"][i % 3]
        step = 2 * math.pi * (110 + 3 * i if genre == "low" else 3000 + 20 * i) / 22050
        samples = [noise.uniform(-0.5, 0.5) if genre == "noise" else 0.5 * math.sin(step * k) for k in range(11025)]
        with wave.open(f"{folder}/{i}.wav", "wb") as out:
            out.setparams((1, 2, 22050, 0, "NONE", ""))
            out.writeframes(b"".join(struct.pack("<h", int(32767 * sample)) for sample in samples))
        rows.append(f"{i}.wav,{genre},artist {i // 3 % 5}")
    with open(f"{folder}/music.csv", "w") as out:
        out.write("\n".join(rows) + "\n")


class Program:
    def __init__(self, path, server, folder):
        self.path, self.server, self.root = path, server, server.root
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("AWS_", "GOOGLE_", "GCE_", "CLOUDSDK_", "STORAGE_EMULATOR"))}
        self.environment.update(AWS_ACCESS_KEY_ID=server.access_key, AWS_SECRET_ACCESS_KEY=server.secret_key,
                                AWS_ENDPOINT_URL=server.endpoint, AWS_REGION="us-east-1", HOME=folder,
                                STORAGE_EMULATOR_HOST=f"127.0.0.1:{server.port}", XDG_CACHE_HOME=f"{folder}/cache")

    def run(self, *arguments, expected=0, **changes):
        environment = dict(self.environment, **changes)
        done = subprocess.run([self.path, *arguments], capture_output=True, text=True, env=environment)
        text = done.stdout + done.stderr
        assert self.server.secret_key not in text or self.server.secret_key == self.server.access_key, "a secret was printed"
        assert done.returncode == expected, f"{arguments}: exit code {done.returncode}\n{text}"
        return done.stdout if expected == 0 else text

    def listed(self, pattern):
        return json.loads(self.run("list", pattern, "--json"))["objects"]

    def objects(self, pattern):
        return {item["location"].rsplit("/", 1)[1]: item["bytes"] for item in self.listed(pattern)}


def check_packing(program, folder):
    location = f"{program.root}/packs/a b+ü"
    for features, shards in [("mel224", "1"), ("fma518", "4")]:  # 18 MB travel in three parts
        options = ["--features", features, "--shards", shards, "--json"]
        program.run("pack", f"{folder}/music.csv", *options, "-o", f"{folder}/{features}")
        program.run("pack", f"{folder}/music.csv", *options, "-o", f"{location}/{features}")
        names = sorted(os.listdir(f"{folder}/{features}"))
        assert program.objects(f"{location}/{features}/") == {n: os.path.getsize(f"{folder}/{features}/{n}") for n in names}
        assert "all as the manifest states" in program.run("pack", f"{location}/{features}", "--verify")
        again = json.loads(program.run("pack", f"{folder}/music.csv", *options, "-o", f"{location}/{features}"))
        assert again["reused"] == again["examples"] == 90, again
    assert len(program.objects(f"{program.root}/packs/*/fma518/*.tfrec")) == 4
    assert len(program.listed(f"{program.root}/**manifest.json")) == 2
    assert not os.path.exists(f"{folder}/cache/genrewise") or not any(files for _, _, files in os.walk(f"{folder}/cache"))
    assert "another pack" in program.run("pack", f"{folder}/music.csv", "--features", "fma518", "--shards", "2", "-o",
                                         f"{location}/fma518", expected=1)


def check_killed_packing(program, folder):
    """Killed again and again and then left alone, pack puts what it puts locally: no hole, no duplicate."""
    location = f"{program.root}/killed"
    command = ["pack", f"{folder}/music.csv", "--features", "fma518", "--shards", "4", "-o", location]
    delays = random.Random(2)
    for _ in range(12):
        packing = subprocess.Popen([program.path, *command], env=program.environment, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            packing.wait(delays.uniform(0.05, 1.0))
        except subprocess.TimeoutExpired:
            packing.kill()
        packing.wait()
    program.run(*command)
    names = sorted(os.listdir(f"{folder}/fma518"))
    assert program.objects(f"{location}/**") == {n: os.path.getsize(f"{folder}/fma518/{n}") for n in names}
    assert "all as the manifest states" in program.run("pack", location, "--verify")
    assert not any(files for _, _, files in os.walk(f"{folder}/cache"))


def check_training_on_packs(program, folder):
    """A model that was trained on a pack in the store judges like one that was trained on the same pack here."""
    results = []
    for pack in [f"{folder}/fma518", f"{program.root}/packs/a b+ü/fma518"]:
        program.run("train", pack, "--model", "gnb", "-o", f"{folder}/of-pack.gwm")
        results.append(json.loads(program.run("evaluate", f"{folder}/of-pack.gwm", pack, "--part", "all", "--json")))
    for result in results:
        for key in ["model", "dataset"]:
            result.pop(key, None)
    assert results[0] == results[1], results


def check_models(program, folder):
    """Table, model and judgement, all in the store, are those of local files."""
    results = []
    for root in [folder, f"{program.root}/models"]:
        program.run("extract", f"{folder}/music.csv", "--features", "fma518", "-o", f"{root}/table.csv")
        program.run("train", f"{folder}/music.csv", "--table", f"{root}/table.csv", "--model", "gnb", "-o", f"{root}/m.gwm")
        results.append(json.loads(program.run("evaluate", f"{root}/m.gwm", f"{folder}/music.csv", "--table",
                                              f"{root}/table.csv", "--part", "all", "--json")))
    for result in results:
        result.pop("model")
    assert results[0] == results[1], results
    listed = program.objects(f"{program.root}/models/*")
    assert listed["m.gwm"] == os.path.getsize(f"{folder}/m.gwm") and listed["table.csv"] == os.path.getsize(f"{folder}/table.csv")
    program.run("predict", "--model", f"{program.root}/models/m.gwm", f"{folder}/0.wav")


def check_parts(program, folder):
    """Parts of a table and of a pack, merged in the store, have the sizes of one run's files."""
    table, pack = f"{program.root}/parts/table.csv", f"{program.root}/parts/pack"
    for part in ("2/3", "1/3", "3/3", "1/3"):
        program.run("extract", f"{folder}/music.csv", "--features", "fma518", "--part", part, "-o", table)
        program.run("pack", f"{folder}/music.csv", "--features", "fma518", "--shards", "4", "--part", part, "-o", pack)
    for whole in (table, pack):
        program.run("merge", whole)
    assert program.objects(table) == {"table.csv": os.path.getsize(f"{folder}/table.csv")}
    names = [name for name in os.listdir(f"{folder}/fma518") if name.endswith(".tfrec")]
    assert program.objects(f"{pack}/*.tfrec") == {n: os.path.getsize(f"{folder}/fma518/{n}") for n in names}
    assert "all as the manifest states" in program.run("pack", pack, "--verify")


def check_run_folders(program, folder):
    """Runs in the store have the results of local ones, and continue there after a kill."""
    documents = []
    for root in (folder, program.root):
        run = f"{root}/runs/study"
        command = ["study", f"{folder}/fma518", "--models", "gnb,knn:n_neighbors=1,3", "--scheme", "random", "-o", run]
        if root == program.root:
            killed = subprocess.Popen([program.path, *command], env=program.environment, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)
            time.sleep(0.3)
            killed.kill()
            killed.wait()
        program.run(*command)
        program.run("tune", f"{folder}/fma518", "--model", "gnb", "--scheme", "random", "--grid", "var_smoothing=1e-9,1e-3", "-o",
                    f"{root}/runs/tune")
        text = subprocess.run([program.path, "list", f"{run}/results.json", "--json"], env=program.environment, check=True,
                              capture_output=True, text=True).stdout
        assert len(json.loads(text)["objects"]) == 1, text
        documents.append(program.run("evaluate", f"{run}/best.gwm", f"{folder}/fma518", "--part", "all", "--json"))
    assert json.loads(documents[0])["accuracy"] == json.loads(documents[1])["accuracy"], documents
    names = sorted(os.path.relpath(os.path.join(path, name), f"{folder}/runs") for path, _, found in os.walk(f"{folder}/runs")
                   for name in found)
    stored = sorted(item["location"].split("/runs/")[1] for item in program.listed(f"{program.root}/runs/**"))
    assert stored == names, (stored, names)
    assert "results of another configuration" in program.run("study", f"{folder}/fma518", "--models", "gnb", "--scheme", "grouped",
                                                             "-o", f"{program.root}/runs/study", expected=1)


def check_refusals(program, kind):
    text = program.run("list", program.root[:5] + "no-such-bucket-here/*", expected=1)
    assert "no such bucket" in text, text
    assert "there is no such object" in program.run("evaluate", f"{program.root}/none.gwm", "x", expected=1)
    if kind != "versitygw":  # moto does not check signatures, s3rver does not refuse all that do not fit
        return
    text = program.run("list", f"s3://{BUCKET}/*", expected=1, AWS_SECRET_ACCESS_KEY="wrong/Secret")
    assert "secret key does not belong" in text and "wrong/Secret" not in text, text
    text = program.run("list", f"s3://{BUCKET}/*", expected=1, AWS_ACCESS_KEY_ID="UNKNOWN")
    assert "does not accept the access key" in text, text


def check_study(program, folder):
    """A pattern of WAV files in folders by genre -> a pack of 16 shards in the bucket -> networks -> table of results."""
    with open(f"{folder}/music.csv") as table:
        rows = [line.strip().split(",") for line in table][1:]
    for name, genre, _ in rows:
        with open(f"{folder}/{name}", "rb") as wav:
            name = urllib.parse.quote(f"fma_small_wav/{genre}/{name}", safe="")
            address = f"{program.server.endpoint}/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={name}"
            urllib.request.urlopen(urllib.request.Request(address, method="POST", data=wav.read())).close()
    pack = f"{program.root}/records"
    program.run("pack", f"{program.root}/fma_small_wav/*/*.wav", "--features", "raw10k", "--shards", "16", "-o", pack)
    assert len(program.objects(f"{pack}/*.tfrec")) == 16
    table = program.run("study", pack, "--models", *NETWORKS, "--scheme", "shards", "-o", f"{folder}/study")
    assert all(network in table for network in NETWORKS) and os.path.exists(f"{folder}/study/report.html"), table
    print(table)


def check_faults(program, folder):
    """The same pack through a proxy that refuses, cuts and loses requests, with tokens that expire after some requests."""
    with FaultyGcs(program.server.port, seed=3) as proxy:
        environment = dict(STORAGE_EMULATOR_HOST="", GENREWISE_GCS_ENDPOINT=proxy.endpoint, GCE_METADATA_HOST=proxy.host)
        for features, shards in [("mel224", "1"), ("fma518", "4")]:
            location = f"{program.root}/faulty/{features}"
            program.run("pack", f"{folder}/music.csv", "--features", features, "--shards", shards, "-o", location,
                        **environment)
            names = sorted(os.listdir(f"{folder}/{features}"))
            assert program.objects(f"{location}/") == {n: os.path.getsize(f"{folder}/{features}/{n}") for n in names}
            assert "all as the manifest states" in program.run("pack", location, "--verify", **environment)
            program.run("train", location, "--model", "gnb", "-o", f"{program.root}/faulty/gnb.gwm", **environment)
        print(f"faults: {proxy.faults}")
        assert proxy.tokens > 1 and all(proxy.faults.values()), (proxy.tokens, proxy.faults)
        text = program.run("list", f"{program.root}/*", expected=1, GENREWISE_GCS_TOKEN="ya29.stale", **environment)
        assert "does not accept the token" in text and "ya29.stale" not in text, text


def main():
    kind, server_program, program = sys.argv[1:4]
    if not shutil.which(server_program):
        print(f"skipped: {kind} is not installed ({server_program})")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        server = Server(kind, server_program, folder)
        try:
            make_music(folder)
            genrewise = Program(os.path.abspath(program), server, folder)
            check_packing(genrewise, folder)
            check_killed_packing(genrewise, folder)
            check_training_on_packs(genrewise, folder)
            check_models(genrewise, folder)
            check_parts(genrewise, folder)
            check_run_folders(genrewise, folder)
            check_refusals(genrewise, kind)
            if kind == "fake-gcs-server":
                check_study(genrewise, folder)
                check_faults(genrewise, folder)
        finally:
            server.stop()
    print(f"{kind}: packs, tables, models, lists and refusals are as they should be")


if __name__ == "__main__":
    main()
