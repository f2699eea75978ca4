"""The flags that several scripts share, named as in run_classifier.py of BERT."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from centrabert.errors import UserError
from centrabert.flag_fields import define, flag, read

if TYPE_CHECKING:
    from centrabert.modeling.training.trunk_cache import ActivationCache  # imports TensorFlow

# Of the fields of Hyperparameters.
HYPERPARAMETERS = {
    "learning_rate": "The highest learning rate of the schedule. Small encoders want 5e-5 to 3e-4.",
    "train_batch_size": "Rows in a training batch.",
    "eval_batch_size": "Rows in a batch of evaluation or prediction.",
    "num_train_epochs": "Passes over the training rows.",
    "warmup_proportion": "Share of all steps in which the learning rate rises from 0.",
    "save_checkpoints_steps": "Steps between checkpoints, each judged on dev; 0: once an epoch.",
    "early_stopping_patience": "Stop after so many judgements without a better one; 0: never.",
    "seed": "Seed of the new head, the order of rows and dropout.",
}
BERT_FILES = {
    "bert_config_file": "bert_config.json",
    "vocab_file": "vocab.txt",
    "init_checkpoint": "bert_model.ckpt",
}


@dataclass(frozen=True, kw_only=True)
class BertFlags:
    """A pretrained BERT: its folder, or its three files one by one."""

    bert_dir: Path | None = flag("Folder with bert_config.json, vocab.txt and bert_model.ckpt.", None)
    bert_config_file: Path | None = flag("bert_config.json, if not in --bert_dir.", None)
    vocab_file: Path | None = flag("vocab.txt, if not in --bert_dir.", None)
    init_checkpoint: Path | None = flag(
        "Prefix of the pretrained checkpoint (bert_model.ckpt), if not in --bert_dir.", None
    )

    def __post_init__(self) -> None:
        absent = [f"--{name}" for name in BERT_FILES if not getattr(self, name)]
        if absent and not self.bert_dir:
            raise UserError(f"{', '.join(absent)} missing; give --bert_dir or all three files")

    @property
    def files(self) -> tuple[Path, Path, Path]:
        """Config file, vocabulary and checkpoint prefix."""
        config_file, vocab_file, checkpoint = (
            getattr(self, flag_name) or Path(self.bert_dir or "", usual)
            for flag_name, usual in BERT_FILES.items()
        )
        return config_file, vocab_file, checkpoint


@dataclass(frozen=True, kw_only=True)
class ActivationSettings:
    """How the frozen layers' outputs are kept; told and checked without TensorFlow."""

    activation_cache_gb: float = flag(
        "Disk space for the frozen layers' outputs, computed once and read at every epoch. Without room, or "
        "for 0, the frozen layers are computed at every step; the result is the same bit for bit.",
        4.0,
        lower_bound=0,
    )
    activation_dtype: str = flag(
        "Precision of what is kept; float16 takes half the space and is not the same bit for bit.",
        "float32",
        choices=("float32", "float16"),
    )
    activation_cache_dir: Path | None = flag(
        "Folder that keeps them for other runs. Default: in --output_dir, until training ends.", None
    )

    def __post_init__(self) -> None:
        if not self.activation_cache_gb and self.activation_dtype != "float32":
            raise UserError(
                "--activation_dtype is for what is kept, and --activation_cache_gb=0 keeps nothing"
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

    def cache(self) -> "ActivationCache | None":
        """Where they are kept; None keeps none."""
        from centrabert.modeling.training.trunk_cache import ActivationCache

        if not self.activation_cache_gb:
            return None
        return ActivationCache(self.folder, int(self.activation_cache_gb * 1e9), self.activation_dtype)


def define_activation_cache(flag_values: flags.FlagValues, default_dir: str) -> None:
    """The flags of ActivationSettings among those of a script that defines its own one by one."""
    text = f"Folder that keeps them for other runs. Default: {default_dir}."
    define(ActivationSettings, flag_values, {"activation_cache_dir": text})


def activation_settings(flag_values: flags.FlagValues, default_dir: Path) -> ActivationSettings:
    """What those flags say; raises UserError for a precision of what is not kept."""
    return read(ActivationSettings, flag_values).kept_in(default_dir)
