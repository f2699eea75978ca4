"""Checkpoints as plain mappings from a variable's name to its array."""

import glob
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from centrabert.errors import UserError
from centrabert.modeling.files import flush
from centrabert.modeling.formats.git_lfs import check_file

if TYPE_CHECKING:
    import tensorflow as tf

LISTED = 8  # names of variables that a message spells out
Tensors = dict[str, npt.NDArray[np.float32]]
PART = re.compile(r"(.+)\.(index|meta|data-[0-9]{5}-of-[0-9]{5})")


def shapes(prefix: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes in the checkpoint `prefix`; raises UserError if there is none."""
    return {name: tuple(shape) for name, shape in _reader(prefix).get_variable_to_shape_map().items()}


def read(prefix: Path, names: Collection[str] | None = None) -> Tensors:
    """Reads the variables `names`, or all.

    Raises:
      UserError: No checkpoint at `prefix`, it is damaged, or it lacks one of `names`.
    """
    return dict(read_each(prefix, names))


def read_each(
    prefix: Path, names: Collection[str] | None = None
) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """As `read`, one variable after another, by name."""
    import tensorflow as tf  # which takes seconds, and what only compares names and shapes needs none

    reader = _reader(prefix)
    found = reader.get_variable_to_shape_map()
    wanted = found if names is None else names
    if missing := sorted(set(wanted) - found.keys()):
        raise UserError(f"{prefix}: lacks the variables {', '.join(missing)}")
    try:
        for name in sorted(wanted):
            yield name, reader.get_tensor(name)
    except (tf.errors.OpError, RuntimeError, IndexError) as error:  # IndexError: cut short
        _check_fetched(prefix)
        raise UserError(f"{prefix}: damaged checkpoint: {error}") from None


def restored(prefix: Path, sources: Mapping[str, str]) -> "dict[str, tf.Tensor]":
    """Tensors of the current graph, by the names in `sources`; a session reads them all in one operation.

    Args:
      sources: Name of a tensor -> the checkpoint's variable that it reads.

    Raises:
      UserError: No checkpoint at `prefix`, or it lacks one of the variables.
    """
    import tensorflow as tf

    found = shapes(prefix)
    if missing := sorted(set(sources.values()) - found.keys()):
        raise UserError(f"{prefix}: lacks the variables {', '.join(missing)}")
    if not sources:
        return {}
    tensors = tf.raw_ops.RestoreV2(
        prefix=str(prefix),
        tensor_names=list(sources.values()),
        shape_and_slices=[""] * len(sources),
        dtypes=[tf.float32] * len(sources),
    )
    for tensor, there in zip(tensors, sources.values(), strict=True):
        tensor.set_shape(found[there])
    return dict(zip(sources, tensors, strict=True))


def starting(tensors: "Mapping[str, tf.Tensor]") -> "Callable[..., tf.Variable]":
    """A custom getter of variable_scope: variables start as the tensor of their name, if there is one.

    Google's BERT calls tf.train.init_from_checkpoint instead, which adds eight operations for each variable.
    """

    def custom_getter(getter: "Callable[..., tf.Variable]", name: str, **arguments: Any) -> "tf.Variable":
        if name in tensors:
            arguments["initializer"] = lambda *shape, **dtype: tensors[name]
        return getter(name, **arguments)

    return custom_getter


def write(prefix: Path, tensors: Mapping[str, npt.NDArray[np.generic]]) -> None:
    """Writes `prefix`.index and `prefix`.data-00000-of-00001, readable by tf.train.Saver.

    Raises:
      OSError: The disk is full or the folder is not writable; no part of the checkpoint is left.
    """
    import tensorflow as tf

    names = sorted(tensors)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        feeds = {name: tf.compat.v1.placeholder(tensors[name].dtype, tensors[name].shape) for name in names}
        save = tf.raw_ops.SaveV2(
            prefix=str(prefix),
            tensor_names=names,
            shape_and_slices=[""] * len(names),
            tensors=[feeds[name] for name in names],
        )
        try:
            session.run(save, {feeds[name]: tensors[name] for name in names})
        except tf.errors.OpError as error:
            for part in prefix.parent.glob(f"{glob.escape(prefix.name)}.*"):  # with the dot: x-1 is not x-10
                part.unlink()
            raise OSError(f"{prefix}: cannot write the checkpoint: {reason(error)}") from None
    for part in prefix.parent.glob(f"{glob.escape(prefix.name)}.*"):
        flush(part)


def match(
    expected: Mapping[str, tuple[int, ...]],
    found: Mapping[str, tuple[int, ...]],
    source: str,
    dropped: Collection[str] = (),
) -> None:
    """Checks that `found` holds exactly `expected`, besides the names in `dropped`.

    Raises:
      UserError: In one line, what is missing, unknown or of another shape: the first names, how many more.
    """
    missing = sorted(expected.keys() - found.keys())
    unknown = sorted(found.keys() - expected.keys() - set(dropped))
    differing = [
        f"{name} is {list(found[name])}, wanted {list(expected[name])}"
        for name in sorted(expected.keys() & found.keys())
        if found[name] != expected[name]
    ]
    problems = {"missing": missing, "unknown": unknown, "other shape": differing}
    if any(problems.values()):
        listed = "; ".join(f"{what}: {_listed(names)}" for what, names in problems.items() if names)
        raise UserError(f"{source}: does not fit: {listed}")


def _listed(names: list[str]) -> str:
    """The first names; of a BERT of another depth hundreds differ."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"{', '.join(names[:LISTED])}{more}"


def check_prefix(prefix: Path) -> None:
    """Raises UserError, which names the prefix to give, if `prefix` is one of the files of a checkpoint."""
    if (part := PART.fullmatch(prefix.name)) and prefix.is_file():
        raise UserError(
            f"{prefix}: is one of the files of a checkpoint; name the checkpoint by what they begin with: "
            f"{prefix.with_name(part[1])}"
        )


def reason(error: "tf.errors.OpError") -> str:
    """What the system said, without the stack and the names of nodes that TensorFlow puts around it."""
    lines = [line for line in error.message.splitlines() if line.strip()]
    told = [line for line in lines if "[[{{" not in line and not line.startswith("Hint: ")]
    return told[-1] if told else type(error).__name__


def _reader(prefix: Path) -> "tf.train.CheckpointReader":
    import tensorflow as tf

    check_prefix(prefix)
    try:
        return tf.train.load_checkpoint(str(prefix))
    except (tf.errors.OpError, ValueError, RuntimeError):
        _check_fetched(prefix)
        raise UserError(
            f"{prefix}: no readable checkpoint (wanted {prefix.name}.index and its data files)"
        ) from None


def _check_fetched(prefix: Path) -> None:
    """Raises UserError if one of the checkpoint's files is a Git LFS pointer."""
    for file in sorted(prefix.parent.glob(f"{glob.escape(prefix.name)}.*")):
        check_file(file)
