"""How many CPU hours trainings should take, by their matrix products alone."""

from dataclasses import dataclass

from benchmarks.paper.methods import SMALL
from benchmarks.paper.schedule import WHOLE
from benchmarks.paper.training import JOINT, Training
from centrabert.modeling.config import BertConfig

FLOPS_A_SECOND = 6e10  # of one core, in float32
TRAINED = 3  # passes of a layer that trains: forward, and backward to its inputs and to its weights


@dataclass(frozen=True)
class Tokens:
    """Of a task, once over all rows; of a joint training's tasks together.

    Attributes:
      train: Of the rows trained on, those without a label among them.
    """

    train: int
    dev: int


def training_hours(training: Training, tokens: Tokens, config: BertConfig) -> float:
    """Training, evaluations, and the teachers' pass; frozen layers are computed once, and not counted."""
    own = training.student_layers or training.layers
    if training.row in JOINT:
        own = config.num_hidden_layers
    epochs = training.num_train_epochs
    evaluations = epochs if training.task in WHOLE or training.row in JOINT else 1
    passes = own * (TRAINED * epochs * tokens.train + evaluations * tokens.dev)
    if training.teacher:
        passes += training.teacher_seeds * training.teacher.layers * tokens.train
    return _hours(passes, config)


def smaller_bert_hours(tokens: int, config: BertConfig) -> float:
    """Making a smaller BERT from texts, in one epoch."""
    return _hours((config.num_hidden_layers + TRAINED * SMALL) * tokens, config)


def _hours(passes: float, config: BertConfig) -> float:
    """Of so many tokens through one layer."""
    of_layer = 2 * (4 * config.hidden_size**2 + 2 * config.hidden_size * config.intermediate_size)
    return passes * of_layer / FLOPS_A_SECOND / 3600
