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


def check_sequence_packs(folder):
    """SequenceExamples with the user's keys: five steps of one number each."""
    for stored in ["float32", "float16", "uint8"]:
        for compression in ["none", "gzip", "zlib"]:
            files = sorted(glob.glob(f"{folder}/{stored}_{compression}_steps/*.tfrec"))
            assert len(files) == 3, files
            context = {
                "genre": tf.io.FixedLenFeature([], tf.int64),
                "one_hot_genre": tf.io.FixedLenFeature([CLASSES], tf.float32),
                "clip": tf.io.FixedLenFeature([], tf.string),
            }
            if stored == "uint8":
                context["frames_range"] = tf.io.FixedLenFeature([2], tf.float32)
            kind = tf.io.FixedLenSequenceFeature([1] if stored == "float32" else [], tf.float32 if stored == "float32" else tf.string)
            data = tf.data.TFRecordDataset(files, compression_type="" if compression == "none" else compression.upper())
            seen = set()
            for record in data:
                facts, lists = tf.io.parse_single_sequence_example(record, context, {"frames": kind})
                i = int(facts["clip"].numpy().decode().split()[1])
                frames = lists["frames"]
                assert frames.shape[0] == VALUES, frames
                if stored != "float32":
                    frames = tf.cast(tf.io.decode_raw(frames, tf.float16 if stored == "float16" else tf.uint8), tf.float32)
                if stored == "uint8":
                    lowest, step = facts["frames_range"].numpy()
                    frames = lowest + step * frames
                tolerance = 0 if stored != "uint8" else 0.0021
                assert np.max(np.abs(frames.numpy().ravel() - song_of(i))) <= tolerance, (stored, i, frames)
                assert int(facts["genre"]) == i % CLASSES
                assert list(facts["one_hot_genre"].numpy()) == [float(k == i % CLASSES) for k in range(CLASSES)]
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


def by_keys(program, location, features, label, identity, pool):
    ran = subprocess.run([program, "keys", location, features, label, identity, pool], check=True, capture_output=True, text=True)
    assert not ran.stderr, ran.stderr
    return {fields[0]: (int(fields[1]), np.array(fields[2:], np.float32)) for fields in (line.split("\t") for line in ran.stdout.splitlines())}


def check_reading_by_keys(program, folder):
    """SequenceExamples of TensorFlow: AudioSet's form (lists of 128 quantised bytes), and lists of floats and integers."""
    integers = lambda values: tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    floats = lambda values: tf.train.Feature(float_list=tf.train.FloatList(value=values))
    texts = lambda values: tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    random = np.random.default_rng(1)
    audio = {i: random.integers(0, 256, (random.integers(1, 11), 128), np.uint8) for i in range(30)}
    sizes = {i: random.normal(size=(4, 3)).astype(np.float32) for i in range(30)}
    for compression in ["", "GZIP", "ZLIB"]:
        location = f"{folder}/sequences_{compression}"
        os.mkdir(location)
        with tf.io.TFRecordWriter(f"{location}/train.tfrecord-00000-of-00001", compression) as writer:
            for i in range(30):
                context = {
                    "video_id": texts([f"vidéo {i}".encode()]),
                    "labels": integers([i % CLASSES]),
                    "start_time_seconds": floats([30.0]),
                    "end_time_seconds": floats([40.0]),
                }
                lists = {
                    "audio_embedding": [texts([row.tobytes()]) for row in audio[i]],
                    "floats": [floats(row) for row in sizes[i]],
                    "integers": [integers([-k, 2**40 + k]) for k in range(3)],
                }
                record = tf.train.SequenceExample(
                    context=tf.train.Features(feature=context),
                    feature_lists=tf.train.FeatureLists(
                        feature_list={key: tf.train.FeatureList(feature=steps) for key, steps in lists.items()}
                    ),
                )
                writer.write(record.SerializeToString())
        for pool in ["mean", "mean+std"]:
            read = by_keys(program, location, "audio_embedding", "labels", "video_id", pool)
            assert len(read) == 30
            for i in range(30):
                label, values = read[f"vidéo {i}"]
                expected = audio[i].astype(np.float64).mean(axis=0)
                if pool == "mean+std":
                    expected = np.concatenate([expected, audio[i].astype(np.float64).std(axis=0)])
                assert label == i % CLASSES and np.allclose(values, expected, rtol=1e-6, atol=1e-6), (i, values)
        for i, (label, values) in enumerate(by_keys(program, location, "floats", "labels", "video_id", "none").values()):
            assert np.array_equal(values, sizes[i].ravel()), values
        for label, values in by_keys(program, location, "integers", "labels", "video_id", "none").values():
            assert np.array_equal(values, np.float32([0, 2**40, -1, 2**40 + 1, -2, 2**40 + 2])), values
    # what genrewise packs, by its own reader of named keys
    for stored in ["float32", "uint8"]:
        for i, (label, values) in by_keys(program, f"{folder}/{stored}_gzip_steps", "frames", "genre", "clip", "none").items():
            number = int(i.split()[1])
            assert label == number % CLASSES
            assert np.max(np.abs(values - song_of(number))) <= (0 if stored == "float32" else 0.0021), values


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, "write", folder], check=True)
        check_packs(folder)
        check_sequence_packs(folder)
        check_events(folder)
        check_reading(program, folder)
        check_reading_by_keys(program, folder)
    print(f"TensorFlow {tf.__version__}: packs, event file, foreign shards and SequenceExamples agree")


if __name__ == "__main__":
    main()
