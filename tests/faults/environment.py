#!/usr/bin/env python3
"""Runs every command in bad environments: disks, streams, limits, locale, clock, memory.

    environment.py build/dev/bin/genrewise [--only full-disk,allocation] [--allocations 6] [--seed 1]

Each trial runs one command under one condition. It must end by itself with the exit code 0, 1 or 3: with 1 there is one
message that states what failed, without half-written files; then the same command succeeds without the condition. What
succeeds has written what an undisturbed run writes, and the inputs are unharmed. The exit code is 1 if a trial differs.
Needs faulty_system.so beside the program (target faulty_system) and python3; what needs root, a locale or faketime is
skipped, with its reason, where it is missing.
"""
import argparse
import contextlib
import errno
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kill  # noqa: E402  (its music and its comparison of folders)

SECONDS = 120  # a run that takes longer hangs
# What an interrupted command may leave for its next start.
STATE = re.compile(r"\.partial$|\.pack/|\.jsonl$|\.lock$|models/|networks/|config\.json|features|^run/|^weights/|\.rows$")
READS = {
    "predict": ["predict", "--model", "INPUT/m.gwm", "INPUT/music", "--json"],
    "evaluate": ["evaluate", "INPUT/m.gwm", "INPUT/music", "--part", "all", "--json"],
    "inspect": ["inspect", "INPUT/music", "--json"],
    "list": ["list", "INPUT/music/**", "--json"],
    "models": ["models", "--json"],
    "verify": ["pack", "INPUT/pack", "--verify", "--json"],
}
WRITES = {
    "extract": ["extract", "INPUT/music", "-o", "OUT/t.csv", "--json"],
    "split": ["split", "INPUT/music", "--scheme", "random", "-o", "OUT/s.csv", "--json"],
    "train": ["train", "INPUT/music", "--scheme", "random", "--model", "logreg", "-o", "OUT/m.gwm", "--json"],
    "study": ["study", "INPUT/music", "--scheme", "random", "--models", "gnb", "knn:n_neighbors=1,3", "-o", "OUT/run",
              "--json"],
    "tune": ["tune", "INPUT/music", "--scheme", "random", "--model", "knn", "--grid", "n_neighbors=1,2", "--folds", "2",
             "-o", "OUT/run", "--json"],
    "pack": ["pack", "INPUT/music", "--scheme", "random", "--features", "raw10k", "--shards", "2", "-o", "OUT/pack",
             "--json"],
}
NETWORK = {"train-network": ["train", "INPUT/music", "--scheme", "random", "--model", "dense:epochs=2", "--run",
                             "OUT/run", "-o", "OUT/m.gwm", "--json"]}
FETCH = {"fetch": ["fetch", "weights", "mobilenetv2", "--mirror", "MIRROR", "--to", "OUT/weights", "--json"]}


class Trials:
    def __init__(self, program, folder, seed):
        self.program, self.folder = program, folder
        self.library = os.path.join(os.path.dirname(program), "faulty_system.so")
        self.rng = random.Random(seed)
        self.input = os.path.join(folder, "input")
        self.problems, self.expected, self.number = [], {}, 0
        self.commands = dict(READS, **WRITES)
        if os.path.exists(os.path.join(os.path.dirname(program), "genrewise-neural")):
            self.commands.update(NETWORK)
        self.make_input()

    def make_input(self):
        kill.make_music(os.path.join(self.input, "music"), tracks=4, seconds=1)
        for command in (["train", "INPUT/music", "--scheme", "random", "--model", "gnb", "-o", "INPUT/m.gwm"],
                        ["pack", "INPUT/music", "--scheme", "none", "--features", "raw10k", "--shards", "1", "-o",
                         "INPUT/pack"]):
            subprocess.run(self.words(command, ""), check=True, stdout=subprocess.DEVNULL)
        mirror = os.path.join(self.folder, "mirror")
        os.makedirs(mirror)
        with open(os.path.join(mirror, "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"), "wb") as file:
            file.write(self.rng.randbytes(5000))
        self.mirror = kill.serve(mirror)
        self.input_before = kill.snapshot(self.input)
        for name, command in self.commands.items():
            out = self.new_folder()
            done = self.run(command, out)
            if done.returncode:
                sys.exit(f"{name} fails without any condition: {done.stderr}")
            self.expected[name] = (kill.snapshot(out), self.text(done.stdout, out))

    def text(self, stdout, out):
        """What was printed, without times."""
        stdout = stdout.replace(out, "OUT")
        try:
            return json.dumps(kill.without_times(json.loads(stdout)), sort_keys=True)
        except ValueError:
            return stdout

    def words(self, command, out):
        for word, value in (("INPUT", self.input), ("OUT", out), ("MIRROR", getattr(self, "mirror", ""))):
            command = [argument.replace(word, value) for argument in command]
        return [self.program, "-q", "--threads", "2"] + command

    def new_folder(self):
        self.number += 1
        out = os.path.join(self.folder, f"out{self.number}")
        os.makedirs(out)
        return out

    def run(self, command, out, environment=None, meanwhile=None, prefix=(), signal_after_s=None, **options):
        """Runs a command to its end; a run that hangs has the return code -14, also one that runs on for ten seconds
        after SIGTERM."""
        base = {name: value for name, value in os.environ.items() if not name.startswith(("FAULTY_", "LD_"))}
        base["GENREWISE_CACHE"] = "off"  # the user's features are neither used nor changed
        base.update(environment or {})
        base = {name: value for name, value in base.items() if value is not None}
        streams = dict(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        streams.update(options)
        process = subprocess.Popen([*prefix, *self.words(command, out)], env=base, text=True, errors="replace",
                                   **streams)
        if meanwhile:
            threading.Thread(target=meanwhile, daemon=True).start()
        if signal_after_s is not None:
            threading.Timer(signal_after_s, process.send_signal, [signal.SIGTERM]).start()
        try:
            stdout, stderr = process.communicate(timeout=SECONDS if signal_after_s is None else signal_after_s + 10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return subprocess.CompletedProcess(command, -signal.SIGALRM, "", "does not end")
        return subprocess.CompletedProcess(command, process.returncode, stdout or "", stderr or "")

    def problem(self, condition, name, what):
        self.problems.append(f"{condition}: {name}: {what}")
        print("DIFFERS " + self.problems[-1], flush=True)

    def trial(self, condition, name, codes=(0, 1), says="", out=None, restore=None, silent=False, same_stdout=True,
              compare=True, temporaries=False, **options):
        """One command under one condition. `says` must occur in the message of a failure; `restore` ends the condition;
        `silent`: nothing can be printed; `temporaries`: temporary files may stay. Returns the exit code."""
        out = out or self.new_folder()
        command = self.commands[name]
        done = self.run(command, out, **options)
        if restore:
            restore()
        if done.returncode not in codes:
            self.problem(condition, name, f"exit code {done.returncode}: {done.stderr.strip()[-400:]}")
        elif done.returncode == 1 and not silent:
            self.check_message(condition, name, done.stderr, says)
        elif done.returncode == 0 and same_stdout and not silent:
            if self.text(done.stdout, out) != self.expected[name][1]:
                self.problem(condition, name, f"prints something else: {done.stdout[-300:]}")
        if done.returncode != 0:
            if compare:
                self.check_leftovers(condition, name, kill.snapshot(out), temporaries)
            again = self.run(command, out)
            if again.returncode != 0:
                self.problem(condition, name, f"fails afterwards: {again.stderr.strip()[-400:]}")
        if compare and kill.snapshot(out) != self.expected[name][0]:
            found, expected = kill.snapshot(out), self.expected[name][0]
            names = [n for n in sorted(set(found) | set(expected)) if found.get(n) != expected.get(n)]
            self.problem(condition, name, f"differs from an undisturbed run (exit code {done.returncode}): {names}")
        if kill.snapshot(self.input) != self.input_before:
            self.problem(condition, name, "has changed its input")
            self.input_before = kill.snapshot(self.input)
        with contextlib.suppress(OSError):
            shutil.rmtree(out)
        return done.returncode

    def check_message(self, condition, name, stderr, says):
        lines = [line for line in stderr.splitlines() if line.startswith("genrewise: error: ")]
        if len(lines) != 1:
            self.problem(condition, name, f"prints {len(lines)} messages: {stderr.strip()[-400:]}")
        elif says not in lines[0] or re.search(r"internal error|json\.exception|filesystem error|std::|report it", stderr):
            self.problem(condition, name, f"prints '{lines[0]}' instead of something with '{says}'")

    def check_leftovers(self, condition, name, found, temporaries):
        """Files that are neither complete nor the state of a run that can be continued."""
        half = [path for path, sum in found.items()
                if (not temporaries if path.endswith(".tmp") else
                    not STATE.search(path) and self.expected[name][0].get(path) != sum)]
        if half:
            self.problem(condition, name, f"leaves {half}")

    def each(self, condition, names=None, **options):
        codes = [self.trial(condition, name, **options) for name in names or self.commands]
        report(condition, codes)


def report(condition, codes):
    print(f"{condition}: {len(codes)} runs, {sum(code == 1 for code in codes)} refused with a message", flush=True)


def limited(kind, limit):
    return lambda: resource.setrlimit(kind, (limit, limit))


class Tmpfs:
    """A small file system, mounted for a trial. Needs root."""
    def __init__(self, folder, size):
        self.path = folder
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)

    def remount(self, options):
        subprocess.run(["mount", "-o", f"remount,{options}", self.path], check=True)

    def unmount(self):
        subprocess.run(["umount", "-l", self.path], check=False, stderr=subprocess.DEVNULL)


def may_mount(trials):
    folder = trials.new_folder()
    done = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], capture_output=True)
    subprocess.run(["umount", folder], capture_output=True)
    return done.returncode == 0


def needs_mount(condition, trials):
    if may_mount(trials):
        return True
    print(f"{condition}: skipped: mounting a file system needs root")
    return False


def full_disk(trials):
    """write() fails after some bytes; also with the error codes of quotas and of broken disks."""
    codes = []
    for code, says in ((errno.ENOSPC, "disk is full"), (errno.EDQUOT, "disk is full"), (errno.EIO, "cannot write")):
        for size in (0, 3000, 30000):
            environment = {"LD_PRELOAD": trials.library, "FAULTY_WRITE": f"{size}:{code}"}
            codes += [trials.trial(f"{os.strerror(code)} after {size} bytes", name, says=says, environment=environment)
                      for name in trials.commands if name not in READS]
    report("full disk, quota, broken disk", codes)


def full_tmpfs(trials):
    if not needs_mount("full file system", trials):
        return
    codes = []
    for size in (4096, 32768, 131072):
        for name in [name for name in trials.commands if name not in READS]:
            out = trials.new_folder()
            disk = Tmpfs(out, size)
            codes.append(trials.trial(f"file system of {size} bytes", name, says="disk is full", out=out,
                                      restore=lambda: disk.remount("size=64m")))
            disk.unmount()
    report("full file system", codes)


def read_only(trials):
    if not needs_mount("read-only file system", trials):
        return
    codes = []
    for name in [name for name in trials.commands if name not in READS]:
        out = trials.new_folder()
        disk = Tmpfs(out, "64m")
        disk.remount("ro")
        codes.append(trials.trial("read-only file system", name, codes=(1,), says="read-only", out=out,
                                  restore=lambda: disk.remount("rw")))
        disk.unmount()
    report("read-only file system", codes)


def vanished_volume(trials):
    """The output's file system is detached while the command runs; another time the music's."""
    if not needs_mount("volume that disappears", trials):
        return
    codes = []
    for name in trials.commands:
        for share in (0.3, 0.6, 0.9):
            out = trials.new_folder()
            disk = Tmpfs(out, "64m")
            start = time.monotonic()
            trials.run(trials.commands[name], trials.new_folder())
            seconds = share * (time.monotonic() - start)
            codes.append(trials.trial("volume that disappears", name, out=out, restore=disk.unmount, compare=False,
                                      meanwhile=lambda: (time.sleep(seconds), disk.unmount())))
    report("volume that disappears", codes)


def vanished_folder(trials):
    """The folder of the music is renamed away while the command runs, then back; another time that of the output."""
    codes = []
    for name in trials.commands:
        for what in ("music", "music", "output"):
            out = trials.new_folder()
            folder = out if what == "output" else os.path.join(trials.input, "music")
            if what == "output" and name in READS:
                continue
            moved = threading.Event()

            def move(delay=trials.rng.uniform(0, 0.15), folder=folder, moved=moved):
                time.sleep(delay)
                os.rename(folder, folder + ".away")
                moved.set()

            def back(folder=folder, moved=moved):
                moved.wait()
                if os.path.exists(folder):  # the command made it again, and everything must be there
                    shutil.rmtree(folder + ".away")
                else:
                    os.rename(folder + ".away", folder)
            # Packs keep what they skipped, and what is complete is not made again.
            codes.append(trials.trial(f"{what} that disappears", name, codes=(0, 1, 3), meanwhile=move, restore=back, out=out,
                                      compare=what == "output", same_stdout=False))
    report("music or output that disappears", codes)


def streams(trials):
    full = open("/dev/full", "w")
    trials.each("standard output /dev/full", codes=(1,), stdout=full, says="standard output")
    trials.each("standard error /dev/full", codes=(0,), stderr=full)
    for number in (0, 1, 2):
        codes = (0,) if number != 1 else (0, 1)
        trials.each(f"descriptor {number} closed", codes=codes, silent=number == 1, preexec_fn=lambda n=number: os.close(n))
    trials.each("all descriptors closed", codes=(0, 1), silent=True, preexec_fn=lambda: os.closerange(0, 3))
    codes = []
    for name in trials.commands:
        reader, writer = os.pipe()
        os.close(reader)
        codes.append(trials.trial("closed pipe", name, codes=(0,), silent=True, stdout=writer))
        os.close(writer)
    report("closed pipe", codes)


def variables(trials):
    no_home = {"HOME": None, "XDG_CACHE_HOME": None, "XDG_DATA_HOME": None, "TMPDIR": None}
    trials.each("no HOME", codes=(0,), environment=no_home)
    trials.each("HOME that does not exist", codes=(0,), environment={"HOME": "/nonexistent/home"})
    trials.each("TMPDIR that does not exist", says="TMPDIR", environment={"TMPDIR": "/nonexistent/tmp"})
    codes = []
    for name in trials.commands:
        gone = trials.new_folder()
        codes.append(trials.trial("current folder that was removed", name, codes=(0, 1), prefix=(
            "sh", "-c", f'cd "{gone}" && rmdir "{gone}" && exec "$@"', "sh")))
    report("current folder that was removed", codes)


def limits(trials):
    for files in (32, 12):
        trials.each(f"{files} descriptors", says="" if files < 32 else "open files",
                    preexec_fn=limited(resource.RLIMIT_NOFILE, files))
    trials.each("1 MiB of stack", codes=(0,), preexec_fn=limited(resource.RLIMIT_STACK, 1 << 20))
    for size in (0, 4096, 65536):
        trials.each(f"files of at most {size} bytes", [n for n in trials.commands if n not in READS], says="cannot write",
                    preexec_fn=limited(resource.RLIMIT_FSIZE, size))
    for threads in (0, 1):
        trials.each(f"{threads} more threads", environment={"LD_PRELOAD": trials.library, "FAULTY_THREADS": str(threads)})


def address_space(trials):
    """The libraries alone need about 230 MiB, and each thread 128 MiB for OpenBLAS, which waits for ever without them."""
    for size in (320, 512, 1024):
        trials.each(f"address space of {size} MiB", preexec_fn=limited(resource.RLIMIT_AS, size << 20))


def interruption(trials):
    """SIGTERM at random moments."""
    codes = []
    for name in trials.commands:
        start = time.monotonic()
        trials.run(trials.commands[name], trials.new_folder())
        for after_s in (trials.rng.uniform(0, time.monotonic() - start) for _ in range(3)):
            # the signal's own effect: before the program has started to handle it
            codes.append(trials.trial(f"SIGTERM after {after_s:.3f} s", name, codes=(0, 130, -signal.SIGTERM),
                                      signal_after_s=after_s))
    report("SIGTERM", codes)


def decimal_comma(trials):
    folder = trials.new_folder()
    if shutil.which("localedef"):
        subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", os.path.join(folder, "de_DE.UTF-8")], capture_output=True)
    if not os.path.exists(os.path.join(folder, "de_DE.UTF-8")):
        print("locale with decimal comma: skipped: localedef cannot make de_DE.UTF-8 (package locales)")
        return
    trials.each("locale with decimal comma", codes=(0,), environment={"LOCPATH": folder, "LC_ALL": "de_DE.UTF-8"})


def clock(trials):
    """Inputs from the future; and, where faketime is installed, a clock that goes back while a run is interrupted."""
    files = [os.path.join(parent, name) for parent, _, names in os.walk(trials.input) for name in names]
    times = [(os.stat(file).st_atime_ns, os.stat(file).st_mtime_ns) for file in files]
    future = int(1e9 * (time.time() + 10 * 365 * 86400))
    for file in files:
        os.utime(file, ns=(future, future))
    # The time of a clip is part of its identity in tables, so they differ from those of the undisturbed runs.
    trials.each("files from the future", codes=(0,), compare=False, same_stdout=False)
    for file, before in zip(files, times):
        os.utime(file, ns=before)
    libraries = [path for path in ("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
                                   "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1") if os.path.exists(path)]
    if not libraries:
        print("clock that goes back: skipped: libfaketime is not installed")
        return
    for name in [name for name in trials.commands if name not in READS]:
        out = trials.new_folder()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process = subprocess.Popen(trials.words(trials.commands[name], out), stdout=subprocess.DEVNULL)
            process.wait(0.2)
        process.kill()
        process.wait()
        trials.trial("clock that goes back", name, codes=(0,), out=out, same_stdout=False,
                     environment={"LD_PRELOAD": libraries[0], "FAKETIME": "-3650d", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                                  "NO_FAKE_STAT": "1"})
    report("clock that goes back", [])


def allocation(trials):
    """The n-th allocation fails: of operator new (C++), and of malloc (libraries in C); alone, or with all that follow."""
    count_file = os.path.join(trials.folder, "count")
    codes = []
    for name in [name for name in trials.commands if name not in ("list", "models")]:
        trials.run(trials.commands[name], trials.new_folder(),
                   environment={"LD_PRELOAD": trials.library, "FAULTY_COUNT": count_file})
        with open(count_file) as file:
            counts = dict(zip(("NEW", "MALLOC"), map(int, file.read().split())))
        for kind, count in counts.items():
            for every in (0, 1):
                for sample in range(trials.allocations):
                    # half of them near the start, where a program reads its options
                    nth = 1 + int(count ** trials.rng.random() if sample % 2 else count * trials.rng.random())
                    environment = {"LD_PRELOAD": trials.library, f"FAULTY_{kind}": str(nth), "FAULTY_ALL": str(every)}
                    # Without malloc, FFTW aborts and OpenSSL's start crashes: limits that docs/reliability.md states.
                    allowed = (0, 1, 3, -signal.SIGABRT, -signal.SIGSEGV) if kind == "MALLOC" else (0, 1)
                    codes.append(trials.trial(f"{kind} {nth}{' and all after it' if every else ''}", name, codes=allowed,
                                              compare=kind == "NEW", temporaries=True,
                                              same_stdout=False, environment=environment))
    report("failed allocations", codes)


def garbage_weights(trials):
    """A mirror that sends 5,000 random bytes: nothing is kept."""
    out = trials.new_folder()
    done = trials.run(FETCH["fetch"], out)
    trials.check_message("garbage from a mirror", "fetch", done.stderr, "was not kept")
    if done.returncode != 1 or kill.snapshot(out):
        trials.problem("garbage from a mirror", "fetch", f"exit code {done.returncode}, keeps {list(kill.snapshot(out))}")
    report("garbage from a mirror", [done.returncode])


CONDITIONS = {"streams": streams, "variables": variables, "limits": limits, "address-space": address_space,
              "full-disk": full_disk, "full-tmpfs": full_tmpfs, "read-only": read_only, "locale": decimal_comma,
              "clock": clock, "volume": vanished_volume, "folder": vanished_folder, "interruption": interruption,
              "allocation": allocation, "fetch": garbage_weights}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--only", default="", help="conditions, separated by commas: " + ", ".join(CONDITIONS))
    parser.add_argument("--allocations", type=int, default=3, help="of each command, kind and mode")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        trials = Trials(os.path.abspath(options.program), folder, options.seed)
        trials.allocations = options.allocations
        for name in [name for name in options.only.split(",") if name] or CONDITIONS:
            CONDITIONS[name](trials)
    print(f"{len(trials.problems)} problems")
    return 1 if trials.problems else 0


if __name__ == "__main__":
    sys.exit(main())
