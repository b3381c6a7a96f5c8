#!/usr/bin/env python3
"""Kills `genrewise tag --apply` and `--undo` at random moments (SIGKILL) and checks every file after each kill.

    kill_tags.py build/dev/bin/genrewise [--files 120] [--kills 200] [--seed 1] [--folder FOLDER] [--server]

With --server the killed process is `genrewise serve`, to which the same changes are sent as requests.

Files of all formats that tags can be written to are made with ffmpeg and entered into a catalogue as analysed tracks.
Then tags of all of them are written, again and again with other values, and the program is killed. After every kill
each file must be, byte by byte, one of its versions that the journal names (the encoded audio of some is compared);
after the next run nothing temporary stays, and no change is left unsettled. In the end all batches are undone, also
with kills: every file must have its first bytes, mode, time and extended attribute. The exit code is 1 if something
differs. Needs ffmpeg and python3.
"""
import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from serving import Server

FORMATS = {  # extension: arguments of ffmpeg
    "v23.mp3": ["-c:a", "libmp3lame", "-id3v2_version", "3"], "v24.mp3": ["-c:a", "libmp3lame", "-id3v2_version", "4"],
    "flac": [], "ogg": ["-c:a", "libvorbis"], "opus": ["-c:a", "libopus"], "m4a": ["-c:a", "aac"],
    "wma": ["-c:a", "wmav2"], "wav": [], "aiff": ["-write_id3v2", "1"], "wv": ["-c:a", "wavpack"],
}


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def read(path):
    with open(path, "rb") as file:
        return file.read()


def audio_of(path):
    """A checksum of the encoded packets, by ffmpeg."""
    done = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-map", "0:a", "-c", "copy", "-f", "streamhash", "-hash",
                           "sha256", "-"], capture_output=True, check=True)
    return done.stdout.decode()


class Trials:
    def __init__(self, program, folder, files, seed):
        self.program, self.folder = program, folder
        self.music = os.path.join(folder, "music")
        self.library = os.path.join(folder, "library.db")
        self.rng = random.Random(seed)
        self.problems, self.seen, self.kills, self.writes = [], {}, 0, 0
        self.originals = self.make_files(files)
        self.first = {path: read(path) for path in self.originals}
        self.known = {path: {sha256(data)} for path, data in self.first.items()}
        self.status = {path: self.status_of(path) for path in self.originals}

    def make_files(self, count):
        models = []
        for name, options in FORMATS.items():
            path = os.path.join(self.folder, "model." + name)
            done = subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "sine=440:d=1,aformat=cl=mono",
                                   *options, "-metadata", "artist=A", "-metadata", "title=T", path], capture_output=True)
            if done.returncode == 0:
                models.append(path)
            else:
                print(f"{name}: skipped: {done.stderr.decode(errors='replace').strip()[:100]}")
        paths = []
        for number in range(count):
            folder = os.path.join(self.music, f"album {number // 40}")
            os.makedirs(folder, exist_ok=True)
            model = models[number % len(models)]
            paths.append(os.path.join(folder, f"{number:05} \u00fc{os.path.basename(model)[5:]}"))
            shutil.copyfile(model, paths[-1])
            os.utime(paths[-1], (10 ** 9, 10 ** 9 + number))
            os.chmod(paths[-1], 0o640)
            try:
                os.setxattr(paths[-1], "user.number", str(number).encode())
            except OSError:
                pass
        return paths

    def status_of(self, path):
        status = os.stat(path)
        try:
            attribute = os.getxattr(path, "user.number")
        except OSError:
            attribute = b""
        return status.st_mode, status.st_mtime_ns, status.st_uid, attribute

    def enter(self):
        """Enters the files as tracks into a new catalogue, with a genre of their owner."""
        self.run(["tag", "--undo"])  # which makes the catalogue
        database = sqlite3.connect(self.library)
        with database:
            database.execute("INSERT INTO roots (path) VALUES (?)", (self.music,))
            for path in self.originals:
                database.execute("INSERT INTO tracks (path, bytes, modified_ns, added_s, correction) VALUES (?, ?, ?, 0, 'Rock')",
                                 (path, os.path.getsize(path), os.stat(path).st_mtime_ns))
        database.close()

    def words(self, arguments):
        return [self.program, "-q", *arguments, "--library", self.library, "--json"]

    def run(self, arguments):
        return subprocess.run(self.words(arguments), capture_output=True, text=True)

    def killed(self, arguments, seconds):
        process = subprocess.Popen(self.words(arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(self.rng.uniform(0, seconds))
            return False
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            self.kills += 1
            return True

    def problem(self, text):
        self.problems.append(text)
        print("DIFFERS " + text, flush=True)

    def check_files(self, when):
        """Each file is a version of the journal or the first one; the audio of some new versions is compared, too."""
        database = sqlite3.connect(self.library)
        for path, old, new in database.execute("SELECT path, old_sha256, new_sha256 FROM tag_changes"):
            self.known[path].update((old, new))
        database.close()
        changed = []
        for path in self.originals:
            checksum = sha256(read(path))
            if checksum not in self.known[path]:
                self.problem(f"{when}: {path} is neither the old nor the new version")
            if checksum != self.seen.get(path):
                changed.append(path)
            self.seen[path] = checksum
        for path in self.rng.sample(changed, min(3, len(changed))):
            reference = os.path.join(self.folder, "reference." + path.rsplit(".", 1)[1])
            with open(reference, "wb") as file:
                file.write(self.first[path])
            if audio_of(path) != audio_of(reference):
                self.problem(f"{when}: {path} has other audio")

    def check_settled(self, when):
        for parent, _, names in os.walk(self.folder):
            left = [name for name in names if ".genrewise-tag-" in name]
            if left:
                self.problem(f"{when}: {left} stays in {parent}")
        database = sqlite3.connect(self.library)
        planned = database.execute("SELECT count(*) FROM tag_changes WHERE state = 'planned'").fetchone()[0]
        sizes = {path: size for path, size in database.execute("SELECT path, bytes FROM tracks")}
        database.close()
        if planned:
            self.problem(f"{when}: {planned} changes are not settled")
        wrong = [path for path in self.originals if sizes[path] != os.path.getsize(path)]
        if wrong:
            self.problem(f"{when}: the catalogue has other sizes of {wrong[:3]}")

    def apply(self, number):
        values = [f"Genre {number}"] + ["Other \u266b" * self.rng.randrange(1, 60)] * self.rng.randrange(2)
        return ["tag", self.music, "--mode", "replace", "--apply", *[word for value in values for word in ("--value", value)]]

    def of(self, kills):
        self.enter()
        start = time.monotonic()
        done = self.run(self.apply(0))
        seconds = time.monotonic() - start
        if done.returncode != 0:
            self.problem(f"undisturbed: exit code {done.returncode}: {done.stderr[-500:]}")
            return
        written = len(json.loads(done.stdout)["changes"])
        print(f"undisturbed: {written} files in {seconds:.1f} s", flush=True)
        self.check_files("undisturbed")
        self.check_settled("undisturbed")
        number = 0
        while self.kills < kills:
            number += 1
            command = self.apply(number)
            for _ in range(self.rng.choice((1, 1, 2, 3))):
                if self.killed(command, seconds):
                    self.check_files(f"kill {self.kills}")
            done = self.run(command)
            if done.returncode != 0:
                self.problem(f"after kill {self.kills}: exit code {done.returncode}: {done.stderr[-500:]}")
            self.check_files(f"after kill {self.kills}")
            self.check_settled(f"after kill {self.kills}")
        database = sqlite3.connect(self.library)
        self.writes = database.execute("SELECT count(*) FROM tag_changes").fetchone()[0]
        database.close()
        self.undo(seconds)

    def undo(self, seconds):
        undone = kills = 0
        while True:
            if kills < 20 and self.rng.random() < 0.5 and self.killed(["tag", "--undo"], seconds):
                kills += 1
                self.check_files(f"kill {kills} of undo")
            done = self.run(["tag", "--undo"])
            if done.returncode == 2:  # nothing is left
                break
            if done.returncode != 0:
                self.problem(f"undo: exit code {done.returncode}: {done.stderr[-500:]}")
                return
            undone += 1
        self.check_settled("undo")
        for path in self.originals:
            if read(path) != self.first[path]:
                self.problem(f"undo: {path} has other bytes than in the beginning")
            if self.status_of(path) != self.status[path]:
                self.problem(f"undo: {path} has other attributes: {self.status_of(path)}, {self.status[path]}")
        print(f"{self.kills} kills, {self.writes} writes of {len(self.originals)} files, {undone} batches undone; the "
              f"catalogue has {os.path.getsize(self.library) / 1e6:.1f} MB")


class ServerTrials(Trials):
    def killed(self, arguments, seconds):
        with Server(self.program, "--library", self.library) as server:
            if "--undo" in arguments:
                status, answer = server.json("POST", "/v1/library/tags/undo", {})
            else:
                values = [value for word, value in zip(arguments, arguments[1:]) if word == "--value"]
                _, plan = server.json("POST", "/v1/library/tags/plan", {"mode": "replace", "values": values})
                if plan["total"] == 0:  # nothing to kill where the trial before had changed every file
                    if plan["left_alone"] != {"has this value": len(self.originals)}:
                        self.problem(f"the server plans no change: {plan}")
                        self.kills += 1
                    return False
                status, answer = server.json("POST", "/v1/library/tags/apply", {"plan": plan["plan"]})
            if status != 202:
                self.problem(f"the server refused: {answer}")
                return False
            time.sleep(self.rng.uniform(0, seconds))
            state = server.json("GET", "/v1/jobs/" + answer["job"])[1]["state"]
            server.kill()
        self.kills += state in ("queued", "running")
        return state in ("queued", "running")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--files", type=int, default=120)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="where the files are made (the system's temporary folder)")
    parser.add_argument("--server", action="store_true", help="kill the server instead of the command")
    options = parser.parse_args()
    if not shutil.which("ffmpeg"):
        print("skipped: needs ffmpeg")
        return 0
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        trials = (ServerTrials if options.server else Trials)(os.path.abspath(options.program), folder, options.files, options.seed)
        trials.of(options.kills)
    print(f"{len(trials.problems)} problems")
    return 1 if trials.problems else 0


if __name__ == "__main__":
    sys.exit(main())
