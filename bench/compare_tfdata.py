#!/usr/bin/env python3
"""Reads the same packs with genrewise and with TensorFlow's tf.data, in turn, on one core, and prints the ratios.

    cmake --preset release && ninja -C build/release bench_records
    python bench/compare_tfdata.py build/release/bin/bench_records     # Python with TensorFlow, 2.21.0 in docs/performance.md

Both read from the page cache, verify every checksum and parse every Example into floats. The comparison is by the CPU time
of the whole process on that one core, which other work on the machine affects less than wall-clock time:
  records  one record after the other: RecordReader + ExampleView, against TFRecordDataset + parse_single_example
  batches  batches of 32 in the order of the shards: BatchReader, against TFRecordDataset + batch + parse_example, which is
           the faster way in tf.data
"""
import argparse
import glob
import json
import os
import statistics
import subprocess
import tempfile
import time

SHAPES = {"mel224": 50176, "raw10k": 10000, "fma518": 518}
OURS = {"records": "read_and_parse", "batches": "read_batches/in_order_no_worker"}


def ours(program, folder, shape, way):
    number = list(SHAPES).index(shape)
    command = [program, f"--benchmark_filter=^{OURS[way]}/{number}/real_time$", "--benchmark_format=json"]
    out = subprocess.run(command, env={**os.environ, "GENREWISE_BENCH_FOLDER": folder}, check=True, capture_output=True)
    return json.loads(out.stdout)["benchmarks"][0]["cpu_time"] / 1e3  # milliseconds; it runs on one thread


def theirs(tf, files, values, way):
    description = {
        "song": tf.io.FixedLenFeature([values], tf.float32),
        "class": tf.io.FixedLenFeature([], tf.int64),
        "one_hot_class": tf.io.VarLenFeature(tf.float32),
        "track_id": tf.io.FixedLenFeature([], tf.string),
    }
    data = tf.data.TFRecordDataset(files, buffer_size=1 << 20)
    if way == "records":
        data = data.map(lambda record: tf.io.parse_single_example(record, description))
    else:
        data = data.batch(32).map(lambda records: tf.io.parse_example(records, description))
    options = tf.data.Options()
    options.threading.private_threadpool_size = 1
    options.threading.max_intra_op_parallelism = 1
    data = data.with_options(options)
    data = data.reduce(tf.constant(0, tf.int64), lambda count, example: count + 1)  # runs inside TensorFlow, no Python per record
    return int(data)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="bench_records of the release build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", help="keep the packs here and reuse them (default: a temporary folder)")
    parser.add_argument("--core", type=int, default=0, help="the core that both run on")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {arguments.core})
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    print(f"TensorFlow {tf.__version__}, core {arguments.core}, load {os.getloadavg()[0]:.1f}")
    print(f"{'pack':8} {'way':8} {'genrewise GB/s':>15} {'tf.data GB/s':>13} {'ratio':>6}   (medians; the ratio is of pairs)")
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or temporary
        for shape, values in SHAPES.items():
            for way in OURS:
                ours(arguments.program, folder, shape, way)  # makes the pack, fills the page cache
                files = sorted(glob.glob(f"{folder}/{shape}/*.tfrec"))
                size = sum(os.path.getsize(file) for file in files)
                theirs(tf, files, values, way)
                pairs = []
                for _ in range(arguments.rounds):
                    mine = ours(arguments.program, folder, shape, way)
                    start = time.process_time()
                    theirs(tf, files, values, way)
                    pairs.append((mine, time.process_time() - start))
                mine, other = (size / statistics.median(side) / 1e9 for side in zip(*pairs))
                ratio = statistics.median(b / a for a, b in pairs)
                print(f"{shape:8} {way:8} {mine:15.2f} {other:13.3f} {ratio:6.1f}", flush=True)


if __name__ == "__main__":
    main()
