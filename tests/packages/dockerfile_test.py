#!/usr/bin/env python3
"""Runs the steps of the Dockerfile in Debian roots, without docker, and then the program as the image would.

    dockerfile_test.py [--packages FOLDER]

Each stage is a root made by debootstrap; RUN, COPY, ENV, USER and WORKDIR are applied as docker would. With --packages,
Debian packages that were built before take the place of the step that compiles (the RUN with cmake). Exit status 77:
something is missing; the reason is printed. It needs root and debootstrap.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "build/dockerfile"
RELEASES = {"debian:12-slim": "bookworm", "debian:13-slim": "trixie"}


def skip(reason):
    print(reason)
    sys.exit(77)


def instructions(text):
    """(keyword, arguments) of each instruction; comments are left out and continued lines joined."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        keyword, _, arguments = line.partition(" ")
        yield keyword.upper(), arguments.strip()


class Stage:
    """An image while it is made: its root and what later steps inherit."""

    def __init__(self, image):
        if image not in RELEASES:
            skip(f"no Debian release is known for the image {image}")
        release, archive = RELEASES[image], ROOT / f"build/root_{RELEASES[image]}.tar"
        self.root = WORK / f"stage{len(list(WORK.iterdir()))}"
        if archive.exists():  # made by packages_test.sh too
            self.root.mkdir()
            subprocess.run(["tar", "-C", self.root, "-xf", archive], check=True)
        else:
            made = subprocess.run(["debootstrap", "--variant=minbase", release, self.root], stdout=subprocess.DEVNULL)
            if made.returncode != 0:
                skip(f"debootstrap cannot make {release}")
            subprocess.run(["tar", "-C", self.root, "-cf", archive, "."], check=True)
        shutil.copy("/etc/resolv.conf", self.root / "etc/resolv.conf")
        self.environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
        self.folder, self.user, self.entry, self.command = "/", "0", [], []

    def path(self, inside):
        """The path on this machine of one in the root, relative ones below WORKDIR."""
        return self.root / os.path.normpath(os.path.join(self.folder, inside)).lstrip("/")

    def run(self, command):
        environment = ["env", "-i", *(f"{name}={value}" for name, value in self.environment.items())]
        where = ["sh", "-c", 'cd "$0" && exec "$@"', self.folder]
        proc = self.root / "proc"
        subprocess.run(["mount", "-t", "proc", "proc", proc], check=True)
        try:
            subprocess.run(["chroot", f"--userspec={self.user}", self.root, *environment, *where, *command], check=True)
        finally:
            subprocess.run(["umount", "--lazy", proc], check=True)

    def copy(self, source, patterns, into):
        target = self.path(into)
        if into.endswith("/") or into == ".":
            target.mkdir(parents=True, exist_ok=True)
        if source is None:  # the build context: what git tracks, which .dockerignore leaves in
            listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "--", *patterns], check=True, capture_output=True)
            archive = subprocess.Popen(["tar", "-C", ROOT, "--null", "-T", "-", "-c"], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
            unpack = subprocess.Popen(["tar", "-C", target, "-x"], stdin=archive.stdout)
            archive.stdin.write(listed.stdout)
            archive.stdin.close()
            if unpack.wait() != 0 or archive.wait() != 0:
                sys.exit("the sources could not be copied")
            return
        for pattern in patterns:
            found = list(source.root.glob(pattern.lstrip("/")))
            if not found:
                sys.exit(f"COPY: {pattern} is not in the other stage")
            for file in found:
                shutil.copy(file, target)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--packages", type=pathlib.Path, metavar="FOLDER")
    packages = options.parse_args().packages
    if os.geteuid() != 0:
        skip("needs root, for Debian roots")
    if shutil.which("debootstrap") is None:
        skip("debootstrap is not installed")
    if WORK.exists():
        subprocess.run(["rm", "-rf", "--one-file-system", WORK], check=True)
    WORK.mkdir(parents=True)
    stages, stage = {}, None
    for keyword, arguments in instructions((ROOT / "Dockerfile").read_text()):
        print(f"== {keyword} {arguments[:100]}", flush=True)
        words = arguments.split()
        if keyword == "FROM":
            stage = Stage(words[0])
            if len(words) == 3:
                stages[words[2]] = stage
        elif keyword == "RUN" and packages and "cmake" in arguments:
            print(f"instead: packages of {packages}")
            stage.path("/packages").mkdir()
            for file in packages.glob("*.deb"):
                shutil.copy(file, stage.path("/packages"))
        elif keyword == "RUN":
            stage.run(["/bin/sh", "-c", arguments])
        elif keyword == "COPY":
            source = stages[words.pop(0).removeprefix("--from=")] if words[0].startswith("--from=") else None
            stage.copy(source, words[:-1], words[-1])
        elif keyword == "ENV":
            name, _, value = arguments.partition("=")
            stage.environment[name] = value
        elif keyword == "WORKDIR":
            stage.folder = os.path.join(stage.folder, arguments)
            stage.path(".").mkdir(parents=True, exist_ok=True)
        elif keyword == "USER":
            stage.user = arguments
        elif keyword == "ENTRYPOINT":
            stage.entry = json.loads(arguments)
        elif keyword == "CMD":
            stage.command = json.loads(arguments)
        elif keyword != "VOLUME":
            sys.exit(f"unknown instruction {keyword}")
    stage.run([*stage.entry, *stage.command])
    stage.run([*stage.entry, "doctor"])
    if stage.user == "0":
        sys.exit("the image runs as root")
    print("passed")


main()
