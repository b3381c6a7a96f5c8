"""Packs: written, read as batches, as datasets of torch and TensorFlow."""

import pickle

import numpy as np
import pytest

import genrewise
from genrewise import records

FEATURES = np.random.default_rng(1).standard_normal((50, 6)).astype(np.float32)
LABELS = [["Rock", "Jazz", "Folk"][i % 3] for i in range(50)]
PARTS = ["test" if i % 5 == 0 else "training" for i in range(50)]


@pytest.fixture(scope="session")
def pack(tmp_path_factory):
    return records.write(
        tmp_path_factory.mktemp("packs") / "pack", FEATURES, LABELS, ids=[f"track{i}" for i in range(50)], parts=PARTS,
        shards=4,
    )  # fmt: skip


def read(batches, ids):
    """Rows and labels by id."""
    found = {}
    for batch in batches:
        for row, label, record in zip(batch.features, batch.labels, batch.records):
            found[ids[record]] = (row, label)
    return found


def test_a_pack_holds_what_was_written(pack):
    assert (len(pack), pack.shape, pack.labels) == (50, (6,), ["Folk", "Jazz", "Rock"])
    assert len(pack.files) == 4 and "50 examples" in repr(pack)
    found = read(pack.batches(7), pack.ids)
    assert len(found) == 50
    for i in range(50):
        row, label = found[f"track{i}"]
        np.testing.assert_array_equal(row, FEATURES[i])
        assert pack.labels[label] == LABELS[i]
    assert [pack.labels[c] for c in pack.classes] == [LABELS[int(one[5:])] for one in pack.ids]
    assert pack.parts == [PARTS[int(one[5:])] for one in pack.ids]


def test_parts_shuffling_epochs_and_ranks_select_batches(pack):
    assert sum(len(batch.labels) for batch in pack.batches(8, part="test")) == 10
    first = [batch.records.tolist() for batch in pack.batches(8, shuffle=50, seed=1)]
    assert first == [batch.records.tolist() for batch in pack.batches(8, shuffle=50, seed=1, workers=2)]
    assert first != [batch.records.tolist() for batch in pack.batches(8, shuffle=50, seed=2)]
    assert sum(len(batch.labels) for batch in pack.batches(8, epochs=3)) == 150
    assert sum(len(batch.labels) for batch in pack.batches(8, drop_remainder=True)) == 48
    shares = [read(pack.batches(8, rank=rank, ranks=2), pack.ids) for rank in range(2)]
    assert set(shares[0]) | set(shares[1]) == set(pack.ids) and not set(shares[0]) & set(shares[1])


def test_sequences_keep_their_shape(tmp_path):
    steps = np.arange(10 * 3 * 4, dtype=np.float32).reshape(10, 3, 4)
    pack = records.write(tmp_path / "steps", steps, ["a", "b"] * 5, shards=2, compression="gzip")
    assert pack.shape == (3, 4)
    for batch in pack.batches(4):
        np.testing.assert_array_equal(batch.features, steps[[int(pack.ids[record]) for record in batch.records]])


def test_ids_of_any_bytes_are_kept(tmp_path):
    ids = ["caf\udce9", "b", "c", "d"]
    pack = records.write(tmp_path / "pack", FEATURES[:4], LABELS[:4], ids=ids, shards=1)
    assert sorted(pack.ids) == sorted(ids)


def test_what_python_packs_is_a_dataset_with_its_parts(pack, tmp_path):
    result = genrewise.study(pack.location, tmp_path / "run", models=["gnb"])
    assert result.document["labels"] == ["Folk", "Jazz", "Rock"]
    assert result.document["split"]["test"] == PARTS.count("test") == result.confusion().to_numpy().sum()


def test_wrong_arguments_are_errors(pack, tmp_path):
    with pytest.raises(genrewise.UsageError, match="labels"):
        records.write(tmp_path / "a", FEATURES, LABELS[:3])
    with pytest.raises(genrewise.UsageError, match="features"):
        records.write(tmp_path / "b", FEATURES[0], LABELS)
    with pytest.raises(genrewise.UsageError, match="stored_as"):
        records.write(tmp_path / "c", FEATURES, LABELS, stored_as="int4")
    with pytest.raises(genrewise.UsageError, match="part"):
        next(pack.batches(part="nosuch"))
    with pytest.raises(genrewise.Error, match="batch"):
        next(pack.batches(0))
    with pytest.raises(genrewise.Error):
        records.open(tmp_path)


def test_torch_reads_batches_in_workers(pack):
    torch = pytest.importorskip("torch")
    dataset = pack.torch(8, shuffle=50)
    assert len(pickle.loads(pickle.dumps(dataset))._pack) == 50
    for workers, context in ((0, None), (2, "fork"), (2, "spawn")):
        loader = torch.utils.data.DataLoader(
            dataset, batch_size=None, num_workers=workers, multiprocessing_context=context
        )
        rows = torch.cat([features for features, _ in loader]).numpy()
        np.testing.assert_array_equal(np.sort(rows, axis=0), np.sort(FEATURES, axis=0))


def test_tensorflow_reads_batches(pack):
    pytest.importorskip("tensorflow")
    rows = np.concatenate([features.numpy() for features, _ in pack.tf(8)])
    np.testing.assert_array_equal(np.sort(rows, axis=0), np.sort(FEATURES, axis=0))
