"""Fine-tunes the top layers of a BERT on one GLUE task, evaluates and predicts.

The command line of run_classifier.py of google-research/bert, and --fine_tuning_layers. Writes a branch
folder (branch.json, model.ckpt.*, golden.json), eval_results.json, and GLUE submission files. The same
command again goes on where it was stopped.
"""

from dataclasses import dataclass
from pathlib import Path

from absl import flags

from centrabert import command, training_flags
from centrabert.errors import UserError
from centrabert.modeling.training.hyperparameters import Hyperparameters

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    "task_name", None, "GLUE task: cola, sst2, mrpc, stsb, qqp, mnli, qnli, rte.", flag_values=FLAGS
)
flags.DEFINE_string("data_dir", None, "The task's own folder with train.tsv, dev.tsv.", flag_values=FLAGS)
flags.DEFINE_string("output_dir", None, "Where the branch goes.", flag_values=FLAGS)
training_flags.define_bert(FLAGS)
flags.DEFINE_bool(
    "do_lower_case", True, "True for an uncased vocabulary, False for a cased.", flag_values=FLAGS
)
flags.DEFINE_bool("do_train", False, "Train, or go on training.", flag_values=FLAGS)
flags.DEFINE_bool("do_eval", False, "Evaluate on dev and write eval_results.json.", flag_values=FLAGS)
flags.DEFINE_bool("do_predict", False, "Predict test.tsv and write GLUE submission files.", flag_values=FLAGS)
flags.DEFINE_integer(
    "fine_tuning_layers",
    None,
    "L: train the top L layers, freeze the rest (the paper: 4 to 10 of 12).",
    flag_values=FLAGS,
)
flags.DEFINE_bool("full_fine_tuning", False, "The baseline: every variable trains.", flag_values=FLAGS)
flags.DEFINE_integer("max_seq_length", 128, "Word pieces read of a text or pair, at most.", flag_values=FLAGS)
flags.DEFINE_enum(
    "pooling", "cls", ["cls", "mean"], "BERT's pooled [CLS], or the mean of the tokens.", flag_values=FLAGS
)
training_flags.define_activation_cache(FLAGS)
training_flags.define_hyperparameters(FLAGS)
for required in ("task_name", "data_dir", "output_dir"):
    flags.mark_flag_as_required(required, flag_values=FLAGS)

PLAIN = (
    "task_name",
    "do_lower_case",
    "do_train",
    "do_eval",
    "do_predict",
    "fine_tuning_layers",
    "full_fine_tuning",
    "max_seq_length",
    "pooling",
)


@dataclass(frozen=True)
class Run:
    """What the flags ask for."""

    task_name: str
    data_dir: Path
    output_dir: Path
    bert_files: tuple[Path, Path, Path]
    do_lower_case: bool
    do_train: bool
    do_eval: bool
    do_predict: bool
    fine_tuning_layers: int | None
    full_fine_tuning: bool
    max_seq_length: int
    pooling: str
    hyperparameters: Hyperparameters
    activations: training_flags.ActivationSettings

    def __post_init__(self) -> None:
        if not (self.do_train or self.do_eval or self.do_predict):
            raise UserError("nothing to do; give --do_train, --do_eval or --do_predict")
        if self.do_train and (self.fine_tuning_layers is None) != self.full_fine_tuning:
            raise UserError("give either --fine_tuning_layers=L or --full_fine_tuning")


def main() -> None:
    hyperparameters = training_flags.hyperparameters(FLAGS)
    run(
        Run(
            **{name: FLAGS[name].value for name in PLAIN},
            data_dir=Path(FLAGS.data_dir),
            output_dir=Path(FLAGS.output_dir),
            bert_files=training_flags.bert_files(FLAGS),
            hyperparameters=hyperparameters,
            activations=training_flags.activation_settings(FLAGS),
        )
    )


def run(run: Run) -> None:
    """Trains, evaluates, predicts, as asked."""
    from centrabert.glue_data.glue_tasks import glue_task
    from centrabert.glue_data.runner import Runner
    from centrabert.modeling.bert_folder import BertFolder
    from centrabert.modeling.branch import Branch

    bert = BertFolder(*run.bert_files)
    task = glue_task(run.task_name)
    runner = Runner(task, task.spec(run.max_seq_length, run.pooling), run.data_dir, bert, run.do_lower_case)
    if run.do_predict:
        _ = runner.tests  # a bad test file is told before hours of training, not after
    if run.do_train:
        layers = bert.config().num_hidden_layers
        branch = (
            Branch(runner.spec, 0, layers, full_fine_tuning=True)
            if run.fine_tuning_layers is None
            else Branch.teacher(runner.spec, run.fine_tuning_layers, layers)
        )
        runner.fine_tune(branch, run.hyperparameters, run.output_dir, run.activations.cache())
    if run.do_eval:
        runner.evaluate(run.output_dir, run.hyperparameters.eval_batch_size)
    if run.do_predict:
        runner.predict(run.output_dir, run.hyperparameters.eval_batch_size)


if __name__ == "__main__":
    command.run(main, FLAGS)
