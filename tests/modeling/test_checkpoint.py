"""Checkpoints: bits in and out, with TensorFlow's own Saver as the other side, and what they refuse."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow.compat.v1 as tf
from full_disk import largest_file

from centrabert.modeling import checkpoint

Array = npt.NDArray[Any]
INDEX, DATA = "model.ckpt.index", "model.ckpt.data-00000-of-00001"
RANDOM = np.random.default_rng(3)
TENSORS: dict[str, Array] = {
    "bert/encoder/layer_1/kernel": RANDOM.standard_normal([13, 7]).astype(np.float32),
    "bert/encoder/layer_10/kernel": RANDOM.standard_normal([7, 5, 3]).astype(np.float32),
    "output_bias": np.array([-0.0, np.nan, np.inf, 1e-45], np.float32),
    "empty": np.zeros([0, 3], np.float32),
    "scalar": np.array(0.1, np.float32),
    "global_step": np.array(2**62 + 1),
    "double": np.array([0.1, 2.0]),
    "ids": np.array([[1, -2], [3, 2**31 - 1]], np.int32),
}


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    checkpoint.write(tmp_path / "model.ckpt", TENSORS)
    return tmp_path / "model.ckpt"


def assert_same_bits(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert list(found) == sorted(expected)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype, name
        assert found[name].shape == tensor.shape, name
        assert found[name].tobytes() == tensor.tobytes(), name


def test_round_trip(prefix: Path) -> None:
    """Every bit, of every type and shape; two files and nothing beside them."""
    assert_same_bits(checkpoint.read(prefix), TENSORS)
    assert sorted(file.name for file in prefix.parent.iterdir()) == [DATA, INDEX]


def test_shapes(prefix: Path) -> None:
    assert checkpoint.shapes(prefix) == {name: tensor.shape for name, tensor in TENSORS.items()}


def test_some_of_the_names(prefix: Path) -> None:
    names = ["scalar", "bert/encoder/layer_1/kernel"]
    assert_same_bits(checkpoint.read(prefix, names), {name: TENSORS[name] for name in names})
    assert checkpoint.read(prefix, []) == {}


def test_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A prefix without a folder."""
    monkeypatch.chdir(tmp_path)
    checkpoint.write(Path("model.ckpt"), TENSORS)
    assert_same_bits(checkpoint.read(Path("model.ckpt")), TENSORS)


def test_write_replaces(prefix: Path) -> None:
    other = {"scalar": np.array([7.0], np.float32)}
    checkpoint.write(prefix, other)
    assert_same_bits(checkpoint.read(prefix), other)


def test_the_same_tensors_make_the_same_files(tmp_path: Path) -> None:
    for name, tensors in (("a", TENSORS), ("b", dict(reversed(TENSORS.items())))):
        (tmp_path / name).mkdir()
        checkpoint.write(tmp_path / name / "model.ckpt", tensors)
    for file in (INDEX, DATA):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_write_inside_another_graph(tmp_path: Path) -> None:
    """As in the middle of training: it leaves no operation there."""
    with tf.Graph().as_default() as graph:
        checkpoint.write(tmp_path / "model.ckpt", TENSORS)
        assert_same_bits(checkpoint.read(tmp_path / "model.ckpt"), TENSORS)
        assert graph.get_operations() == []


def variables(initial: dict[str, Array]) -> dict[str, tf.Variable]:
    return {
        name: tf.get_variable(name, initializer=tensor, use_resource=True) for name, tensor in initial.items()
    }


def test_a_saver_reads_what_we_write(prefix: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        made = variables({name: np.zeros_like(tensor) for name, tensor in TENSORS.items()})
        tf.train.Saver().restore(session, str(prefix))
        found = session.run(made)
    assert_same_bits({name: found[name] for name in sorted(found)}, TENSORS)


def test_we_read_what_a_saver_writes(tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        variables(TENSORS)
        session.run(tf.global_variables_initializer())
        saved = tf.train.Saver().save(session, str(tmp_path / "model.ckpt"), global_step=7)
    assert saved == str(tmp_path / "model.ckpt-7")
    assert_same_bits(checkpoint.read(Path(saved)), TENSORS)


def test_variables_start_from_a_checkpoint(prefix: Path) -> None:
    """All that it holds of them is read by one operation; the others start as they would."""
    there = {"kernel": "bert/encoder/layer_1/kernel", "tied": "bert/encoder/layer_1/kernel", "bias": "empty"}
    with tf.Graph().as_default() as graph, tf.Session() as session:
        starts = checkpoint.restored(prefix, there)
        with tf.variable_scope("", custom_getter=checkpoint.starting(starts)):
            made = {
                name: tf.get_variable(name, TENSORS[there[name]].shape, use_resource=True) for name in there
            }
            made["new"] = tf.get_variable("new", [2], initializer=tf.ones_initializer(), use_resource=True)
        session.run(tf.global_variables_initializer())
        found = session.run(made)
        reading = [operation for operation in graph.get_operations() if operation.type == "RestoreV2"]
    expected = {name: TENSORS[there[name]] for name in there} | {"new": np.ones(2, np.float32)}
    assert_same_bits({name: found[name] for name in sorted(found)}, expected)
    assert len(reading) == 1


def test_nothing_starts_from_what_a_checkpoint_lacks(prefix: Path) -> None:
    with tf.Graph().as_default():
        assert checkpoint.restored(prefix, {}) == {}
        with pytest.raises(ValueError, match=f"^{re.escape(str(prefix))}: lacks the variables a, b$"):
            checkpoint.restored(prefix, {"one": "b", "two": "scalar", "three": "a"})
        starts = checkpoint.restored(prefix, {"kernel": "bert/encoder/layer_1/kernel"})
        with (
            tf.variable_scope("", custom_getter=checkpoint.starting(starts)),
            pytest.raises(ValueError, match=r"shape \(\(13, 7\)\) is not compatible"),
        ):
            tf.get_variable("kernel", [7, 13], use_resource=True)


def test_there_is_no_checkpoint(tmp_path: Path) -> None:
    message = (
        f"{tmp_path / 'model.ckpt'}: no readable checkpoint (wanted model.ckpt.index and its data files)"
    )
    for ask in (checkpoint.read, checkpoint.shapes):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            ask(tmp_path / "model.ckpt")


def test_missing_variables_are_named(prefix: Path) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(str(prefix))}: lacks the variables a, b$"):
        checkpoint.read(prefix, ["b", "scalar", "a"])


def spoil(file: Path, how: str) -> None:
    data = file.read_bytes()
    middle = len(data) // 2
    if how == "gone":
        file.unlink()
        return
    changed = bytes([data[middle] ^ 0xFF])
    spoiled = {"cut": data[:middle], "empty": b"", "changed": data[:middle] + changed + data[middle + 1 :]}
    file.write_bytes(spoiled[how])


@pytest.mark.parametrize("how", ["gone", "cut", "empty", "changed"])
@pytest.mark.parametrize("part", [INDEX, DATA])
def test_damaged(part: str, how: str, prefix: Path) -> None:
    """One bit is enough: TensorFlow keeps a checksum of every tensor."""
    spoil(prefix.with_name(part), how)
    kind = "no readable checkpoint" if part == INDEX else "damaged checkpoint"
    with pytest.raises(ValueError, match=f"^{re.escape(str(prefix))}: {kind}") as caught:
        checkpoint.read(prefix)
    assert "\n" not in str(caught.value)


# Where the data file does not fit, at once or later, and where it does but its index does not.
TOO_LARGE: dict[str, dict[str, Array]] = {
    "data": {"kernel": np.zeros([99, 99], np.float32)},
    "index": {f"{hash((n, 0.5)):x}" * 9: np.zeros([], np.float32) for n in range(99)},
}


@pytest.mark.parametrize("size", [0, 4096])
@pytest.mark.parametrize("tensors", TOO_LARGE.values(), ids=TOO_LARGE)
def test_full_disk(tensors: dict[str, Array], size: int, tmp_path: Path) -> None:
    """One line, and nothing left of what was begun."""
    prefix = tmp_path / "model.ckpt"
    message = f"{prefix}: cannot write the checkpoint: {tmp_path}/"
    with largest_file(size), pytest.raises(OSError, match=f"^{re.escape(message)}.+File too large$"):
        checkpoint.write(prefix, tensors)
    assert list(tmp_path.iterdir()) == []


def test_full_disk_spares_other_checkpoints(tmp_path: Path) -> None:
    """model.ckpt-1 is the beginning of model.ckpt-10, and no part of it."""
    others = [tmp_path / name for name in ("model.ckpt-10", "model.ckpt", "model.ckpt-11", "best.ckpt-1")]
    for prefix in others:
        checkpoint.write(prefix, TENSORS)
    with largest_file(4096), pytest.raises(OSError, match="cannot write the checkpoint"):
        checkpoint.write(tmp_path / "model.ckpt-1", {"kernel": np.zeros([99, 99], np.float32)})
    for prefix in others:
        assert_same_bits(checkpoint.read(prefix), TENSORS)


def test_no_folder_to_write_to(tmp_path: Path) -> None:
    prefix = tmp_path / "a" / "b" / "model.ckpt"
    message = f"{prefix}: cannot write the checkpoint: {prefix.parent}; No such file or directory"
    with pytest.raises(OSError, match=f"^{re.escape(message)}$"):
        checkpoint.write(prefix, TENSORS)
    assert list(tmp_path.iterdir()) == []


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"cannot write the checkpoint: .*Not a directory$"):
        checkpoint.write(tmp_path / "file" / "model.ckpt", TENSORS)


EXPECTED = {"a": (2, 3), "b": (5,), "c": ()}


def test_match() -> None:
    checkpoint.match(EXPECTED, dict(reversed(EXPECTED.items())), "x.ckpt")
    checkpoint.match(
        EXPECTED, {**EXPECTED, "global_step": (), "m/adam_m": (2,)}, "x.ckpt", ["global_step", "m/adam_m"]
    )
    checkpoint.match({}, {}, "x.ckpt")


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"a": (2, 3), "c": ()}, "missing: b"),
        ({"c": ()}, "missing: a, b"),
        ({**EXPECTED, "z": (1,), "d": (1,)}, "unknown: d, z"),
        ({**EXPECTED, "a": (3, 2)}, "other shape: a is [3, 2], wanted [2, 3]"),
        ({**EXPECTED, "c": (1,)}, "other shape: c is [1], wanted []"),
        (
            {"b": (7,), "a": (), "d": (1,), "dropped": (3,)},
            "missing: c; unknown: d; other shape: a is [], wanted [2, 3], b is [7], wanted [5]",
        ),
        ({}, "missing: a, b, c"),
        (
            {**EXPECTED, **dict.fromkeys("defghijklm", (1,))},
            "unknown: d, e, f, g, h, i, j, k and 2 more",
        ),
    ],
)
def test_match_tells_all_in_one_line(found: dict[str, tuple[int, ...]], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(f'x.ckpt: does not fit: {message}')}$"):
        checkpoint.match(EXPECTED, found, "x.ckpt", ["dropped", "absent"])


def test_a_dropped_name_may_not_stand_for_a_wanted_one() -> None:
    """A wanted variable is checked whatever the list of dropped ones says."""
    with pytest.raises(ValueError, match="other shape: b is"):
        checkpoint.match(EXPECTED, {**EXPECTED, "b": (7,)}, "x.ckpt", ["b"])
