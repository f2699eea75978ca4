"""What evaluates and predicts: a branch, or a classifier that BERT's own script has trained."""

from dataclasses import dataclass
from pathlib import Path

from centrabert.errors import UserError
from centrabert.modeling import checkpoint, scopes
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_checkpoint import read_owned
from centrabert.modeling.branch_folder import CHECKPOINT, read_record
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.training.best_checkpoint import best_of, read_evaluations
from centrabert.modeling.training.train_branch import EVALUATIONS

GLOBAL_STEP = "global_step"


@dataclass(frozen=True)
class TrainedModel:
    """All but the trunk, which the BERT has.

    Attributes:
      checkpoint: Prefix of the checkpoint that holds what the branch owns.
      global_step: After how many steps of training; None where that is not known.
    """

    branch: Branch
    checkpoint: Path
    global_step: int | None = None

    @classmethod
    def of_branch(
        cls, folder: Path, bert: BertFolder, task: TaskSpec, vocabulary_digest: str
    ) -> "TrainedModel":
        """A finished branch.

        Raises:
          UserError: There is none in `folder`; it was trained for another task, on another vocabulary or on
            another BERT; or its checkpoint is not the one that its branch.json describes.
        """
        record = read_record(folder)
        record.check_reads(task, vocabulary_digest, str(bert.vocab_file))
        record.check_base(bert.digests, bert.config(), str(bert.checkpoint))
        read_owned(folder, record)
        history = read_evaluations(folder / EVALUATIONS, task.metric)
        step = best_of(history, task.metric).step if history else None
        return cls(record.branch, folder / CHECKPOINT, step)

    @classmethod
    def of_classifier(cls, bert: BertFolder, task: TaskSpec) -> "TrainedModel":
        """A BERT whose checkpoint has the head of `task`, as run_classifier.py of BERT leaves it behind.

        Raises:
          UserError: The checkpoint lacks the head, or it is that of another number of labels.
        """
        if task.pooling != "cls":
            raise UserError(
                f"--pooling={task.pooling}: a classifier of BERT reads the pooled [CLS]; leave it out"
            )
        bert.check()
        config = bert.config()
        branch = Branch(task, 0, config.num_hidden_layers, full_fine_tuning=True)
        found, encoder = checkpoint.shapes(bert.checkpoint), scopes.base_shapes(config)
        head = {name: shape for name, shape in branch.shapes(config).items() if name not in encoder}
        if missing := sorted(head.keys() - found.keys()):
            raise UserError(f"{bert.checkpoint} has no {' and no '.join(missing)}")
        checkpoint.match(head, {name: found[name] for name in head}, str(bert.checkpoint))
        counted = checkpoint.read(bert.checkpoint, [GLOBAL_STEP] if GLOBAL_STEP in found else [])
        return cls(branch, bert.checkpoint, int(counted[GLOBAL_STEP]) if counted else None)
