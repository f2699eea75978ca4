"""How much memory a server of the exported model needs: its weights, and the batches it computes."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from centrabert.errors import UserError
from centrabert.export.contract.version_folder import EXTRA
from centrabert.merge.manifest import Manifest
from centrabert.merge.merged_folder import read_manifest

MEBIBYTE = 2**20
PROCESS_BYTES = 512 * MEBIBYTE  # TensorFlow's libraries (334 MiB), graphs, the allocator's slack; measured
BATCH_ROWS = 32  # a batch that a core computes as fast, row by row, as any larger one
FLOAT_BYTES = 4
PARALLEL_BRANCHES = 2  # branches whose layers are computed at the same time
VARIABLES = "variables"  # TensorFlow's name


def server_memory(weights: Sequence[int], batch: int, batches: int) -> int:
    """Mebibytes, rounded up: with one version, twice its weights, for the next one is loaded beside it.

    Args:
      weights: Bytes of the weights of every version served at the same time; the largest counts twice.
      batch: Bytes of a batch, as `batch_bytes` says.
      batches: Computed at a time.

    Raises:
      UserError: No version is served.
    """
    if not weights:
        raise UserError("no version to serve")
    return -(-(PROCESS_BYTES + sum(weights) + max(weights) + batch * batches) // MEBIBYTE)


def affordable_batches(versions: Sequence[Path], rows: int, memory: int) -> int:
    """How many batches a server can compute at a time within so many bytes of memory, at least one.

    Args:
      versions: Folders of the versions that are served; one that cannot be read counts for nothing.
      rows: Of a batch.
    """
    batch, weights = 0, [0]
    for version in versions:
        with suppress(UserError, OSError):
            batch = max(batch, batch_bytes(read_manifest(version / EXTRA), rows))
            weights.append(weight_bytes(version))
    free = memory - PROCESS_BYTES - sum(weights) - max(weights)
    return max(1, free // max(batch, 1))


def batch_bytes(manifest: Manifest, rows: int = BATCH_ROWS) -> int:
    """What the largest batch holds while its layers are computed, from above.

    Measured on BERT base with eight tasks, batches of 32 rows: four at a time of 128 word pieces 1.2 GiB,
    where this says 1.6; one of 512 word pieces 2.4 GiB, where this says 2.8.
    """
    config, length = manifest.config, manifest.max_seq_length
    layer = (
        4 * config.hidden_size  # input, query, key, value
        + 2 * config.num_attention_heads * length  # attention scores, before and after the softmax
        + 2 * config.intermediate_size  # before and after the activation
    )
    return FLOAT_BYTES * rows * length * layer * PARALLEL_BRANCHES


def weight_bytes(version: Path) -> int:
    """Bytes of the weights in a version folder."""
    return sum(file.stat().st_size for file in (version / VARIABLES).glob("*"))
