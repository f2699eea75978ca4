"""What is searched: every training that a search may ask for."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

from centrabert.distill.methods.registry import DEFAULT, find_method
from centrabert.errors import UserError
from centrabert.glue_data.readers.unlabelled_texts import unlabelled_file
from centrabert.glue_data.task_data import task_spec
from centrabert.glue_data.task_lookup import find_task, is_config
from centrabert.modeling.files import write_text
from centrabert.modeling.formats.dataclass_json import keys_of, read_dataclass
from centrabert.modeling.formats.format import Format, same_keys
from centrabert.modeling.formats.json_file import Keys
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.training.hyperparameters import Hyperparameters
from centrabert.search.jobs.job_spec import FROM_TEACHER, FULL, STARTS, STUDENT, TEACHER, JobSpec

HALVING, EXHAUSTIVE = STRATEGIES = ("halving", "exhaustive")
NO_BASELINE, BUCKETED, PADDED = BASELINES = ("none", "bucketed", "padded")


@dataclass(frozen=True)
class SearchSpace:
    """The values that a search combines, and what all its jobs have in common.

    Attributes:
      bert_dir: A Google BERT folder.
      num_hidden_layers: Of that BERT.
      data_root: Folder of GLUE folders, or a file that declares tasks.
      tasks: Their names.
      fine_tuning_layers: Every L; smaller ones are preferred on a tie.
      student_layers: Every l; a teacher with fewer layers does without.
      strategy: Which jobs are worth running, and with which seeds, see `strategy`.
      starts: What students start from; both ways are the paper's Appendix C.
      baseline: Whether every variable is trained too, on batches of like length or padded to max_seq_length.
      padded: Pad every batch of teachers and students, for comparison.
      max_train_rows: Train on a fixed sample of so many rows; 0 takes all.
      bias_correction, bfloat16: As for `Hyperparameters`, in all trainings.
      method, settings: Of the students' distillation, as `JobSpec` has them.
      unlabelled_dir: Folder with texts that students train on besides, see `unlabelled_file`; "" for none.
      unlabelled_digests: Of the content of its file for each task that has one.
      bert_digest, data_digests: Of the content of BERT and, by task, of the data; "" and {} in a search of an
        earlier version, which knew both by their paths.
    """

    bert_dir: str
    num_hidden_layers: int
    data_root: str
    tasks: tuple[str, ...]
    fine_tuning_layers: tuple[int, ...]
    student_layers: tuple[int, ...] = (1, 2, 3)
    learning_rates: tuple[float, ...] = (5e-5,)
    num_train_epochs: tuple[float, ...] = (3.0,)
    seeds: tuple[int, ...] = (0, 1, 2)
    strategy: str = HALVING
    starts: tuple[str, ...] = (FROM_TEACHER,)
    baseline: str = NO_BASELINE
    baseline_learning_rates: tuple[float, ...] = (5e-5,)
    padded: bool = False
    pooling: str = "cls"
    max_seq_length: int = 128
    train_batch_size: int = 32
    do_lower_case: bool = True
    max_train_rows: int = 0
    bert_digest: str = ""
    data_digests: dict[str, str] = field(default_factory=dict)
    bias_correction: bool = False
    bfloat16: bool = False
    method: str = DEFAULT
    settings: tuple[tuple[str, Any], ...] = ()
    unlabelled_dir: str = ""
    unlabelled_digests: dict[str, str] = field(default_factory=dict)

    LEFT_OUT: ClassVar[frozenset[str]] = frozenset(
        {"bias_correction", "bfloat16", "method", "settings", "unlabelled_dir", "unlabelled_digests"}
    )

    def __post_init__(self) -> None:
        for flag in (*LISTS, "baseline_learning_rates"):
            _check_list(flag, getattr(self, flag))
        _check_choice("strategy", self.strategy, STRATEGIES)
        _check_choice("baseline", self.baseline, BASELINES)
        for start in self.starts:
            _check_choice("starts", start, STARTS)
        if self.max_train_rows < 0:
            raise UserError(f"--max_train_rows={self.max_train_rows} is below 0; 0 takes all rows")
        find_method(self.method, dict(self.settings))
        self._check_layers()
        self._check_training()

    def _check_layers(self) -> None:
        for flag in ("fine_tuning_layers", "student_layers"):
            for layers in getattr(self, flag):
                if not 1 <= layers <= self.num_hidden_layers:
                    raise UserError(
                        f"--{flag}={layers} is outside 1..{self.num_hidden_layers}, "
                        f"the layers of {self.bert_dir}"
                    )
        smallest, largest = min(self.student_layers), max(self.fine_tuning_layers)
        if smallest > largest:
            raise UserError(
                f"--student_layers={smallest} is above {largest}, the largest of --fine_tuning_layers"
            )

    def _check_training(self) -> None:
        if not is_config(Path(self.data_root)):  # whose labels may have to be read, which preflight does
            _ = self.task_specs
        rates = (*self.learning_rates, *self.baseline_learning_rates)
        for rate, epochs, seed in product(rates, self.num_train_epochs, self.seeds):
            Hyperparameters(
                learning_rate=rate,
                num_train_epochs=epochs,
                seed=seed,
                train_batch_size=self.train_batch_size,
            )

    @property
    def depths(self) -> tuple[int, ...]:
        """How many layers its teachers freeze, without 0."""
        depths = {self.num_hidden_layers - layers for layers in self.fine_tuning_layers}
        return tuple(sorted(depths - {0}))

    @property
    def task_specs(self) -> dict[str, TaskSpec]:
        """By name; raises UserError where training rows must tell a declared task's labels, and cannot."""
        tasks = [find_task(task, data_root=Path(self.data_root)) for task in self.tasks]
        return {task.name: task_spec(task, self.max_seq_length, self.pooling) for task in tasks}

    def includes(self, spec: JobSpec) -> bool:
        """Whether a job is of these tasks, and like this search's but for L, l, schedule and seed."""
        if spec.task not in self.tasks or (spec.kind != FULL and spec.padded != self.padded):
            return False
        content = self.bert_digest, self.data_digests.get(spec.task, "")
        if content != (spec.bert_digest, spec.data_digest):
            return False
        if not self.bert_digest and (spec.bert_dir, spec.data_root) != (self.bert_dir, self.data_root):
            return False
        names = (*COMMON, *METHOD) if spec.kind == STUDENT else COMMON
        if spec.kind == STUDENT and spec.unlabelled_digest != self.unlabelled_digests.get(spec.task, ""):
            return False
        return all(getattr(spec, name) == getattr(self, name) for name in names)

    def to_json(self) -> dict[str, Any]:
        return keys_of(self)


# What all jobs share, by the names that both a space and a job call it.
COMMON = (
    "train_batch_size",
    "do_lower_case",
    "max_seq_length",
    "pooling",
    "max_train_rows",
    "bias_correction",
    "bfloat16",
)
METHOD = ("method", "settings")  # what all students share besides
FILE = "space.json"


def _by_paths(keys: Keys) -> Keys:
    """Version 1 knew BERT and data by their paths alone."""
    return {**keys, "bert_digest": "", "data_digests": {}}


# Version 0 did not say its version.
FORMAT = Format(FILE, version=2, upgrades={0: same_keys, 1: _by_paths})


def write_space(space: SearchSpace, folder: Path) -> None:
    write_text(folder / FILE, FORMAT.text(space.to_json()))


def read_space(folder: Path) -> SearchSpace:
    """That of the search begun there last; raises UserError naming the file for whatever does not fit."""
    file = folder / FILE
    if not file.is_file():
        raise UserError(f"{file}: no such file; give the --output_dir of run_search")
    return read_dataclass(SearchSpace, FORMAT.read(file), str(file))


LISTS = (
    "tasks",
    "fine_tuning_layers",
    "student_layers",
    "learning_rates",
    "num_train_epochs",
    "seeds",
    "starts",
)


def teachers(space: SearchSpace) -> tuple[JobSpec, ...]:
    """Every teacher: task by task, and within a task the cheaper ones first."""
    return tuple(
        replace(
            _common(space, task),
            kind=TEACHER,
            fine_tuning_layers=layers,
            num_train_epochs=epochs,
            learning_rate=rate,
            seed=seed,
            padded=space.padded,
        )
        for task, layers, epochs, rate, seed in product(
            space.tasks,
            sorted(space.fine_tuning_layers),
            sorted(space.num_train_epochs),
            space.learning_rates,
            space.seeds,
        )
    )


def students(teacher: JobSpec, space: SearchSpace, seed: int | None = None) -> tuple[JobSpec, ...]:
    """Every student of a teacher; it trains as its teacher did, with the teacher's seed or another."""
    of_students = {name: getattr(space, name) for name in METHOD}
    if digest := space.unlabelled_digests.get(teacher.task):
        texts = unlabelled_file(Path(space.unlabelled_dir), teacher.task)
        of_students |= {"unlabelled_file": str(texts), "unlabelled_digest": digest}
    own = replace(teacher, seed=teacher.seed if seed is None else seed)
    return tuple(
        replace(own, kind=STUDENT, student_layers=layers, start=start, teacher=teacher.digest, **of_students)
        for layers, start in product(sorted(space.student_layers), space.starts)
        if layers <= teacher.fine_tuning_layers
    )


def baselines(space: SearchSpace) -> tuple[JobSpec, ...]:
    """Full fine-tuning, if it is asked for."""
    if space.baseline == NO_BASELINE:
        return ()
    return tuple(
        replace(
            _common(space, task),
            num_train_epochs=epochs,
            learning_rate=rate,
            seed=seed,
            padded=space.baseline == PADDED,
        )
        for task, epochs, rate, seed in product(
            space.tasks, space.num_train_epochs, space.baseline_learning_rates, space.seeds
        )
    )


def _common(space: SearchSpace, task: str) -> JobSpec:
    """A full fine-tuning with the fields that all jobs of a task share."""
    return JobSpec(
        task=task,
        kind=FULL,
        fine_tuning_layers=space.num_hidden_layers,
        bert_digest=space.bert_digest,
        data_digest=space.data_digests.get(task, ""),
        **{name: getattr(space, name) for name in ("bert_dir", "data_root", *COMMON)},
    )


def _check_list(flag: str, values: Iterable[object]) -> None:
    listed = list(values)
    if not listed:
        raise UserError(f"--{flag} is empty; give one value at least")
    if twice := [value for value in listed if listed.count(value) > 1]:
        raise UserError(f"--{flag} names {twice[0]} twice")


def _check_choice(flag: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UserError(f"--{flag}={value} is none of {', '.join(choices)}")
