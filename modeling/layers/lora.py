"""LoRA: matrices that stand still, and the low-rank updates of them that train (Hu et al., 2021)."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from centrabert.errors import UserError
from centrabert.modeling import scopes
from centrabert.modeling.branch import Branch
from centrabert.modeling.config import BertConfig

if TYPE_CHECKING:
    import tensorflow.compat.v1 as tf

    from centrabert.modeling.checkpoint import Tensors

# The matrices of a layer, by what `--lora_matrices` calls them.
MATRICES = {
    "query": "attention/self/query/kernel",
    "key": "attention/self/key/kernel",
    "value": "attention/self/value/kernel",
    "attention_output": "attention/output/dense/kernel",
    "intermediate": "intermediate/dense/kernel",
    "output": "output/dense/kernel",
}
A, B = "lora_a", "lora_b"
SEEDS = 1000  # between the seed of a run, near which are those of the head, and the first of a matrix A


@dataclass(frozen=True)
class LowRankUpdate:
    """Of a branch's own layers nothing trains but A and B of W + alpha / rank * A B; head and pooler do.

    A starts as BERT's matrices do and B at zero, so that training begins with the matrices as they are. At
    the end the update is added to them, and the branch is like any other.

    Attributes:
      rank: That of A [inputs, rank] and B [rank, outputs].
      matrices: Which of MATRICES have an update.

    Raises:
      UserError: A value is out of range.
    """

    rank: int
    alpha: float
    matrices: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise UserError(f"--lora_rank={self.rank} is below 1")
        if not 0 < self.alpha < math.inf:
            raise UserError(f"--lora_alpha={self.alpha} is not above 0")
        if unknown := [name for name in self.matrices if name not in MATRICES]:
            raise UserError(f"--lora_matrices: {unknown[0]!r} is none of {', '.join(MATRICES)}")
        if not self.matrices or len(set(self.matrices)) < len(self.matrices):
            raise UserError(
                f"--lora_matrices={','.join(self.matrices)}: name at least one matrix, and none twice"
            )

    @property
    def scale(self) -> float:
        return self.alpha / self.rank

    def check(self, branch: Branch, config: BertConfig) -> None:
        """Raises UserError where the branch has no such matrices, or none so wide."""
        task = f"task {branch.task.name}: --lora_rank={self.rank}"
        if branch.full_fine_tuning:
            raise UserError(
                f"{task} leaves the embeddings as they are, and full fine-tuning trains them; give "
                f"--fine_tuning_layers={config.num_hidden_layers}, or distil a teacher that has it"
            )
        if branch.adapter_size:
            raise UserError(f"{task} and --adapter_size={branch.adapter_size} exclude each other; give one")
        if not branch.tuned:
            raise UserError(f"{task}: a head alone has no layer to update; give --fine_tuning_layers above 0")
        width = min(min(shape) for shape in self._adapted(branch, config).values())
        if self.rank > width:
            raise UserError(f"{task} is above {width}, the width of the matrices that it updates")

    def shapes(self, branch: Branch, config: BertConfig) -> dict[str, scopes.Shape]:
        """Of every A and B."""
        return {
            name: shape
            for matrix, (inputs, outputs) in self._adapted(branch, config).items()
            for name, shape in zip(_parts(matrix), ((inputs, self.rank), (self.rank, outputs)), strict=True)
        }

    def merged(self, tensors: "Tensors") -> "Tensors":
        """Every matrix that has an update in `tensors`, with the update added; computed in float64."""
        merged = {}
        for name in tensors:
            if name.endswith(f"/{A}"):
                matrix = f"{name.removesuffix(A)}kernel"
                a, b = (tensors[part].astype(np.float64) for part in _parts(matrix))
                merged[matrix] = (tensors[matrix] + self.scale * (a @ b)).astype(np.float32)
        return merged

    def getter(self, branch: Branch, config: BertConfig, seed: int) -> Callable[..., Any]:
        """A custom getter of variable_scope: own layers stand still, and their matrices have an update.

        The variables of own layers are saved and have no gradient.
        """
        import tensorflow.compat.v1 as tf

        seeds = {name: seed + SEEDS + place for place, name in enumerate(self._adapted(branch, config))}

        def custom_getter(getter: Callable[..., "tf.Variable"], name: str, **arguments: Any) -> Any:
            layer = scopes.LAYER.fullmatch(name)
            if layer is None or int(layer[1]) < branch.frozen:
                return getter(name, **arguments)
            still = tf.stop_gradient(getter(name, **{**arguments, "trainable": False}))
            if name not in seeds:
                return still
            inputs, outputs = arguments["shape"]
            a_start = tf.truncated_normal_initializer(stddev=config.initializer_range, seed=seeds[name])
            a, b = (
                getter(part, **{**arguments, "shape": shape, "initializer": start})
                for part, shape, start in zip(
                    _parts(name),
                    ([inputs, self.rank], [self.rank, outputs]),
                    (a_start, tf.zeros_initializer()),
                    strict=True,
                )
            )
            return still + self.scale * tf.matmul(a, b)

        return custom_getter

    def _adapted(self, branch: Branch, config: BertConfig) -> dict[str, scopes.Shape]:
        """The matrices with an update."""
        wanted = tuple(f"/{MATRICES[name]}" for name in self.matrices)
        return {
            name: shape
            for layer in range(branch.frozen, branch.depth)
            for name, shape in scopes.layer_shapes(config, layer).items()
            if name.endswith(wanted)
        }


def _parts(matrix: str) -> tuple[str, str]:
    """The names of A and B."""
    scope = matrix.removesuffix("kernel")
    return f"{scope}{A}", f"{scope}{B}"
