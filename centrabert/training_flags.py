"""The flags that several scripts share, named as in run_classifier.py of BERT."""

import re
from dataclasses import dataclass, make_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from centrabert.distill.methods.method import DistillationMethod
from centrabert.distill.methods.registry import DEFAULT, METHODS, find_method, settings
from centrabert.errors import UserError
from centrabert.flag_fields import define, flag, read
from centrabert.modeling.tokenization.vocabulary import vocabulary_file

if TYPE_CHECKING:
    from centrabert.modeling.training.trunk_cache import TrunkCache  # imports TensorFlow

# Of the fields of Hyperparameters.
HYPERPARAMETERS = {
    "learning_rate": "Peak learning rate, reached after the warm-up; then it falls linearly to 0. Usual are "
    "2e-5 to 5e-5 for BERT-base and 5e-5 to 3e-4 for smaller encoders.",
    "train_batch_size": "Number of rows in a training batch.",
    "eval_batch_size": "Number of rows in a batch during evaluation and prediction.",
    "num_train_epochs": "Number of passes over the training rows; fractions are allowed.",
    "warmup_proportion": "Fraction of training steps in which the learning rate rises from 0 to its peak.",
    "save_checkpoints_steps": "Number of steps between two checkpoints. Each is evaluated on dev, and the "
    "best one is kept. 0 means once per epoch.",
    "early_stopping_patience": "Stop training after this many evaluations in a row without a better "
    "result. 0 means never.",
    "seed": "Random seed of the new head, the order of the rows, and dropout.",
    "class_weights": "Weight of each label in the loss, as in bad:2,good:1; or balanced, which gives "
    "labels that are rare in the training rows more weight. In a multi-label task the labels that a row has "
    "are weighted. By default all labels weigh the same, or what --task_config says.",
    "label_smoothing": "Fraction of the probability that is taken from the true label and spread evenly over "
    "all labels in training. 0 turns it off, or uses what --task_config says.",
    "bias_correction": "Correct the bias of Adam's moments, which start at 0. BERT does not, so its first "
    "steps are up to six times as large. With few training rows, or a learning rate of 1e-4 and more, the "
    "correction can keep the model from collapsing to a single answer.",
    "bfloat16": "Multiply matrices in bfloat16 in the layers that are trained; weights, evaluation and the "
    "exported model stay float32. On a processor with AMX training is faster, on any other it can be several "
    "times slower.",
    "lora_rank": "LoRA: the rank of the updates of the own layers' matrices. The updates are trained "
    "instead of the matrices and added to them at the end; the head and its pooler are trained too. LoRA "
    "needs a larger learning rate. With 0 the layers themselves are trained.",
    "lora_alpha": "LoRA: the update is scaled by --lora_alpha / --lora_rank.",
    "lora_matrices": "LoRA: which matrices of a layer have an update: query, key, value, attention_output, "
    "intermediate and output, separated by commas.",
}
CHECKPOINTS = ("bert_model.ckpt", "model.ckpt")  # of a BERT folder, and of a branch
CHECKPOINT_FILE = re.compile(r"\.(index|meta|data-\d{5}-of-\d{5})$")
BERT_FILES = ("bert_config_file", "vocab_file", "init_checkpoint")


@dataclass(frozen=True, kw_only=True)
class BertFlags:
    """A pretrained BERT: its folder, or its three files one by one."""

    bert_dir: Path | None = flag(
        "Folder of the pretrained BERT: bert_config.json, vocab.txt or a SentencePiece model, and "
        "bert_model.ckpt.",
        None,
    )
    bert_config_file: Path | None = flag("Path of bert_config.json, if it is not in --bert_dir.", None)
    vocab_file: Path | None = flag(
        "Path of vocab.txt, if it is not in --bert_dir, or of a SentencePiece model, which ends in .model.",
        None,
    )
    init_checkpoint: Path | None = flag(
        "Path prefix of the pretrained checkpoint (.../bert_model.ckpt), if it is not in --bert_dir.", None
    )

    def __post_init__(self) -> None:
        absent = [f"--{name}" for name in BERT_FILES if not getattr(self, name)]
        if absent and not self.bert_dir:
            raise UserError(f"{', '.join(absent)} missing; give --bert_dir, or all three files")

    @property
    def files(self) -> tuple[Path, Path, Path]:
        """Config file, vocabulary and checkpoint prefix.

        Raises:
          UserError: --init_checkpoint names one of the checkpoint's files, or a folder without any; or
            --bert_dir has a checkpoint under another name alone.
        """
        folder = Path(self.bert_dir or "")
        return (
            self.bert_config_file or folder / "bert_config.json",
            self.vocab_file or vocabulary_file(folder),
            _prefix(self.init_checkpoint) if self.init_checkpoint else _usual_prefix(folder),
        )


def _prefix(checkpoint: Path) -> Path:
    """The prefix of a checkpoint; of the one in a folder, as BERT takes its own --output_dir."""
    if checkpoint.is_dir():
        for name in CHECKPOINTS:
            if Path(checkpoint, f"{name}.index").exists():
                return checkpoint / name
        raise UserError(
            f"--init_checkpoint={checkpoint}: is a folder without {' or '.join(CHECKPOINTS)}.index"
            f"{_others(checkpoint)}"
        )
    if suffix := CHECKPOINT_FILE.search(checkpoint.name):
        prefix = checkpoint.with_name(checkpoint.name.removesuffix(suffix[0]))
        raise UserError(
            f"--init_checkpoint={checkpoint}: is one file of a checkpoint; give its prefix, {prefix}"
        )
    return checkpoint


def _usual_prefix(bert_dir: Path) -> Path:
    """The checkpoint of a BERT folder; that it is there is checked when it is read."""
    prefix = bert_dir / CHECKPOINTS[0]
    if not Path(f"{prefix}.index").exists() and (others := _others(bert_dir)):
        raise UserError(f"--bert_dir={bert_dir}: is a folder without {prefix.name}.index{others}")
    return prefix


def _others(folder: Path) -> str:
    """How to name the checkpoints that are in a folder; "" if there are none."""
    prefixes = [f"--init_checkpoint={file.with_suffix('')}" for file in sorted(folder.glob("*.index"))]
    return f"; give {' or '.join(prefixes)}" if prefixes else ""


@dataclass(frozen=True, kw_only=True)
class TpuFlags:
    """BERT's flags for a TPU, so that its command lines can be used as they are; there is none here."""

    use_tpu: bool = flag("Must be false: there is no TPU here. BERT's other TPU flags change nothing.", False)
    tpu_name: str | None = flag("Changes nothing; BERT's name of a TPU.", None)
    tpu_zone: str | None = flag("Changes nothing; BERT's zone of a TPU.", None)
    gcp_project: str | None = flag("Changes nothing; BERT's cloud project of a TPU.", None)
    master: str | None = flag("Changes nothing; BERT's address of a TensorFlow master.", None)
    num_tpu_cores: int = flag("Changes nothing; BERT's number of TPU cores.", 8)
    iterations_per_loop: int = flag("Changes nothing; BERT's number of steps in each call of a TPU.", 1000)

    def __post_init__(self) -> None:
        if self.use_tpu:
            raise UserError(
                "--use_tpu=true: CentraBERT trains on CPUs and GPUs alone; leave the flag out, or give "
                "--use_tpu=false"
            )


@dataclass(frozen=True, kw_only=True)
class ActivationSettings:
    """How the frozen layers' outputs are kept; told and checked without TensorFlow."""

    activation_cache_gb: float = flag(
        "Gigabytes of disk space for the cache of the frozen layers' outputs, which are computed once and "
        "read in every epoch. If they do not fit, or with 0, the frozen layers are computed again in every "
        "step; the trained model is the same, bit for bit.",
        4.0,
        lower_bound=0,
    )
    activation_dtype: str = flag(
        "Precision of the cached outputs. float16 takes half the space, but rounds: the trained model is no "
        "longer the same, bit for bit.",
        "float32",
        choices=("float32", "float16"),
    )
    activation_cache_dir: Path | None = flag(
        "Folder of the cache, which other runs can read too. By default it is a folder in --output_dir "
        "that is removed when training ends.",
        None,
    )

    def __post_init__(self) -> None:
        if not self.activation_cache_gb and self.activation_dtype != "float32":
            raise UserError(
                f"--activation_dtype={self.activation_dtype} needs a cache; --activation_cache_gb=0 has none"
            )

    def kept_in(self, default_dir: Path) -> "ActivationSettings":
        """The settings with `default_dir` for the folder, unless the flag names one."""
        return replace(self, activation_cache_dir=self.activation_cache_dir or default_dir)

    def kept_beside(self, output_dir: Path) -> "ActivationSettings":
        """As `kept_in`, in the folder of a single run, which removes it when its training ends."""
        return self.kept_in(output_dir / "training" / "activations")

    @property
    def folder(self) -> Path:
        if self.activation_cache_dir is None:
            raise ValueError("kept_in() says where")
        return self.activation_cache_dir

    @property
    def arguments(self) -> tuple[str, ...]:
        """The flags, for another process, wherever it runs."""
        return (
            f"--activation_cache_dir={self.folder.resolve()}",
            f"--activation_cache_gb={self.activation_cache_gb}",
            f"--activation_dtype={self.activation_dtype}",
        )

    def cache(self) -> "TrunkCache | None":
        """Where they are kept; None keeps none."""
        from centrabert.modeling.training.trunk_cache import TrunkCache

        if not self.activation_cache_gb:
            return None
        return TrunkCache(self.folder, int(self.activation_cache_gb * 1e9), self.activation_dtype)


_METHOD_FLAGS = make_dataclass(
    "MethodFlags",
    [
        ("method", str, flag("Method of distillation.", DEFAULT, choices=tuple(METHODS))),
        *((each.name, each.of_type | None, flag(each.help_text, None)) for each in settings()),
    ],
    frozen=True,
    kw_only=True,
)


def define_method(flag_values: flags.FlagValues) -> None:
    """Adds --method and the settings of all methods; a setting of several methods is one flag."""
    define(_METHOD_FLAGS, flag_values)


def read_method(flag_values: flags.FlagValues) -> DistillationMethod:
    """The method that the flags ask for; raises UserError as `find_method`."""
    given: dict[str, Any] = vars(read(_METHOD_FLAGS, flag_values)).copy()
    return find_method(given.pop("method"), given)
