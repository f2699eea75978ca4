"""How a branch is trained, in BERT's own terms."""

from dataclasses import asdict, dataclass
from typing import Any

from centrabert.errors import UserError

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
    """

    learning_rate: float = 5e-5
    train_batch_size: int = 32
    eval_batch_size: int = 32
    num_train_epochs: float = 3.0
    warmup_proportion: float = 0.1
    save_checkpoints_steps: int = 0
    early_stopping_patience: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("learning_rate", "train_batch_size", "eval_batch_size", "num_train_epochs"):
            if not getattr(self, name) > 0:
                raise UserError(f"--{name}={getattr(self, name)} is not above 0")
        for name in ("save_checkpoints_steps", "early_stopping_patience", "seed"):
            if getattr(self, name) < 0:
                raise UserError(f"--{name}={getattr(self, name)} is below 0")
        if self.seed >= MAX_SEED:
            raise UserError(f"--seed={self.seed} is not below {MAX_SEED}")
        if not 0 <= self.warmup_proportion < 1:
            raise UserError(f"--warmup_proportion={self.warmup_proportion} is not in [0, 1)")

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
        return asdict(self)
