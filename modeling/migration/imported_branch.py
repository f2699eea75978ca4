"""A branch of the original CentraBERT code as a branch folder, with the answers that it gives here."""

from dataclasses import replace
from pathlib import Path

from centrabert.modeling import checkpoint, files
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch_folder import CHECKPOINT, GOLDEN, RECORD, BranchRecord
from centrabert.modeling.checkpoint import Tensors
from centrabert.modeling.digest import tensor_digests
from centrabert.modeling.formats.json_file import dump
from centrabert.modeling.golden_file import write_golden
from centrabert.modeling.migration.original_checkpoint import OriginalCheckpoint
from centrabert.modeling.migration.original_names import STUDENT
from centrabert.modeling.tokenization.tokenizer import Tokenizer
from centrabert.modeling.training.prediction import branch_estimator, decide, golden_answers, predict
from centrabert.modeling.training.token_dataset import Encoded
from centrabert.modeling.training.train_branch import Score

BATCH_SIZE = 32


def import_branch(
    original: OriginalCheckpoint,
    scope: str,
    bert: BertFolder,
    tokenizer: Tokenizer,
    rows: Encoded,
    output_dir: Path,
    score: Score | None = None,
) -> BranchRecord:
    """Writes the branch folder of a branch in a checkpoint of the original code, all of it or nothing.

    Of a student the record has its teacher's digest, if the checkpoint holds the teacher too.

    Args:
      scope: Of the branch in the checkpoint: TASK or student/TASK.
      bert: What the branch was trained on.
      rows: The golden answers are those to some of them.
      score: The metrics of all rows, which must have labels, for the record; None has none.

    Raises:
      UserError: The checkpoint has no such branch, or it did not grow on `bert`.
      FileExistsError: There is something at `output_dir`.
      OSError: The disk is full; nothing is left.
    """
    task = original.task
    if task.pair:
        tokenizer.check_reads_pairs(task.name, bert.config().type_vocab_size, str(bert.config_file))
    record, owned = _read(original, scope, bert, tokenizer)
    with files.atomic_folder(output_dir) as folder:
        checkpoint.write(folder / CHECKPOINT, owned)
        estimator = branch_estimator(bert, record.branch, folder / CHECKPOINT, tokenizer.padding_id)
        write_golden(folder / GOLDEN, golden_answers(estimator, task, rows))
        if score is not None and rows.labels is not None:
            predictions = predict(estimator, rows, BATCH_SIZE)
            record = replace(record, metrics=score(rows.labels, decide(task, predictions), predictions))
        files.write_text(folder / RECORD, dump(record.to_json()))
    return record


def _read(
    original: OriginalCheckpoint, scope: str, bert: BertFolder, tokenizer: Tokenizer
) -> tuple[BranchRecord, Tensors]:
    """The record without metrics, and the variables that the branch owns."""
    branch, owned = original.read(scope, bert.config())
    teacher = scope.removeprefix(STUDENT)
    of_teacher = teacher != scope and original.has(teacher)
    record = BranchRecord(
        branch=branch,
        config=bert.config(),
        trunk=original.check_trunk(branch.shared_names(bert.config()), bert),
        variables=tensor_digests(owned),
        vocabulary_digest=tokenizer.digest,
        do_lower_case=tokenizer.do_lower_case,
        metrics={},
        hyperparameters={"imported_from": f"{original.prefix.name}: {scope}"},
        teacher_digest=_read(original, teacher, bert, tokenizer)[0].digest if of_teacher else None,
    )
    return record, owned
