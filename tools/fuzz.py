#!/usr/bin/env python3
"""Builds the fuzz targets with Clang, runs them in turn, counts processor time, and minimises corpora.

    tools/fuzz.py build build/dev --into build/fuzz       the parsers with sanitizers, all else as build/dev has it
    tools/fuzz.py build build/dev --into build/coverage --measure
    tools/fuzz.py run build/fuzz/fuzz --found DIR --hours 8 --processes 2     rotate over all targets
    tools/fuzz.py report --found DIR                                              table of what was run (Markdown)
    tools/fuzz.py minimise build/fuzz/fuzz --found DIR --most-kib 40          new inputs into fuzz/corpus
    tools/fuzz.py coverage build/coverage/fuzz --found DIR                    lines reached per parser (Markdown)

DIR gets corpus/TARGET (inputs that reach new code), crashes/ (what ended the process) and journal.jsonl, one line for
each run with its processor time (user and system, by wait4)."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORPUS, GOLDEN = ROOT / "fuzz/corpus", ROOT / "tests/golden"
MORE_SEEDS = {"decode": [GOLDEN / "audio"], "tags": [CORPUS / "decode"], "keras": [GOLDEN / "neural/model.h5"]}
# Turns of a target in each rotation; the others have one.
TURNS = {"decode": 3, "tags": 3, "gwm": 3, "tensors": 2, "csv": 2, "feature_table": 3, "pack": 2, "run": 2, "archive": 2,
         "model_result": 2, "catalogue": 2, "query": 2, "s3": 2, "gcs": 2, "tag_changes": 2, "dataset": 2, "routes": 3}
# What reads which foreign bytes: the sources whose lines are counted.
PARSERS = {
    "audio: MP3 (frames, layout)": "audio/(mp3_reader|mpeg_frames|mpeg_layout)",
    "audio: FFmpeg's containers": "audio/(ffmpeg_input|ffmpeg_packets|ffmpeg_reader|ffmpeg_stream|container_end|ogg_links)",
    "tags, hash of the audio": "audio/(tag_blocks|tag_text|tag_values|tags|audio_hash)",
    "changes of tags": "audio/(tag_edits|write_tags)",
    "Example, SequenceExample": "records/example",
    "TFRecord": "records/(framing|record_reader)",
    "safetensors": "records/tensor_archive",
    "models (.gwm)": "models/model\\.cpp|models/(confidence|classical/preprocessing)",
    "PyTorch (.pt)": "pretrained/weights/(pickle|torch)",
    "Keras (.h5)": "neural/weights/keras_file",
    "NumPy (.npy)": "features/npy",
    "archives": "storage/archive",
    "CSV": "base/csv",
    "feature tables": "features/feature_table|data_source/labelled_table",
    "datasets (FMA, lists, folders)":
        "src/genrewise/dataset/(?!fetch|inspect|genres|clip_identity|demo_csv|genre_map_yaml)",
    "records of other programs": "data_source/record_examples",
    "journals": "data_source/row_journal",
    "manifests of packs": "packs/pack_manifest",
    "run folders": "study/(run_folder|result_json)|report/compare",
    "catalogues": "library/catalogue",
    "queries": "library/query",
    "playlists": "library/playlist_file",
    "models' parameters": "models/(model_spec|candidates|point)",
    "JSON, seals": "base/json_file",
    "messages of workers": "base/message",
    "S3": "storage/(s3_client|s3_store|s3_writer)",
    "Google Cloud Storage": "storage/(gcs_store|gcs_writer)",
    "downloads": "storage/download",
    "package index, locations": "storage/(python_index|location|wildcards)",
    "HTTP requests": "apps/server/(head|served_file|guard)",
    "HTTP routes": "apps/server/(.*_routes|http|uploads|jobs|services)",
}
# Functions in these sources that get no foreign bytes: they train, make results, or act for the user.
NOT_READING = re.compile("|".join((
    "Preprocessor::fit", r"preprocessing\.cpp", "Novelty::(fit|set_limit)", "Confidence::(threshold|least_error)",
    r"to_json.*Confidence", "Model::predict", "table_ending", "assign_parts", "require_same_data", "keep_part",
    "make_folds", "rows_except", "Catalogue::(correct|forget)", "default_catalogue", "default_models", "download_wheel",
    "download_by_pip", "pip_problem", "index_page", "for_each_(matching|with_prefix)", "list_matching",
    "canonical_paths", "ServedFile::", "is_inside", "session_cookie", r"to_string\(", "RowJournal::remove")))


# Other sources that are compiled with sanitizers.
INSTRUMENTED = ("/fuzz/(?!neural|mutate_main)|genrewise/(base|storage|records|audio|library|dataset|packs|data_source)/|"
                "models/classical/(adaboost|classical|discr|gauss|gradient|linear_cl|nearest|perc|random|support|trees|vot)")
CLANG, MERGE, COVERAGE, DEMANGLE = "clang++-16", "llvm-profdata-16", "llvm-cov-16", "llvm-cxxfilt-16"
SANITIZERS = ["-O1", "-g1", "-fsanitize=address,undefined,fuzzer-no-link", "-fno-sanitize-recover=undefined",
              "-fno-omit-frame-pointer"]
PROFILE = ["-fprofile-instr-generate", "-fcoverage-mapping"]


def compile_one(command, folder, output, flags):
    """Compiles a source as in compile_commands.json, but by Clang and with these flags."""
    words = shlex.split(command)
    source = words[words.index("-c") + 1]
    if output.exists() and output.stat().st_mtime > os.stat(source).st_mtime:
        return
    first = next(i for i, word in enumerate(words) if word.startswith("-"))
    kept = [word for word in words[first:] if not word.startswith(("-W", "-O", "-g", "-fsanitize", "-fno-sanitize"))]
    kept[kept.index("-o") + 1] = str(output)
    subprocess.run([CLANG, *kept, *flags], cwd=folder, check=True)


def build(arguments):
    """Links a program fuzz of the archives of a build by GCC, with the parsers' sources compiled by Clang before them:
    the linker then needs those of the archives no more."""
    folder, into = pathlib.Path(arguments.program), pathlib.Path(arguments.into).resolve()
    into.mkdir(parents=True, exist_ok=True)
    patterns = arguments.only or ["/(" + parser + ")" for parser in PARSERS.values()]
    if not arguments.measure and not arguments.only:
        patterns.append(INSTRUMENTED)
    pattern = re.compile("|".join([*patterns, "/fuzz/(?!neural|mutate_main)"]))
    sources = {entry["file"]: entry for entry in json.loads((folder / "compile_commands.json").read_text())
               if pattern.search(entry["file"]) and "/tests/" not in entry["file"] and "/bench/" not in entry["file"]}
    flags = ["-O0", *PROFILE, "-fsanitize=fuzzer-no-link"] if arguments.measure else SANITIZERS
    objects = {entry["command"]: into / (re.sub(r"\W+", "_", os.path.relpath(file, ROOT)) + ".o")
               for file, entry in sources.items()}
    with concurrent.futures.ThreadPoolExecutor(arguments.processes) as pool:
        for one in [pool.submit(compile_one, command, folder, output, flags) for command, output in objects.items()]:
            one.result()
    line = subprocess.run(["ninja", "-C", str(folder), "-t", "commands", "fuzz"], check=True, capture_output=True,
                          text=True).stdout.splitlines()[-1]
    words = shlex.split(line.split("&&")[1])
    kept = [word for word in words[1:] if not word.startswith(("-W", "-O", "-g")) or word.startswith("-Wl,")]
    kept = [word for word in kept if not re.match(r"fuzz/CMakeFiles/fuzz\.dir/", word)]
    kept[kept.index("-o") + 1] = str(into / "fuzz")
    linked = PROFILE + ["-fsanitize=fuzzer"] if arguments.measure else ["-fsanitize=fuzzer,address,undefined"]
    subprocess.run([CLANG, *map(str, objects.values()), *kept, *linked], cwd=folder, check=True)


def targets_of(program):
    text = subprocess.run([program, "-list"], capture_output=True, check=False, text=True,
                          env={**os.environ, "LLVM_PROFILE_FILE": os.devnull}).stderr
    return text.rsplit("targets:", 1)[1].split()


def seeds_of(target):
    return [path for path in [CORPUS / target, *MORE_SEEDS.get(target, [])] if path.exists()]


def seed_folders(target, for_files):
    """Folders with seeds. libFuzzer takes folders only, so those that are files are copied to `for_files`."""
    seeds = seeds_of(target)
    for file in seeds:
        if file.is_file():
            shutil.copy(file, for_files)
    return [str(for_files), *(str(seed) for seed in seeds if seed.is_dir())]


def files_in(paths):
    return [file for path in paths for file in (path.iterdir() if path.is_dir() else [path]) if file.is_file()]


class Rotation:
    """Takes turns with all targets until the time is up."""

    def __init__(self, arguments):
        self.arguments, self.lock, self.next = arguments, threading.Lock(), 0
        names = arguments.only or targets_of(arguments.program)
        most = max(TURNS.get(name, 1) for name in names)
        self.turns = [name for i in range(most) for name in names if i < TURNS.get(name, 1)]
        self.end = time.time() + 3600 * arguments.hours
        self.found = pathlib.Path(arguments.found).resolve()
        (self.found / "crashes").mkdir(parents=True, exist_ok=True)

    def take_turns(self):
        while (left := self.end - time.time()) > 20:
            with self.lock:
                target, self.next = self.turns[self.next % len(self.turns)], self.next + 1
            self.run(target, int(min(self.arguments.seconds, left - 10)))

    def run(self, target, seconds):
        corpus = self.found / "corpus" / target
        corpus.mkdir(parents=True, exist_ok=True)
        command = [self.arguments.program, target, f"-max_total_time={seconds}", "-print_final_stats=1"]
        if not self.arguments.without_coverage:
            command += ["-timeout=120", "-rss_limit_mb=2048", "-reload=0",
                        f"-artifact_prefix={self.found}/crashes/{target}-"]
        else:
            command += [f"-seed={self.next}"]
        command += seed_folders(target, corpus)
        started = time.time()
        with tempfile.TemporaryFile() as log:
            # HDF5 asks for sizes that a file states, and checks whether it got them.
            environment = {**os.environ, "ASAN_OPTIONS": "allocator_may_return_null=1"} if target == "keras" else None
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                                       cwd=self.found / "crashes")
            hang = threading.Timer(seconds + 600, process.kill)
            hang.start()
            _, status, used = os.wait4(process.pid, 0)
            hang.cancel()
            process.returncode = code = os.waitstatus_to_exitcode(status)
            log.seek(0)
            text = log.read().decode(errors="replace")
        executed = re.search(r"number_of_executed_units: *(\d+)", text)
        entry = {"target": target, "cpu_s": round(used.ru_utime + used.ru_stime, 2),
                 "wall_s": round(time.time() - started, 1), "inputs": int(executed.group(1)) if executed else 0,
                 "code": code, "peak_mib": used.ru_maxrss // 1024}
        with self.lock, open(self.found / "journal.jsonl", "a") as journal:
            journal.write(json.dumps(entry) + "\n")
        if code != 0:
            (self.found / "crashes" / f"{target}-{int(started)}.log").write_text(text[-20000:])
            print(f"finding: {target} (exit code {code})", flush=True)


def run(arguments):
    rotation = Rotation(arguments)
    with concurrent.futures.ThreadPoolExecutor(arguments.processes) as pool:
        for one in [pool.submit(rotation.take_turns) for _ in range(arguments.processes)]:
            one.result()


def report(arguments):
    sums = {}
    with open(pathlib.Path(arguments.found) / "journal.jsonl") as journal:
        for entry in map(json.loads, journal):
            total = sums.setdefault(entry["target"], [0, 0.0, 0])
            total[0] += entry["inputs"]
            total[1] += entry["cpu_s"]
            total[2] += entry["code"] != 0
    print("| target | inputs | CPU-minutes | runs that ended with a finding |\n|---|---|---|---|")
    for target, (inputs, cpu_s, findings) in sorted(sums.items()):
        print(f"| {target} | {inputs:,} | {cpu_s / 60:.1f} | {findings} |")
    print(f"| all | {sum(s[0] for s in sums.values()):,} | {sum(s[1] for s in sums.values()) / 60:.1f} "
          f"({sum(s[1] for s in sums.values()) / 3600:.2f} h) | {sum(s[2] for s in sums.values())} |")


def minimise(arguments):
    """Adds to each corpus the smallest inputs that reach more than it does, up to a size for each target."""
    for target in arguments.only or targets_of(arguments.program):
        own, found = CORPUS / target, pathlib.Path(arguments.found) / "corpus" / target
        if not found.is_dir():
            continue
        own.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            merged, small = pathlib.Path(folder) / "merged", pathlib.Path(folder) / "small"
            merged.mkdir()
            small.mkdir()
            room = arguments.most_kib * 1024 - sum(file.stat().st_size for file in files_in([own]))
            for file in files_in([found]):
                if file.stat().st_size <= min(4096, room):
                    shutil.copy(file, small / file.name)
            for file in files_in(seeds_of(target)):
                shutil.copy(file, merged / file.name)
            before = {file.name for file in files_in([merged])}
            subprocess.run([arguments.program, target, "-merge=1", "-timeout=120", "-rss_limit_mb=2048", str(merged),
                            str(small)], check=False, stdin=subprocess.DEVNULL, capture_output=True, cwd=folder)
            new = sorted((file for file in files_in([merged]) if file.name not in before),
                         key=lambda file: file.stat().st_size)
            added = 0
            for file in new:
                room -= file.stat().st_size
                if room < 0:
                    break
                shutil.copy(file, own / file.name[:12])
                added += 1
            print(f"{target}: {added} of {len(new)} new inputs", flush=True)


def coverage(arguments):
    """Runs the corpora through a program built with -fprofile-instr-generate -fcoverage-mapping."""
    with tempfile.TemporaryDirectory() as folder:
        profiles = []
        for target in targets_of(arguments.program):
            raw = os.path.join(folder, target + ".raw")
            files = pathlib.Path(folder) / "files" / target
            files.mkdir(parents=True)
            inputs = seed_folders(target, files)
            if arguments.found and (more := pathlib.Path(arguments.found) / "corpus" / target).is_dir():
                inputs.append(more)
            subprocess.run([arguments.program, target, "-runs=0", *map(str, inputs)], check=False, capture_output=True,
                           stdin=subprocess.DEVNULL, env={**os.environ, "LLVM_PROFILE_FILE": raw})
            if os.path.exists(raw):
                profiles.append(raw)
        merged = os.path.join(folder, "all")
        subprocess.run([MERGE, "merge", "-sparse", "-o", merged, *profiles], check=True)
        exported = subprocess.run([COVERAGE, "export", "-format=lcov", "-instr-profile", merged, arguments.program],
                                  check=True, capture_output=True).stdout
    files = lines_of(exported.decode())
    print("| parser | lines | reached |\n|---|---|---|")
    for parser, pattern in PARSERS.items():
        own = {name: lines for name, lines in files.items() if name.endswith(".cpp") and re.search(pattern, name)}
        counts = [count for lines in own.values() for count in lines.values()]
        print(f"| {parser} | {len(counts)} | {100 * sum(map(bool, counts)) / max(len(counts), 1):.0f} % |")
        if arguments.files:
            for name, lines in sorted(own.items()):
                missed = [str(line) for line, count in lines.items() if not count]
                print(f"    {name} ({len(lines)} lines): {' '.join(missed)}", file=sys.stderr)


def lines_of(lcov):
    """{source: {line: how often it ran}} without those of NOT_READING. A function reaches to the next one that is no
    lambda."""
    named = subprocess.run([DEMANGLE], input=lcov, check=True, capture_output=True, text=True).stdout
    files = {}
    for section in named.split("end_of_record"):
        if not (name := re.search("^SF:(.*)", section, re.M)):
            continue
        starts = sorted((int(line), function) for line, function in re.findall(r"^FN:(\d+),(.*)", section, re.M)
                        if "$_" not in function and "lambda" not in function)
        lines = {int(line): int(count) for line, count in re.findall(r"^DA:(\d+),(\d+)", section, re.M)}
        for i, (start, function) in enumerate(starts):
            end = starts[i + 1][0] if i + 1 < len(starts) else 1 << 30
            if NOT_READING.search(function):
                lines = {line: count for line, count in lines.items() if not start <= line < end}
        files[name.group(1)] = lines
    return files


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["build", "run", "report", "minimise", "coverage"])
    parser.add_argument("program", nargs="?", help="the program fuzz; for build, the folder of a build")
    parser.add_argument("--into", help="of build: folder to write to")
    parser.add_argument("--measure", action="store_true", help="of build: coverage in place of sanitizers")
    parser.add_argument("--found")
    parser.add_argument("--hours", type=float, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=120, help="of a turn")
    parser.add_argument("--without-coverage", action="store_true", help="of run: a program by GCC")
    parser.add_argument("--only", nargs="*", help="targets; of build: patterns of sources")
    parser.add_argument("--most-kib", type=int, default=40, help="of a corpus in the repository")
    parser.add_argument("--files", action="store_true",
                        help="also the lines of each source that were not reached, on standard error")
    arguments = parser.parse_args()
    if arguments.program:
        arguments.program = os.path.abspath(arguments.program)
    {"build": build, "run": run, "report": report, "minimise": minimise, "coverage": coverage}[arguments.what](arguments)


if __name__ == "__main__":
    main()
