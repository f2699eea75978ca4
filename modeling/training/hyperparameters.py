"""How a branch is trained, in BERT's own terms."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from centrabert.errors import UserError
from centrabert.modeling.formats.dataclass_json import keys_of
from centrabert.modeling.layers.lora import LowRankUpdate

BALANCED = "balanced"  # a label weighs the more, the rarer it is
# Of the updates that Hu et al. (2021) fine-tune with on GLUE: alpha, and the matrices that have one.
LORA_ALPHA, LORA_MATRICES = 8.0, ("query", "value")
MAX_SEED = 2**31  # TensorFlow's seeds are 32 bits


@dataclass(frozen=True)
class Hyperparameters:
    """BERT's flags for training, with its defaults (run_classifier.py of BERT).

    Attributes:
      num_train_epochs: Passes over the training rows; may be fractional, as in BERT.
      warmup_proportion: Share of all steps in which the learning rate rises.
      save_checkpoints_steps: Steps between two checkpoints, each of which is evaluated on dev; 0 is once an
        epoch, so that a small task is evaluated more than once.
      early_stopping_patience: Stop after this many evaluations without a better one; 0 never stops.
      class_weights: "label:weight" of every label, or BALANCED alone; () weighs none. See `LabelTargets`.
      label_smoothing: The share of a label's probability that all labels get alike.
      bias_correction: Whether Adam's moments are corrected for having started at 0; BERT does not.
      bfloat16: Whether layers that train multiply matrices in bfloat16.
      lora_rank, lora_alpha, lora_matrices: See `LowRankUpdate`; a rank of 0 trains the own layers themselves.
    """

    LEFT_OUT: ClassVar = frozenset(
        {
            *("class_weights", "label_smoothing", "bias_correction", "bfloat16"),
            *("lora_rank", "lora_alpha", "lora_matrices"),
        }
    )

    learning_rate: float = 5e-5
    train_batch_size: int = 32
    eval_batch_size: int = 32
    num_train_epochs: float = 3.0
    warmup_proportion: float = 0.1
    save_checkpoints_steps: int = 0
    early_stopping_patience: int = 0
    seed: int = 0
    class_weights: tuple[str, ...] = ()
    label_smoothing: float = 0.0
    bias_correction: bool = False
    bfloat16: bool = False
    lora_rank: int = 0
    lora_alpha: float = LORA_ALPHA
    lora_matrices: tuple[str, ...] = LORA_MATRICES

    def __post_init__(self) -> None:
        for name in ("learning_rate", "train_batch_size", "eval_batch_size", "num_train_epochs"):
            if not getattr(self, name) > 0:
                raise UserError(f"--{name}={getattr(self, name)} is not above 0")
            if math.isinf(getattr(self, name)):
                raise UserError(f"--{name}={getattr(self, name)} is not a finite number")
        for name in ("save_checkpoints_steps", "early_stopping_patience", "seed", "lora_rank"):
            if getattr(self, name) < 0:
                raise UserError(f"--{name}={getattr(self, name)} is below 0")
        if self.seed >= MAX_SEED:
            raise UserError(f"--seed={self.seed} is not below {MAX_SEED}")
        if not 0 <= self.warmup_proportion < 1:
            raise UserError(f"--warmup_proportion={self.warmup_proportion} is not in [0, 1)")
        if not 0 <= self.label_smoothing < 1:
            raise UserError(f"--label_smoothing={self.label_smoothing} is not in [0, 1)")
        if self.class_weights != (BALANCED,):
            _ = self.weights
        if self.lora is None and (self.lora_alpha, self.lora_matrices) != (LORA_ALPHA, LORA_MATRICES):
            raise UserError("--lora_alpha and --lora_matrices change nothing without --lora_rank")

    @property
    def lora(self) -> LowRankUpdate | None:
        """What trains of the own layers' matrices; None for all of them."""
        if not self.lora_rank:
            return None
        return LowRankUpdate(self.lora_rank, self.lora_alpha, self.lora_matrices)

    @property
    def weights(self) -> dict[str, float]:
        """The weights by label, as they are given; raises UserError for what is none."""
        found: dict[str, float] = {}
        for text in self.class_weights:
            label, _, number = text.rpartition(":")
            try:
                weight = float(number)
            except ValueError:
                weight = math.nan
            if not label or label in found or not 0 < weight < math.inf:
                raise UserError(
                    f"--class_weights: {text!r} is no label with a weight above 0, as in bad:2,good:1; "
                    f"or write {BALANCED}"
                )
            found[label] = weight
        return found

    def weights_of(self, labels: Sequence[str]) -> tuple[float, ...]:
        """The given weights in the order of the labels; raises UserError unless each label has one."""
        given = self.weights
        for label in [*given, *labels]:
            if label not in labels or label not in given:
                problem = "has no weight" if label in labels else "is no label of the task"
                raise UserError(f"--class_weights: {label!r} {problem}; give one for each label")
        return tuple(given[label] for label in labels)

    def steps_per_epoch(self, rows: int) -> int:
        return -(-rows // self.train_batch_size)

    def num_train_steps(self, rows: int) -> int:
        return max(1, round(self.num_train_epochs * self.steps_per_epoch(rows)))

    def num_warmup_steps(self, rows: int) -> int:
        return int(self.num_train_steps(rows) * self.warmup_proportion)

    def evaluation_interval(self, rows: int) -> int:
        """Steps between two checkpoints, and so between two evaluations."""
        return self.save_checkpoints_steps or self.steps_per_epoch(rows)

    def to_json(self) -> dict[str, Any]:
        """Without class weights, smoothing and LoRA where they are off, as before there were any."""
        keys = keys_of(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in keys.items()}
