"""Checkpoints joined to one without copying a weight: each keeps its data file, only the index is new."""

import errno
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from absl import logging

from centrabert.modeling import checkpoint

DATA, INDEX = ".data-00000-of-00001", ".index"
# What a file system says that cannot link: another disk, no hard links, too many of them, not permitted.
NO_LINKS = frozenset([errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EACCES, errno.ENOSYS])


@dataclass(frozen=True)
class Shard:
    """A checkpoint of one data file.

    Attributes:
      data: The file with the weights.
      index: What they are called and where they lie in `data`.
    """

    data: Path
    index: Path

    @classmethod
    def of(cls, prefix: Path) -> "Shard":
        """The checkpoint that is called `prefix`."""
        return cls(
            prefix.with_name(f"{prefix.name}{DATA}"),
            prefix.with_name(f"{prefix.name}{INDEX}"),
        )

    def check(self) -> None:
        """Raises UserError that names it if the index cannot be read, to its last byte."""
        checkpoint.shapes(self.index.with_suffix(""))


def join(shards: Sequence[Shard], prefix: Path) -> None:
    """Writes `prefix`.index and one data file for each shard, which is a hard link where there can be one.

    Args:
      shards: Together they name no variable twice.
      prefix: Its folder must be there.

    Raises:
      UserError: An index is damaged.
      OSError: The disk is full or the folder is not writable.
    """
    import tensorflow.compat.v1 as tf  # which takes seconds, and a link needs none

    parts = prefix.parent / f".{prefix.name}.parts"
    parts.mkdir()
    try:
        for number, shard in enumerate(shards):
            link(shard.data, parts / f"{number}{DATA}")
            shutil.copyfile(shard.index, parts / f"{number}{INDEX}")
        with tf.Graph().as_default(), tf.Session() as session:
            prefixes = [str(parts / str(number)) for number in range(len(shards))]
            merge = tf.raw_ops.MergeV2Checkpoints(
                checkpoint_prefixes=prefixes, destination_prefix=str(prefix), delete_old_dirs=False
            )
            session.run(merge)
    except tf.errors.OpError as error:
        for shard in shards:
            shard.check()
        raise OSError(f"{prefix}: cannot join the checkpoints: {checkpoint.reason(error)}") from None
    finally:
        shutil.rmtree(parts, ignore_errors=True)


def link(source: Path, target: Path) -> None:
    """Makes `target` a hard link of `source`; where there can be none, a copy, which is said once."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        logging.log_first_n(
            logging.WARNING, "%s: copied, for no hard link leads there: %s", 1, target.parent, error.strerror
        )
        shutil.copyfile(source, target)
