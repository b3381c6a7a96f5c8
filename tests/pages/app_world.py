"""What the tests of the server's page need: made-up music, a model of it, a catalogue, runs, and servers."""

import array
import contextlib
import fcntl
import math
import os
import random
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time
import urllib.request
import wave
from pathlib import Path

GENRES = ["Noise", "Tones", "Clicks"]
NASTY = ["<img src=x onerror=alert(1)>", "مرحبا بالعالم", "🎧 emoji & co", "\u202eevil"]
RATE = 22050


def samples(genre, seed):
    """One second of 16-bit sound."""
    rng = random.Random(seed)
    if genre == "Noise":
        return array.array("h", (rng.randrange(-9000, 9000) for _ in range(RATE)))
    if genre == "Tones":
        step = 2 * math.pi * rng.choice([220, 247, 262, 294, 330]) / RATE
        return array.array("h", (int(7000 * (math.sin(step * i) + 0.4 * math.sin(2 * step * i))) for i in range(RATE)))
    gap = rng.randrange(2000, 6000)
    return array.array("h", (int(20000 * math.exp(-(i % gap) / 150) * rng.uniform(-1, 1)) for i in range(RATE)))


def write_wav(path, genre, seed=0, seconds=6):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        block = samples(genre, seed).tobytes()
        for _ in range(seconds):
            file.writeframes(block)
    return path


def enlarge(catalogue, rows):
    """Copies of the catalogue's tracks, with their features, until there are so many; their files do not exist."""
    with sqlite3.connect(catalogue) as database:
        columns = [name for _, name, *_, hidden in database.execute("PRAGMA table_xinfo(tracks)") if not hidden]
        count = database.execute("SELECT count(*) FROM tracks").fetchone()[0]
        changed = {"id": "t.id + n.k * :count", "path": "t.path || '.' || n.k", "title": "'Copy ' || n.k || ' of ' || t.id"}
        copies = f"(WITH RECURSIVE n(k) AS (VALUES(1) UNION ALL SELECT k + 1 FROM n WHERE k < {rows // count - 1}) SELECT k FROM n)"
        database.execute(
            f"INSERT INTO tracks ({', '.join(columns)}) SELECT "
            f"{', '.join(changed.get(name, 't.' + name) for name in columns)} FROM tracks t, {copies} n",
            {"count": count},
        )
        database.execute(
            f"INSERT INTO features (track, recipe, row) SELECT f.track + n.k * :count, f.recipe, f.row FROM features f, {copies} n",
            {"count": count},
        )


class Server:
    """`genrewise serve` on a free port."""

    def __init__(self, program, *options):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.command = [program, "serve", "--port", str(self.port), *map(str, options)]
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        self.log = tempfile.TemporaryFile()
        nowhere = {"PATH": os.environ["PATH"], "XDG_DATA_HOME": "/nonexistent"}  # no catalogue of the person who tests
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=self.log, env=nowhere)
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"{self.url}/v1/health", timeout=5) as answer:
                    if b'"model":null' not in answer.read().replace(b" ", b""):
                        return
            except OSError:
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        self.log.seek(0)
        raise AssertionError(f"{self.command} does not serve: {self.log.read().decode(errors='replace')}")

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


class World:
    """Folders music/ (the catalogue's), runs/ and drop/ (files to drop) below `folder`."""

    def __init__(self, program):
        self.program = program
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self.temporary.name)
        self.music, self.runs, self.drop = (self.folder / name for name in ("music", "runs", "drop"))
        for genre in GENRES:
            for i in range(10):
                write_wav(self.music / f"{genre} album" / f"{genre} {i:02}.wav", genre, i)
        train = self.folder / "train"
        for genre in GENRES:
            shutil.copytree(self.music / f"{genre} album", train / genre)
        for i, name in enumerate(NASTY):
            write_wav(self.music / "odd names" / f"{name}.wav", GENRES[i % 3], 20 + i)
        self.model, self.catalogue = self.folder / "model.gwm", self.folder / "library.db"
        self.run("train", train, "-o", self.model, "--features", "mfcc", "--model", "logreg")
        self.run("library", "scan", self.music, "--model", self.model, "--library", self.catalogue)
        for name, models in (("first", ["gnb", "knn"]), ("second", ["gnb", "logreg"])):
            self.run("study", train, "-o", self.runs / name, "--features", "mfcc", "--models", *models)
        (self.runs / "network").mkdir()
        self.write_curves(5)
        write_wav(self.folder / "dataset" / "Noise" / "good.wav", "Noise")
        shutil.copy(self.folder / "dataset/Noise/good.wav", self.folder / "dataset/Noise/same.wav")
        (self.folder / "dataset/Noise/broken.wav").write_bytes(b"this is no sound" * 100)
        self.make_files_to_drop()

    def run(self, *words):
        subprocess.run([self.program, *map(str, words)], check=True, capture_output=True)

    def write_curves(self, epochs):
        """The file that a training run rewrites after every epoch."""
        lines = ["epoch,learning_rate,training_loss,training_accuracy,validation_loss,validation_accuracy,seconds,clips_per_s,"
                 "input_wait_share"]
        for epoch in range(1, epochs + 1):
            lines.append(f"{epoch},0.001,{2 / epoch},{1 - 0.8 / epoch},{2.5 / epoch},{0.6 - 0.4 / epoch},1.000,800.00,0.01000")
        temporary = self.runs / "network" / "curves.tmp"
        temporary.write_text("\n".join(lines) + "\n")
        temporary.rename(self.runs / "network" / "curves.csv")

    @contextlib.contextmanager
    def training(self):
        """Holds the lock that a training run holds."""
        folder = os.open(self.runs / "network", os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
        os.close(folder)

    def make_files_to_drop(self):
        song = write_wav(self.drop / "song.wav", "Tones", 3)
        self.formats = [song]
        if shutil.which("ffmpeg"):
            for ending in ("mp3", "flac", "ogg", "opus", "m4a", "aiff", "wma", "mka"):
                path = song.with_suffix(f".{ending}")
                if subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", song, path], stdin=subprocess.DEVNULL).returncode == 0:
                    self.formats.append(path)
        self.broken = self.drop / "broken.mp3"
        self.broken.write_bytes(b"no music at all " * 4000)
        self.nasty = [shutil.copy(song, self.drop / f"{name}.wav") for name in NASTY]
        self.many = self.folder / "many"
        for i in range(200):
            path = self.many / f"disc {i // 50}" / f"{i:03}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.hardlink_to(self.folder / "train" / GENRES[i % 3] / f"{GENRES[i % 3]} 0{i % 10}.wav")
        (self.many / "cover.jpg").write_bytes(b"\xff\xd8")
        self.mix = self.drop / "mix.wav"
        with wave.open(str(self.mix), "wb") as file:  # three hours
            file.setnchannels(1)
            file.setsampwidth(1)
            file.setframerate(8000)
            rng = random.Random(5)
            block = bytes(rng.randrange(90, 166) for _ in range(8000 * 60))
            for _ in range(180):
                file.writeframes(block)

    def close(self):
        self.temporary.cleanup()
