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
    lines = "".join(f"{name} {digests[name]}\n" for name in sorted(digests))
    return hashlib.sha256(lines.encode()).hexdigest()
