#!/usr/bin/env python3
"""genrewise.ray on a real Ray: a head and two raylets on this machine, one of which is killed in the middle.

    ray_test.py build/dev/bin/genrewise     in an interpreter that has ray 2.x, pandas, pyarrow and the Python package
                                            (PYTHONPATH=build/dev/python); exits with 77 where they are missing

The merged table has the same bytes as that of one run of the program; damaged files are named; the same call continues a
job that was interrupted (Ctrl-C) and returns at once when it is complete; features as a Dataset are those of the table.
"""
import argparse
import filecmp
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "faults"))
import kill  # noqa: E402  (make_music)


def skip(reason):
    print("skipped: " + reason)
    sys.exit(77)


# The fourth makes all addresses 127.0.0.1, which Ray otherwise replaces by one that other machines reach.
os.environ.update(RAY_DISABLE_IMPORT_WARNING="1", RAY_USAGE_STATS_ENABLED="0", RAY_DATA_DISABLE_PROGRESS_BARS="1",
                  RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0", RAY_worker_niceness="0",
                  RAY_health_check_initial_delay_ms="1000", RAY_health_check_period_ms="500",
                  RAY_health_check_failure_threshold="4")
try:
    import genrewise.ray
    import numpy as np
    import pyarrow as pa
    import ray
    from ray.cluster_utils import Cluster
except ImportError as missing:
    skip(f"{missing}: an interpreter with ray, pandas and pyarrow and the Python package are needed "
         "(GENREWISE_RAY_PYTHON)")


def check(holds, what):
    if not holds:
        raise SystemExit("failed: " + what)
    print("ok: " + what, flush=True)


def same(one, other):
    return filecmp.cmp(one, other, shallow=False) and filecmp.cmp(one + ".json", other + ".json", shallow=False)


def finished_parts(output):
    folder = output + ".parts"
    return sum(name.endswith(".npy") for name in os.listdir(folder)) if os.path.isdir(folder) else 0


def when(condition, action):
    """Calls `action` from a thread as soon as the condition holds."""
    called = []

    def watch():
        while not condition():
            time.sleep(0.02)
        called.append(action())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return called


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--links", type=int, default=40, help="names of each of 24 clips, all of which are extracted")
    options = parser.parse_args()
    parts = 24
    with tempfile.TemporaryDirectory(prefix="genrewise-ray-") as work:
        music, alone = os.path.join(work, "music"), os.path.join(work, "alone.npy")
        kill.make_music(music, tracks=8, seconds=3)
        for folder, _, names in list(os.walk(music)):
            for name in names:
                for link in range(1, options.links):
                    os.link(os.path.join(folder, name), os.path.join(folder, f"{link}-{name}"))
        bad = os.path.join(music, sorted(os.listdir(music))[0], "bad.wav")
        with open(bad, "w", encoding="utf-8") as file:
            file.write("this is no audio " * 100)
        done = subprocess.run([options.program, "-q", "--threads", "1", "extract", music, "-o", alone], check=False,
                              stdout=subprocess.DEVNULL)
        check(done.returncode == 3, "the program skips the file that is not audio")

        store = {"object_store_memory": 80_000_000, "include_dashboard": False}
        cluster = Cluster(initialize_head=True, head_node_args={**store, "num_cpus": 0})
        nodes = [cluster.add_node(num_cpus=1, **store) for _ in range(2)]
        ray.init(address=cluster.address, log_to_driver=False)
        warnings.simplefilter("ignore")

        # One of two raylets is lost while both work.
        merged = os.path.join(work, "merged.npy")

        def kill_raylet():
            cluster.remove_node(nodes[1], allow_graceful=False)
            return finished_parts(merged)

        left = when(lambda: finished_parts(merged) >= 2, kill_raylet)
        result = genrewise.ray.extract(music, output=merged, parts=parts, progress=False)
        check(left and left[0] < parts == result.parts, f"a raylet was killed when {left} of {parts} parts were finished")
        check(same(alone, merged), "the merged table has the bytes of one run")
        check([one["where"] for one in result.skipped] == [bad], "the file that cannot be used is named")
        check(not os.path.exists(merged + ".parts"), "the parts were removed")
        again = genrewise.ray.extract(music, output=merged, parts=parts, progress=False)
        check(again.parts == 0 and again.rows == result.rows and again.skipped == result.skipped,
              "the same call finds the table complete")

        # Ctrl-C, and the same call continues.
        cluster.add_node(num_cpus=1, **store)
        stopped = os.path.join(work, "stopped.npy")
        when(lambda: finished_parts(stopped) >= 3, lambda: os.kill(os.getpid(), signal.SIGINT))
        try:
            genrewise.ray.extract(music, output=stopped, parts=parts, progress=False)
            check(False, "Ctrl-C interrupts the call")
        except KeyboardInterrupt:
            check(not os.path.exists(stopped), "Ctrl-C interrupts the call")
        time.sleep(2)
        names = os.listdir(stopped + ".parts")
        before = {name: os.stat(os.path.join(stopped + ".parts", name)).st_mtime_ns for name in names if name.endswith(".npy")}
        kept = genrewise.ray.extract(music, output=stopped, parts=parts, merge=False, progress=False)
        check(all(os.stat(os.path.join(stopped + ".parts", name)).st_mtime_ns == before[name] for name in before),
              f"the same call keeps the {len(before)} parts that were finished")
        check(kept.rows == result.rows and not os.path.exists(stopped), "merge=False leaves the parts")
        for arguments in ({"features": "mfcc", "parts": parts}, {"parts": parts + 1}):
            try:
                genrewise.ray.extract(music, output=stopped, progress=False, **arguments)
                check(False, "parts of another recipe or number are refused")
            except genrewise.Error as error:
                check("contains parts" in str(error), f"other parts are refused ({error})")
        subprocess.run([options.program, "-q", "merge", stopped], check=False, stdout=subprocess.DEVNULL)
        check(same(alone, stopped), "`genrewise merge` makes the same table of them")

        # Files one by one are the list beside the table; errors are raised where asked for.
        files = [os.path.join(folder, name) for folder, _, names in sorted(os.walk(music)) for name in sorted(names)]
        listed, by_program = os.path.join(work, "listed.npy"), os.path.join(work, "program.npy")
        genrewise.ray.extract(files[:20], "mfcc", output=listed, parts=3, progress=False)
        subprocess.run([options.program, "-q", "extract", listed + ".txt", "--features", "mfcc", "-o", by_program], check=False,
                       stdout=subprocess.DEVNULL)
        check(same(by_program, listed), "files one by one give the table of their list")
        for arguments in ({"output": os.path.join(work, "raised.npy")}, {}):
            try:
                table = genrewise.ray.extract([bad, *files[:5]], "mfcc", errors="raise", progress=False, **arguments)
                table.take_all()
                check(False, "errors='raise' raises")
            except Exception as error:  # Ray Data wraps it
                check("not audio" in str(error), f"errors='raise' raises ({type(error).__name__}, {arguments})")

        # As a Dataset: of a dataset, and of a column of paths.
        rows = genrewise.ray.extract(music, progress=False).take_all()
        values = np.load(alone)
        ok = sorted((row for row in rows if row["error"] is None), key=lambda row: row["track_id"])
        check(len(ok) == len(values) and [row["file"] for row in rows if row["error"]] == [bad]
              and {row["genre"] for row in ok} == set(os.listdir(music)), "a Dataset has every track, its genre and faults")
        found = np.sort(np.array([row["features"] for row in ok], dtype=np.float32), axis=0)
        check(np.array_equal(found, np.sort(values, axis=0)), "its features are those of the table")
        paths = ray.data.from_arrow(pa.table({"n": list(range(len(files))), "uri": files})).repartition(4)
        out = genrewise.ray.extract(paths, "mfcc", progress=False)
        blocks = [ray.get(block) for block in out.to_arrow_refs()]
        check(all(isinstance(block, pa.Table) for block in blocks) and sum(map(len, blocks)) == len(files)
              and set(blocks[0].column_names) == {"n", "uri", "features", "error"}, "blocks are Arrow tables with all columns")
        table = genrewise.ray.extract(paths, "mfcc", output=os.path.join(work, "column.npy"), progress=False)
        check(table.rows == len(files) - 1, "a Dataset of paths gives a table")
        ray.shutdown()
        cluster.shutdown()


main()
