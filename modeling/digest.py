"""SHA-256 digests of variables: what must agree for two models to share a trunk."""

import hashlib
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt


def tensor_digest(tensor: npt.NDArray[np.generic]) -> str:
    """Hex SHA-256 of dtype, shape and little-endian bytes."""
    array = np.ascontiguousarray(tensor)
    header = f"{array.dtype.newbyteorder('<').str}{list(tensor.shape)}".encode()
    return hashlib.sha256(
        header + array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    ).hexdigest()


def tensor_digests(tensors: Mapping[str, npt.NDArray[np.generic]]) -> dict[str, str]:
    return {name: tensor_digest(tensors[name]) for name in sorted(tensors)}


def joint_digest(digests: Mapping[str, str]) -> str:
    """One digest of many named ones, independent of their order."""
    return text_digest("".join(f"{name} {digests[name]}\n" for name in sorted(digests)))


def text_digest(text: str) -> str:
    """Hex SHA-256 of the text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()
