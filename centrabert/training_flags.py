"""The flags that run_classifier and run_distill share, named as in run_classifier.py of BERT."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from centrabert.errors import UserError
from centrabert.modeling.training.hyperparameters import Hyperparameters

if TYPE_CHECKING:
    from centrabert.modeling.training.trunk_cache import ActivationCache  # imports TensorFlow

HELP = {
    "learning_rate": "The highest learning rate of the schedule. Small encoders want 5e-5 to 3e-4.",
    "train_batch_size": "Rows in a training batch.",
    "eval_batch_size": "Rows in a batch of evaluation or prediction.",
    "num_train_epochs": "Passes over the training rows.",
    "warmup_proportion": "Share of all steps in which the learning rate rises from 0.",
    "save_checkpoints_steps": "Steps between checkpoints, each judged on dev; 0: once an epoch.",
    "early_stopping_patience": "Stop after so many judgements without a better one; 0: never.",
    "seed": "Seed of the new head, the order of rows and dropout.",
}


def define_bert(flag_values: flags.FlagValues) -> None:
    """--bert_dir, or the three files one by one."""
    flags.DEFINE_string(
        "bert_dir",
        None,
        "Folder with bert_config.json, vocab.txt and bert_model.ckpt.",
        flag_values=flag_values,
    )
    flags.DEFINE_string(
        "bert_config_file", None, "bert_config.json, if not in --bert_dir.", flag_values=flag_values
    )
    flags.DEFINE_string("vocab_file", None, "vocab.txt, if not in --bert_dir.", flag_values=flag_values)
    flags.DEFINE_string(
        "init_checkpoint",
        None,
        "Prefix of the pretrained checkpoint (bert_model.ckpt), if not in --bert_dir.",
        flag_values=flag_values,
    )


@dataclass(frozen=True)
class ActivationSettings:
    """What the flags say of keeping the frozen layers' outputs; told and checked without TensorFlow.

    Attributes:
      gigabytes: Disk space for them; 0 keeps none.
      dtype: "float32" or "float16".
    """

    folder: Path
    gigabytes: float
    dtype: str

    def __post_init__(self) -> None:
        if not self.gigabytes and self.dtype != "float32":
            raise UserError(
                "--activation_dtype is for what is kept, and --activation_cache_gb=0 keeps nothing"
            )

    @property
    def arguments(self) -> tuple[str, ...]:
        """The flags, for another process, wherever it runs."""
        return (
            f"--activation_cache_dir={self.folder.resolve()}",
            f"--activation_cache_gb={self.gigabytes}",
            f"--activation_dtype={self.dtype}",
        )

    def cache(self) -> "ActivationCache | None":
        """Where they are kept; None keeps none."""
        from centrabert.modeling.training.trunk_cache import ActivationCache

        if not self.gigabytes:
            return None
        return ActivationCache(self.folder, int(self.gigabytes * 1e9), self.dtype)


def define_activation_cache(
    flag_values: flags.FlagValues, default_dir: str = "in --output_dir, until training ends"
) -> None:
    """Where the frozen layers' outputs are kept, how many of them, and how exactly."""
    flags.DEFINE_float(
        "activation_cache_gb",
        4.0,
        "Disk space for the frozen layers' outputs, computed once and read at every epoch. Without room, or "
        "for 0, the frozen layers are computed at every step; the result is the same bit for bit.",
        lower_bound=0,
        flag_values=flag_values,
    )
    flags.DEFINE_enum(
        "activation_dtype",
        "float32",
        ["float32", "float16"],
        "Precision of what is kept; float16 takes half the space and is not the same bit for bit.",
        flag_values=flag_values,
    )
    flags.DEFINE_string(
        "activation_cache_dir",
        None,
        f"Folder that keeps them for other runs. Default: {default_dir}.",
        flag_values=flag_values,
    )


def activation_settings(flag_values: flags.FlagValues, default_dir: Path | None = None) -> ActivationSettings:
    """What the flags say; raises UserError for a precision of what is not kept."""
    default_dir = default_dir or Path(flag_values.output_dir, "training", "activations")
    folder = flag_values.activation_cache_dir or default_dir
    return ActivationSettings(Path(folder), flag_values.activation_cache_gb, flag_values.activation_dtype)


def define_hyperparameters(flag_values: flags.FlagValues) -> None:
    """One flag for each field of Hyperparameters, with its default."""
    defaults = Hyperparameters()
    for field in fields(Hyperparameters):
        default = getattr(defaults, field.name)
        define = flags.DEFINE_integer if isinstance(default, int) else flags.DEFINE_float
        define(field.name, default, HELP[field.name], flag_values=flag_values)


def hyperparameters(flag_values: flags.FlagValues) -> Hyperparameters:
    """What the flags say; raises UserError for a value out of range."""
    return Hyperparameters(**{field.name: flag_values[field.name].value for field in fields(Hyperparameters)})


def bert_files(flag_values: flags.FlagValues) -> tuple[Path, Path, Path]:
    """(config file, vocabulary, checkpoint prefix); raises UserError for one that no flag names."""
    usual = {
        "bert_config_file": "bert_config.json",
        "vocab_file": "vocab.txt",
        "init_checkpoint": "bert_model.ckpt",
    }
    folder = flag_values.bert_dir
    files = {flag: flag_values[flag].value or (folder and Path(folder, name)) for flag, name in usual.items()}
    if absent := [f"--{flag}" for flag, file in files.items() if not file]:
        raise UserError(f"{', '.join(absent)} missing; give --bert_dir or all three files")
    config_file, vocab_file, checkpoint = map(Path, files.values())
    return config_file, vocab_file, checkpoint
