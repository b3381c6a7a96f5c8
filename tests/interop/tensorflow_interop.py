#!/usr/bin/env python3
"""Checks with the real TensorFlow and TensorBoard that they read what genrewise writes, and the other way round.

    tensorflow_interop.py build/dev/bin/interop_records        (exit code 77: TensorFlow is not installed)
"""
import glob
import io
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
try:
    import numpy as np
    import tensorflow as tf
    from tensorboard.backend.event_processing import event_accumulator
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

COUNT, VALUES, CLASSES = 40, 5, 3


def song_of(i):
    return np.float32(i) + np.arange(VALUES, dtype=np.float32) / 4


def check_packs(folder):
    """The study's own parsing: fixed-length song and class, variable-length one-hot class."""
    for stored in ["float32", "float16", "uint8"]:
        for compression in ["none", "gzip", "zlib"]:
            files = sorted(glob.glob(f"{folder}/{stored}_{compression}/*.tfrec"))
            assert len(files) == 3, files
            description = {
                "song": tf.io.FixedLenFeature([VALUES], tf.float32) if stored == "float32" else tf.io.FixedLenFeature([], tf.string),
                "class": tf.io.FixedLenFeature([], tf.int64),
                "one_hot_class": tf.io.VarLenFeature(tf.float32),
                "track_id": tf.io.FixedLenFeature([], tf.string),
            }
            if stored == "uint8":
                description["song_range"] = tf.io.FixedLenFeature([2], tf.float32)
            data = tf.data.TFRecordDataset(files, compression_type="" if compression == "none" else compression.upper())
            seen = set()
            for record in data:
                example = tf.io.parse_single_example(record, description)
                i = int(example["track_id"].numpy().decode().split()[1])
                song = example["song"]
                if stored == "float16":
                    song = tf.cast(tf.io.decode_raw(song, tf.float16), tf.float32)
                if stored == "uint8":
                    lowest, step = example["song_range"].numpy()
                    song = lowest + step * tf.cast(tf.io.decode_raw(song, tf.uint8), tf.float32)
                tolerance = 0 if stored != "uint8" else 0.0021  # half a step of a range of 1
                assert np.max(np.abs(song.numpy() - song_of(i))) <= tolerance, (stored, i, song)
                assert int(example["class"]) == i % CLASSES
                one_hot = tf.sparse.to_dense(example["one_hot_class"]).numpy()
                assert list(one_hot) == [float(k == i % CLASSES) for k in range(CLASSES)], one_hot
                seen.add(i)
            assert seen == set(range(COUNT)), (stored, compression, len(seen))


def check_events(folder):
    events = event_accumulator.EventAccumulator(f"{folder}/events")
    events.Reload()
    losses = [(event.step, event.value) for event in events.Scalars("loss/train")]
    assert np.allclose(losses, [(step, 1 / (1 + step)) for step in range(5)]), losses


def check_reading(program, folder):
    """Shards without a manifest, as TensorFlow writes them."""
    for compression in ["", "GZIP", "ZLIB"]:
        location = f"{folder}/theirs_{compression}"
        os.mkdir(location)
        for shard in range(2):
            with tf.io.TFRecordWriter(f"{location}/study{shard:02}-20.tfrec", compression) as writer:
                for i in range(20 * shard, 20 * shard + 20):
                    floats = lambda values: tf.train.Feature(float_list=tf.train.FloatList(value=values))
                    feature = {
                        "song": floats(song_of(i)),
                        "class": tf.train.Feature(int64_list=tf.train.Int64List(value=[i % CLASSES])),
                        "one_hot_class": floats([float(k == i % CLASSES) for k in range(CLASSES)]),
                        "track_id": tf.train.Feature(bytes_list=tf.train.BytesList(value=[f"track {i}".encode()])),
                    }
                    writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
        out = subprocess.run([program, "read", location], check=True, capture_output=True, text=True).stdout
        lines = [line.split("\t") for line in out.splitlines()]
        assert [line[0] for line in lines] == [f"track {i}" for i in range(COUNT)], out
        for i, line in enumerate(lines):
            assert int(line[1]) == i % CLASSES
            assert np.array_equal(np.array(line[2:], np.float32), song_of(i)), line


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, "write", folder], check=True)
        check_packs(folder)
        check_events(folder)
        check_reading(program, folder)
    print(f"TensorFlow {tf.__version__}: packs, event file and foreign shards agree")


if __name__ == "__main__":
    main()
