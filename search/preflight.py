"""What is checked and read before a search begins: a mistake is reported now, and not by every job."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from centrabert.distill.methods.registry import find_method
from centrabert.errors import UserError
from centrabert.glue_data.readers.unlabelled_texts import read_unlabelled, unlabelled_file
from centrabert.glue_data.task_data import Examples, content_digests, task_spec
from centrabert.glue_data.task_lookup import find_task
from centrabert.modeling.branch import Branch
from centrabert.modeling.config import BertConfig
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.tokenization.normalization import read_normalization
from centrabert.modeling.tokenization.pair_segments import check_segments, second_segment
from centrabert.modeling.tokenization.sentencepiece_convention import read_convention
from centrabert.modeling.tokenization.sentencepiece_model import SentencePieceModel
from centrabert.modeling.tokenization.vocabulary import SENTENCEPIECE_ENDING, VOCABULARIES, vocabulary_file
from centrabert.search.jobs.content_digest import bert_digest, data_digest, file_digest
from centrabert.search.jobs.job_folder import read_specs
from centrabert.search.jobs.job_spec import JobSpec
from centrabert.search.search_loop import Search
from centrabert.search.strategy.search_space import SearchSpace
from centrabert.search.strategy.training_cost import TrainingCost, Workload

CONFIG = "bert_config.json"
INDEX = "bert_model.ckpt.index"


@dataclass(frozen=True)
class Preflight:
    """A search that can begin.

    Attributes:
      space: With every task, and the digests of what could be read.
      errors: Task -> what is wrong with its data; the search does without these tasks.
    """

    space: SearchSpace
    search: Search
    errors: Mapping[str, str]

    @property
    def without_texts(self) -> list[str]:
        """Tasks that have no file in the folder of texts without labels, if there is one."""
        if not self.space.unlabelled_dir:
            return []
        return [task for task in self.search.space.tasks if task not in self.space.unlabelled_digests]


def read_layers(bert_dir: Path, max_seq_length: int) -> int:
    """num_hidden_layers of the BERT in a folder.

    Raises:
      UserError: A file is absent, or the BERT has fewer positions than max_seq_length.
    """
    for file in (bert_dir / CONFIG, vocabulary_file(bert_dir), bert_dir / INDEX):
        if not file.is_file():
            wanted = f"{CONFIG}, {' or '.join(VOCABULARIES)}, {INDEX}"
            raise UserError(f"{file}: no such file; --bert_dir wants {wanted}")
    config = BertConfig.from_json_file(bert_dir / CONFIG)
    if max_seq_length > config.max_position_embeddings:
        raise UserError(
            f"--max_seq_length={max_seq_length} is above {config.max_position_embeddings}, "
            f"the max_position_embeddings of {bert_dir / CONFIG}"
        )
    return config.num_hidden_layers


def reads_lower_case(bert_dir: Path, do_lower_case: bool | None) -> bool:
    """Whether the BERT in a folder reads lower-cased text.

    Args:
      do_lower_case: What was asked for; None asks for what the folder says.

    Raises:
      UserError: The folder says otherwise, or a file of it is damaged.
    """
    file = vocabulary_file(bert_dir)
    if file.suffix == SENTENCEPIECE_ENDING:
        return read_convention(SentencePieceModel.from_file(file), file, do_lower_case).do_lower_case
    return read_normalization(file, do_lower_case).do_lower_case


def open_search(space: SearchSpace, output_dir: Path, cached: bool, cores: int) -> Preflight:
    """Reads the data of every task, and the texts without labels for it, if there are any.

    Raises:
      UserError: There is no task that this BERT can be trained on with the data that there is, or there are
        no texts without labels for any task.
    """
    workloads, digests, errors = {}, {}, {}
    texts = _unlabelled_files(space)
    for task in space.tasks:
        data = find_task(task, data_root=Path(space.data_root))
        try:
            train, dev = data.read("train"), data.read("dev")
            _check_method(space, task_spec(data, space.max_seq_length, space.pooling))
            if data.pair:
                _check_reads_pairs(Path(space.bert_dir), task)
            digests[task] = data_digest(content_digests(data, train.digest, dev.digest))
            unlabelled = _texts(texts[task], data.pair) if task in texts else None
            workloads[task] = Workload.of(task, train, dev, space, unlabelled)
        except (UserError, OSError) as error:
            errors[task] = str(error)
    if not workloads:
        raise UserError(next(iter(errors.values())))
    cost = TrainingCost(space.num_hidden_layers, workloads, cached)
    space = replace(
        space,
        bert_digest=bert_digest(Path(space.bert_dir)),
        data_digests=digests,
        unlabelled_digests={task: file_digest([texts[task]]) for task in workloads if task in texts},
    )
    return Preflight(space, Search(replace(space, tasks=tuple(workloads)), output_dir, cost, cores), errors)


def _unlabelled_files(space: SearchSpace) -> dict[str, Path]:
    """Those of the tasks that have one.

    Raises:
      UserError: None has, or the students' method learns nothing from texts without labels.
    """
    if not space.unlabelled_dir:
        return {}
    find_method(space.method, dict(space.settings)).check_reads_answers(unlabelled_dir=True)
    folder = Path(space.unlabelled_dir)
    if not folder.is_dir():
        raise UserError(f"--unlabelled_dir={folder}: there is no such folder")
    files = {task: unlabelled_file(folder, task) for task in space.tasks}
    if not any(file.exists() for file in files.values()):
        names = ", ".join(file.name for file in files.values())
        raise UserError(
            f"--unlabelled_dir={folder}: there is none of {names}; centrabert collect-texts writes them"
        )
    return {task: file for task, file in files.items() if file.exists()}


def _texts(file: Path, pair: bool) -> Examples:
    one, other = read_unlabelled(file, pair)
    return Examples(tuple(one), tuple(other))


def _check_method(space: SearchSpace, task: TaskSpec) -> None:
    """Raises UserError where the students' method of distillation has no use for one of them."""
    method = find_method(space.method, dict(space.settings))
    for tuned, own in product(space.fine_tuning_layers, space.student_layers):
        if own <= tuned:
            teacher = Branch.teacher(task, tuned, space.num_hidden_layers)
            method.compared_states(teacher, teacher.student(own))


def _check_reads_pairs(bert_dir: Path, task: str) -> None:
    file = bert_dir / CONFIG
    segments = BertConfig.from_json_file(file).type_vocab_size
    check_segments(task, second_segment(vocabulary_file(bert_dir)), segments, str(file))


def other_results(search: Search) -> list[JobSpec]:
    """Jobs of these tasks whose results do not count: those of another BERT, other data or other texts."""
    space = search.space
    content = {(space.bert_digest, task, space.data_digests[task]) for task in space.tasks}
    return [
        spec
        for spec in read_specs(search.jobs_dir)
        if spec.task in space.tasks
        and (
            (spec.bert_digest, spec.task, spec.data_digest) not in content
            or spec.unlabelled_digest not in ("", space.unlabelled_digests.get(spec.task, ""))
        )
    ]
