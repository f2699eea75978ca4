"""How much memory a server of the exported model needs: its weights, and the batches it computes."""

from collections.abc import Sequence

from centrabert.errors import UserError
from centrabert.export.deploy.serving_config import ROWS
from centrabert.merge.manifest import Manifest

MEBIBYTE = 2**20
PROCESS = 512 * MEBIBYTE  # TensorFlow's libraries (334 MiB), graphs and the allocator's slack, measured
FLOAT = 4  # bytes
SIDE_BY_SIDE = 2  # branches, whose layers are at work at the same time


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
    return -(-(PROCESS + sum(weights) + max(weights) + batch * batches) // MEBIBYTE)


def batch_bytes(manifest: Manifest) -> int:
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
    return FLOAT * ROWS * length * layer * SIDE_BY_SIDE
