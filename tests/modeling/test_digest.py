"""Digests: equal for equal variables alone, and the same for ever, since files record them."""

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from centrabert.modeling.digest import joint_digest, tensor_digest, tensor_digests

Array = npt.NDArray[Any]
MATRIX = np.array([[1.5, -2.0, 3.0], [0.0, 5.0, 6.25]], np.float32)


def test_definition() -> None:
    """SHA-256 of dtype, shape and little-endian bytes."""
    expected = hashlib.sha256(b"<f4[2, 3]" + MATRIX.astype("<f4").tobytes()).hexdigest()
    assert tensor_digest(MATRIX) == expected


def test_recorded_digests_stay_valid() -> None:
    """Values written down when the format was made: a change of them would orphan every branch."""
    assert tensor_digest(MATRIX) == "4abc9e0e947f7314c8234fc16e1a1f1ef1ba498c9215e59cd628e00d6ee5d8ae"
    assert tensor_digest(np.array(7)) == "fb0b63ffbbd21c81e2ebd524be67214b1511a5eae22ed1f0ac21528d99a49e27"
    assert (
        joint_digest({"b": "2", "a": "1"})
        == "2951835de33689a441bfa61bc7af99b1f0305ca8ec0ab4dd508f14f57b27ca23"
    )


OTHERS: dict[str, Array] = {
    "other value": np.nextafter(MATRIX, np.float32(9)),
    "negative zero": np.where(MATRIX == 0, np.float32(-0.0), MATRIX),
    "other shape": MATRIX.reshape(3, 2),
    "one dimension more": MATRIX[None],
    "other type": MATRIX.astype(np.float64),
    "other type of equal size": MATRIX.view(np.int32),
    "other order": MATRIX[::-1],
    "transposed": MATRIX.T,
    "empty": MATRIX[:0],
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_another_tensor_has_another_digest(other: Array) -> None:
    assert tensor_digest(other) != tensor_digest(MATRIX)


def test_empty_tensors_differ_by_shape() -> None:
    assert tensor_digest(np.zeros([0, 3], np.float32)) != tensor_digest(np.zeros([3, 0], np.float32))


@pytest.mark.parametrize(
    "same",
    [
        MATRIX.copy(order="F"),
        np.repeat(MATRIX, 2, axis=1)[:, ::2],
        MATRIX.astype(">f4"),
        MATRIX.T.copy().T,
    ],
    ids=["column-major", "strided", "big-endian", "transposed twice"],
)
def test_how_it_lies_in_memory_is_no_matter(same: Array) -> None:
    assert tensor_digest(same) == tensor_digest(MATRIX)


def test_scalars() -> None:
    """As checkpoints give them: a NumPy scalar, or an array without dimensions."""
    assert tensor_digest(np.array(7)) == tensor_digest(np.asarray(np.int64(7)))
    assert tensor_digest(np.array(7)) != tensor_digest(np.array([7]))


def test_tensor_digests() -> None:
    found = tensor_digests({"b": MATRIX, "a": MATRIX.T})
    assert list(found.items()) == [("a", tensor_digest(MATRIX.T)), ("b", tensor_digest(MATRIX))]


def test_joint_digest() -> None:
    """Depends on names and digests, not on their order."""
    digests = {"a": "11", "b": "22", "c": "33"}
    joint = joint_digest(digests)
    assert joint == joint_digest(dict(reversed(digests.items())))
    others = [
        {"a": "11", "b": "22"},
        {"a": "22", "b": "11", "c": "33"},
        {"a": "11", "b": "22", "d": "33"},
        {"a": "11", "b": "22", "c": "34"},
        {},
    ]
    assert len({joint, *map(joint_digest, others)}) == 1 + len(others)
