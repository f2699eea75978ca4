"""One task out of a merged model, or one branch with the layers that it shares: a model of its own."""

from pathlib import Path

from centrabert.errors import UserError
from centrabert.merge import compatibility
from centrabert.merge.compatibility import Candidate
from centrabert.merge.merged_folder import CHECKPOINT, golden_file, read_manifest
from centrabert.merge.merged_tokenizer import read_merged_tokenizer
from centrabert.merge.plan import merged_name
from centrabert.modeling import branch_folder, checkpoint
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch_checkpoint import read_owned
from centrabert.modeling.branch_folder import first_difference, read_record
from centrabert.modeling.digest import tensor_digests
from centrabert.modeling.golden_file import read_golden
from centrabert.modeling.migration.task_model import TaskModel


def of_branch(base: Path, folder: Path) -> TaskModel:
    """The model of a branch folder on the Google BERT folder that it was trained on.

    Raises:
      UserError: A folder is damaged, or the branch has adapters or was trained on another BERT or vocabulary.
    """
    candidate = Candidate(folder, read_record(folder))
    compatibility.check_own_layers(candidate)
    record, bert = candidate.record, BertFolder.at(base)
    tokenizer = bert.tokenizer(record.do_lower_case)
    compatibility.check_base(candidate, base, bert.config(), tokenizer.digest)
    trunk = bert.read(sorted(record.trunk)) if record.trunk else {}
    compatibility.check_trunk(candidate, base, tensor_digests(trunk))
    golden = read_golden(folder / branch_folder.GOLDEN, record.branch.task)
    return TaskModel.of_branch(record, {**trunk, **read_owned(folder, record)}, tokenizer, golden)


def of_merged(folder: Path, task: str) -> TaskModel:
    """The model of one task of a merged model.

    Raises:
      UserError: There is no such task, or the folder is damaged: names the first variable that differs.
    """
    manifest = read_manifest(folder)
    if task not in manifest.tasks:
        raise UserError(f"{folder}: has no task {task!r}; its tasks are {', '.join(manifest.tasks)}")
    record = manifest.records[manifest.tasks.index(task)]
    names = {name: name for name in record.trunk} | {
        name: merged_name(task, name) for name in record.variables
    }
    stored = checkpoint.read(folder / CHECKPOINT, list(names.values()))
    tensors = {name: stored[merged] for name, merged in names.items()}
    if name := first_difference({**record.trunk, **record.variables}, tensor_digests(tensors)):
        raise UserError(f"{folder / CHECKPOINT}: is not the one of its manifest.json: {names[name]} differs")
    tokenizer = read_merged_tokenizer(folder, manifest)
    golden = read_golden(golden_file(folder, task), record.branch.task)
    return TaskModel.of_branch(record, tensors, tokenizer, golden)
