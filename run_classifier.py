"""Fine-tunes the top layers of a BERT on one task, evaluates the result, and predicts the test set.

The flags are those of run_classifier.py of google-research/bert, whose command lines run unchanged, and
--fine_tuning_layers. The task is one of GLUE's, or one of your own: in a folder of files with the columns
text and label, by flags, or in a YAML file. The script writes a branch folder (branch.json, model.ckpt.*,
golden.json), eval_results.json, predictions (a file as GLUE takes it, or predictions.tsv and
test_results.json), and BERT's eval_results.txt and test_results.tsv. If it was interrupted, run the same
command again to resume.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from absl import logging

from centrabert import command
from centrabert.errors import UserError
from centrabert.flag_fields import define, flag, flag_group, read
from centrabert.glue_data.task_data import TaskData
from centrabert.modeling.branch_folder import RECORD, RUN, read_record
from centrabert.modeling.training.hyperparameters import Hyperparameters
from centrabert.task_flags import TaskFlags, declared_length
from centrabert.training_flags import HYPERPARAMETERS, ActivationSettings, BertFlags, TpuFlags

if TYPE_CHECKING:
    from centrabert.task_runner import TaskRunner  # imports TensorFlow
    from centrabert.trained_model import TrainedModel


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the flags ask for."""

    task_name: str = flag(
        "Name of the task: cola, sst2, mrpc, stsb, qqp, mnli, qnli or rte of GLUE, or of a task of your own."
    )
    data: TaskFlags = flag_group()
    output_dir: Path = flag("Folder to write the branch into.")
    bert: BertFlags = flag_group()
    do_lower_case: bool | None = flag(
        "Whether to lower-case the text: true for an uncased vocabulary, false for a cased one. By default "
        "what tokenizer_config.json beside vocab.txt says, else true, as in BERT.",
        None,
    )
    do_train: bool = flag("Train, or resume training.", False)
    do_eval: bool = flag("Evaluate the trained branch on dev and write eval_results.json and .txt.", False)
    do_predict: bool = flag(
        "Predict the test file with the trained branch and write test_results.tsv and a GLUE submission "
        "file, or predictions.tsv and, where the test file has labels, their metrics to test_results.json.",
        False,
    )
    fine_tuning_layers: int | None = flag(
        "L: number of top layers to train; the layers below stay frozen and are shared with other tasks. The "
        "paper tries 4 to 10 of 12, and with 0 the head alone trains. Without it, every variable trains.",
        None,
    )
    full_fine_tuning: bool = flag(
        "Train every variable, as BERT does, and as is done without --fine_tuning_layers. Such a branch "
        "shares nothing and cannot be merged.",
        False,
    )
    adapter_size: int = flag(
        "Adapters: the width of two small bottlenecks in every layer, which train with the LayerNorms and "
        "the head while all else stands still. Such a branch stores few parameters and shares the others, "
        "but it computes all layers itself, and cannot be merged or distilled. It wants a larger learning "
        "rate. 0 means none.",
        0,
        lower_bound=0,
    )
    max_seq_length: int | None = flag(
        "Maximum number of word pieces in a text or a pair of texts; longer ones are truncated. Default: "
        "what --task_config says, else 128; without --do_train, what the branch was trained with.",
        None,
    )
    pooling: str = flag(
        "What the head reads: cls is BERT's pooled [CLS], mean is the mean of all token vectors.",
        "cls",
        choices=("cls", "mean"),
    )
    activations: ActivationSettings = flag_group()
    hyperparameters: Hyperparameters = flag_group(HYPERPARAMETERS)
    predict_batch_size: int | None = flag(
        "Number of rows in a batch during prediction. By default that of --eval_batch_size.", None
    )
    tpu: TpuFlags = flag_group()

    def __post_init__(self) -> None:
        if not (self.do_train or self.do_eval or self.do_predict):
            raise UserError("nothing to do; give --do_train, --do_eval or --do_predict")
        if self.do_train and self.full_fine_tuning and self.fine_tuning_layers is not None:
            raise UserError("give either --fine_tuning_layers=L or --full_fine_tuning, not both")
        if self.do_train and self.adapter_size:
            self._check_adapters()
        if self.predict_batch_size is not None and self.predict_batch_size < 1:
            raise UserError(f"--predict_batch_size={self.predict_batch_size} is not above 0")

    def _check_adapters(self) -> None:
        others = {
            "fine_tuning_layers": self.fine_tuning_layers is not None,
            "full_fine_tuning": self.full_fine_tuning,
            "lora_rank": self.hyperparameters.lora_rank > 0,
        }
        if given := [f"--{name}" for name, is_given in others.items() if is_given]:
            raise UserError(
                f"give either --adapter_size or {given[0]}, not both: adapters stand in all layers, and "
                "these stand still"
            )


FLAGS = define(Run)
FULL_FINE_TUNING = (
    "full fine-tuning, as BERT does it: all %d layers train and nothing is shared; for a branch that can be "
    "merged with those of other tasks, give --fine_tuning_layers=L"
)


def main() -> None:
    run(read(Run, FLAGS))


def run(run: Run) -> None:
    """Trains, evaluates, predicts, as asked."""
    from centrabert.modeling.bert_folder import BertFolder
    from centrabert.task_runner import TaskRunner

    bert = BertFolder(*run.bert.files)
    _check_no_partial_branch(bert.checkpoint)
    branches = [run.output_dir, bert.checkpoint.parent]
    task = run.data.find(run.task_name, branches)
    runner = TaskRunner(task, bert, _length(run, task, branches), run.pooling, run.do_lower_case)
    # Whether there is a model is told before any data is read.
    model = None if run.do_train else _trained_model(run, runner)
    if run.do_predict:
        _ = runner.tests  # a bad test file is told before hours of training, not after
    if run.do_train:
        _train(run, runner)
    if run.do_eval:
        runner.evaluate(run.output_dir, run.hyperparameters.eval_batch_size, model)
    if run.do_predict:
        batch_size = run.predict_batch_size or run.hyperparameters.eval_batch_size
        runner.predict(run.output_dir, batch_size, model)


def _length(run: Run, task: TaskData, branches: Sequence[Path]) -> int:
    """What a flag says, else what a branch that is there was trained with, else what the task declares."""
    trained = [folder for folder in branches if (folder / RECORD).is_file() and not run.do_train]
    if run.max_seq_length is None and trained:
        return read_record(trained[0]).branch.task.max_seq_length
    return declared_length(task, run.max_seq_length)


def _check_no_partial_branch(checkpoint: Path) -> None:
    """Raises UserError for the checkpoint of a branch with frozen layers, which it does not hold."""
    folder = checkpoint.parent
    if (folder / RECORD).is_file() and not read_record(folder).branch.full_fine_tuning:
        raise UserError(
            f"--init_checkpoint={checkpoint}: is a branch, and its frozen layers are those of the BERT that "
            f"it was trained on; give that BERT here, and --output_dir={folder} to evaluate the branch or to "
            "predict with it"
        )


def _trained_model(run: Run, runner: "TaskRunner") -> "TrainedModel":
    """The branch in --output_dir; as in BERT that of --init_checkpoint if nothing was trained there."""
    from centrabert.trained_model import TrainedModel

    if run.bert.init_checkpoint is None or any((run.output_dir / name).exists() for name in (RECORD, RUN)):
        return runner.branch_model(run.output_dir)
    checkpoint = runner.bert.checkpoint
    if (checkpoint.parent / RECORD).exists():
        model = runner.branch_model(checkpoint.parent)
    else:
        try:
            model = TrainedModel.of_classifier(runner.bert, runner.spec)
        except UserError as error:
            raise UserError(
                f"{run.output_dir}: nothing was trained there; add --do_train=true or give a folder with a "
                f"trained branch. Nor is there a classifier in --init_checkpoint: {error}"
            ) from None
    logging.info("nothing was trained in %s; the model is %s", run.output_dir, checkpoint)
    return model


def _train(run: Run, runner: "TaskRunner") -> None:
    """Trains the top layers, adapters, or without either flag every variable, as BERT does."""
    from centrabert.modeling.branch import Branch

    config = runner.bert.config()
    layers = config.num_hidden_layers
    if run.adapter_size:
        branch = Branch.with_adapters(runner.spec, run.adapter_size, config)
    elif run.fine_tuning_layers is not None:
        branch = Branch.teacher(runner.spec, run.fine_tuning_layers, layers)
    else:
        branch = Branch(runner.spec, 0, layers, full_fine_tuning=True)
        if not run.full_fine_tuning:
            logging.info(FULL_FINE_TUNING, layers)
    cache = run.activations.kept_beside(run.output_dir).cache()
    runner.fine_tune(branch, run.hyperparameters, run.output_dir, cache)


if __name__ == "__main__":
    command.run(main, FLAGS)
