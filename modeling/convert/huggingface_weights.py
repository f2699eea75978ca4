"""Tensors of a model.safetensors, which needs no PyTorch, or of a pytorch_model.bin, which does."""

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save_file

from centrabert.errors import UserError

Float32 = npt.NDArray[np.float32]
Narrow = dict[str, str]  # variable -> the 16-bit type it was stored in
DESERIALIZE: Callable[[bytes], list[tuple[str, dict[str, Any]]]] = deserialize  # not typed by safetensors


def read_safetensors(path: Path) -> dict[str, tuple[str, Any]]:
    """Every tensor as (dtype, raw array): "F32" float32, "F16" float16, "BF16" uint16 bits, others bytes.

    Raises:
      UserError: The file is damaged.
    """
    try:
        parts = DESERIALIZE(path.read_bytes())
    except SafetensorError as error:
        raise UserError(f"{path}: damaged or no safetensors file: {error}") from None
    stored = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}
    return {
        name: (
            part["dtype"],
            np.frombuffer(part["data"], stored[part["dtype"]]).reshape(part["shape"])
            if part["dtype"] in stored
            else part["data"],
        )
        for name, part in parts
    }


def read_torch(path: Path) -> dict[str, tuple[str, Any]]:
    """As `read_safetensors`; loads weights only, so that a file cannot run code.

    Raises:
      UserError: PyTorch is not installed, or the file is damaged or holds more than tensors.
    """
    try:
        import torch
    except ImportError:
        raise UserError(
            f"{path}: reading it needs PyTorch; pip install torch, or get the model's model.safetensors"
        ) from None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        first_line = next(iter(str(error).splitlines()), type(error).__name__)
        raise UserError(f"{path}: damaged, or holds more than tensors: {first_line}") from None
    if not isinstance(state, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in state.values()):
        raise UserError(f"{path}: is not a mapping of names to tensors")
    kinds = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}
    return {name: _from_torch(tensor, kinds) for name, tensor in state.items()}


def _from_torch(tensor: Any, kinds: Mapping[Any, str]) -> tuple[str, Any]:
    kind = kinds.get(tensor.dtype, str(tensor.dtype).removeprefix("torch."))
    if kind == "BF16":
        return kind, (tensor.float().numpy().view(np.uint32) >> 16).astype(np.uint16)
    return kind, tensor.numpy()


def float32(stored: Mapping[str, tuple[str, Any]], source: str) -> tuple[dict[str, Float32], Narrow]:
    """The tensors in float32, and which of them were stored in 16 bits.

    Raises:
      UserError: A tensor is neither float32, float16 nor bfloat16; float64 would lose digits.
    """
    other = sorted(f"{name} is {kind}" for name, (kind, _) in stored.items() if kind not in _WIDEN)
    if other:
        raise UserError(f"{source}: wanted float32, float16 or bfloat16: {', '.join(other)}")
    narrow = {name: kind for name, (kind, _) in stored.items() if kind != "F32"}
    return {name: _WIDEN[kind](array) for name, (kind, array) in stored.items()}, narrow


def write_safetensors(path: Path, tensors: Mapping[str, Float32]) -> None:
    """Raises OSError if the disk is full."""
    contiguous = {name: np.ascontiguousarray(tensors[name]) for name in sorted(tensors)}
    try:
        save_file(contiguous, path, metadata={"format": "pt"})  # Transformers refuses a file without it
    except SafetensorError as error:
        raise OSError(f"{path}: cannot write: {error}") from None


def _widen_bfloat16(bits: npt.NDArray[np.uint16]) -> Float32:
    """bfloat16 is the upper half of a float32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


_WIDEN = {
    "F32": lambda array: array.astype(np.float32, copy=False),
    "F16": lambda array: array.astype(np.float32),
    "BF16": _widen_bfloat16,
}
