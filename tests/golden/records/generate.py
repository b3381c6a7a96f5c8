#!/usr/bin/env python3
"""Writes the small record files beside this script with TensorFlow: pip install tensorflow-cpu==2.21.0

Example i of three: song[k] = i + k / 4 for k < 5, class = i, one_hot_class of 3, track_id = "track i"; the first one also
has an additional key that no test reads.
"""
import pathlib

import tensorflow as tf

HERE = pathlib.Path(__file__).parent


def example(i):
    floats = lambda values: tf.train.Feature(float_list=tf.train.FloatList(value=values))
    feature = {
        "song": floats([i + k / 4 for k in range(5)]),
        "class": tf.train.Feature(int64_list=tf.train.Int64List(value=[i])),
        "one_hot_class": floats([float(i == j) for j in range(3)]),
        "track_id": tf.train.Feature(bytes_list=tf.train.BytesList(value=[f"track {i}".encode()])),
    }
    if i == 0:
        feature["more"] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"a", b"\x00\xff"]))
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString(deterministic=True)


for compression in ["", "GZIP", "ZLIB"]:
    path = HERE / f"tensorflow_{compression.lower() or 'none'}.tfrec"
    with tf.io.TFRecordWriter(str(path), compression) as writer:
        for i in range(3):
            writer.write(example(i))
