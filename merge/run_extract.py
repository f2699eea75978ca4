"""Writes one task's model alone, for Transformers or BERT's own code: a whole BERT with the task's head.

  centrabert extract --merged=merged --task=rte --output_dir=rte_hf
  centrabert extract --base=uncased_L-12_H-768_A-12 --branch=rte_student --to=google --output_dir=rte_bert

Layers, frozen and own alike, become one BERT that is as deep as the branch. With --to=huggingface it is a
folder that AutoModelForSequenceClassification or AutoModelForTokenClassification reads, labels included; with
--to=google bert_config.json, the vocabulary and bert_model.ckpt, as run_classifier.py of BERT leaves a
classifier. Either holds task.json and golden.json too: the labels, and texts with their answers.
"""

from dataclasses import dataclass
from pathlib import Path

from absl import logging

from centrabert import command
from centrabert.errors import UserError
from centrabert.flag_fields import define, flag, read


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the flags ask for."""

    merged: Path | None = flag("Folder of a merged model; with --task.", None)
    task: str | None = flag("Name of the task of --merged.", None)
    base: Path | None = flag("Folder of the BERT that --branch was trained on.", None)
    branch: Path | None = flag("Branch folder; with --base.", None)
    to: str = flag("The format to write.", "huggingface", choices=("google", "huggingface"))
    output_dir: Path = flag("Folder to write the model into; it must not exist yet, or be empty.")

    def __post_init__(self) -> None:
        given = [name for name in ("merged", "task", "base", "branch") if getattr(self, name) is not None]
        if given not in (["merged", "task"], ["base", "branch"]):
            raise UserError(
                "give --merged and --task, or --base and --branch: "
                f"{' and '.join(f'--{name}' for name in given) or 'none of them'} was given"
            )


FLAGS = define(Run)


def main() -> None:
    from centrabert.merge.task_extraction import of_branch, of_merged
    from centrabert.modeling.migration.task_folder import write

    run = read(Run, FLAGS)
    if run.merged is not None and run.task is not None:
        model = of_merged(run.merged, run.task)
    elif run.base is not None and run.branch is not None:
        model = of_branch(run.base, run.branch)
    for note in write(model, run.to, run.output_dir):
        logging.info("%s", note)
    config, parameters = model.bert.config, model.bert.num_parameters
    logging.info(
        "%s: task %s, %d layers, %s parameters and the head",
        run.output_dir,
        model.task.name,
        config.num_hidden_layers,
        f"{parameters:,}",
    )


if __name__ == "__main__":
    command.run(main, FLAGS)
