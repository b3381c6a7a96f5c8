#!/usr/bin/env python3
"""Kills workers of a job in parts at random moments (SIGKILL) and compares the merged table with that of one run.

    kill_parts.py build/dev/bin/genrewise [--kills 50] [--parts 4] [--clips 400] [--workers 2]

Workers extract parts at the same time, one thread each; a part whose worker was killed is started again by the next one.
The merged table must have the same bytes as that of one undisturbed run, and each kill may repeat at most one clip.
The openings of the files (inotify) show how often each clip was decoded. Needs Linux and python3 only.
"""
import argparse
import ctypes
import filecmp
import os
import random
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kill  # noqa: E402  (make_music)

IN_OPEN = 0x20


class Openings:
    """Counts how often each file of the folders is opened."""

    def __init__(self, folders):
        libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = libc.inotify_init1(0)
        self.folders = {libc.inotify_add_watch(self.descriptor, folder.encode(), IN_OPEN): folder for folder in folders}
        self.counts = {}
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while True:
            events = os.read(self.descriptor, 1 << 20)
            while events:
                watch, mask, _, length = struct.unpack_from("iIII", events)
                name = os.path.join(self.folders.get(watch, ""), events[16:16 + length].rstrip(b"\0").decode())
                if mask & IN_OPEN and name.endswith(".wav"):
                    self.counts[name] = self.counts.get(name, 0) + 1
                events = events[16 + length:]

    def take(self):
        time.sleep(0.5)
        counts, self.counts = self.counts, {}
        return counts


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--parts", type=int, default=4)
    parser.add_argument("--clips", type=int, default=400)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="genrewise-kill-") as work:
        music = os.path.join(work, "music")
        kill.make_music(music, tracks=5, seconds=8)
        made = [os.path.join(music, genre, name) for genre in os.listdir(music) for name in os.listdir(os.path.join(music, genre))]
        for i in range(len(made), options.clips):  # further names of the same files
            os.link(made[i % 15], made[i % 15][:-4] + f"-{i}.wav")
        genres = sorted(os.path.join(music, genre) for genre in os.listdir(music))
        clips = sorted(os.path.join(genre, name) for genre in genres for name in os.listdir(genre))
        listed = os.path.join(work, "music.txt")
        with open(listed, "w", encoding="utf-8") as file:
            file.write("\n".join(clips) + "\n")
        openings = Openings(genres)

        def command(output, *more):
            return [options.program, "-q", "--threads", "1", "extract", listed, "--features", "fma518", "-o", output, *more]

        alone, merged = os.path.join(work, "alone.npy"), os.path.join(work, "merged.npy")
        start = time.monotonic()
        subprocess.run(command(alone), check=True, stdout=subprocess.DEVNULL)
        took = time.monotonic() - start
        once = openings.take()
        per_clip = sum(once.values()) / len(clips)
        if set(once) != set(clips):
            raise SystemExit("failed: not every clip was opened")

        lock, kills = threading.Lock(), [0]
        pending = list(range(1, options.parts + 1))

        def work_on_parts(number):
            own = random.Random(options.seed * 1000 + number)
            while True:
                with lock:
                    if not pending:
                        return
                    part = pending.pop(0)
                worker = subprocess.Popen(command(merged, "--part", f"{part}/{options.parts}"), stdout=subprocess.DEVNULL)
                try:
                    with lock:
                        may_kill = kills[0] < options.kills
                        kills[0] += may_kill
                    # So that the kills are spread over the whole job.
                    worker.wait(own.uniform(0.1, 0.1 + 4.0 * took / max(options.kills, 1)) if may_kill else None)
                    with lock:
                        kills[0] -= may_kill  # it ended before
                    if worker.returncode != 0:
                        raise SystemExit(f"failed: part {part} ended with {worker.returncode}")
                except subprocess.TimeoutExpired:
                    worker.kill()
                    worker.wait()
                    with lock:
                        pending.insert(rng.randrange(len(pending) + 1), part)

        workers = [threading.Thread(target=work_on_parts, args=(i,)) for i in range(options.workers)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        subprocess.run([options.program, "-q", "merge", merged], check=True, stdout=subprocess.DEVNULL)
        for name in ("", ".json"):
            if not filecmp.cmp(alone + name, merged + name, shallow=False):
                raise SystemExit(f"failed: merged.npy{name} differs from the result of one run")
        repeated = sum(openings.take().values()) / per_clip - len(clips)
        print(f"{len(clips)} clips in {options.parts} parts, {options.workers} workers, killed {kills[0]} times: the same "
              f"bytes as one run; {repeated:.0f} clips were decoded again, at most {kills[0]} are allowed")
        if repeated > kills[0]:
            raise SystemExit("failed: more than one clip per kill was repeated")


main()
