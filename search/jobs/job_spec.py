"""A job: one training of one task, described completely, so that any process anywhere can do it.

A plan is a file of jobs, one in JSON on each line; no job needs one that stands below it.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from centrabert.distill.methods.method import DistillationMethod
from centrabert.distill.methods.registry import DEFAULT, find_method
from centrabert.errors import UserError
from centrabert.modeling.digest import text_digest
from centrabert.modeling.files import write_text
from centrabert.modeling.formats.dataclass_json import keys_of, read_dataclass
from centrabert.modeling.formats.format import Format, same_keys
from centrabert.modeling.formats.json_file import Keys, parse_json
from centrabert.modeling.task import check_name

FULL, TEACHER, STUDENT = KINDS = ("full", "teacher", "student")
FROM_TEACHER, FROM_PRETRAINED = STARTS = ("teacher", "pretrained")
PLAN = "plan.jsonl"


def _by_paths(keys: Keys) -> Keys:
    """Version 1 knew BERT and data by their paths alone."""
    return {**keys, "bert_digest": "", "data_digest": ""}


# Of a spec.json and of each line of a plan. Version 0 did not say its version.
FORMAT = Format("job", version=2, upgrades={0: same_keys, 1: _by_paths})
DIGEST = re.compile("[0-9a-f]{16}")


@dataclass(frozen=True, order=True)
class TrainingSetting:
    """One way to train the branch of a task, whatever the seed; the cheaper sorts first."""

    fine_tuning_layers: int
    num_train_epochs: float
    learning_rate: float

    @property
    def schedule(self) -> tuple[float, float]:
        """Epochs and learning rate: the setting but for L."""
        return self.num_train_epochs, self.learning_rate


@dataclass(frozen=True, eq=False)
class JobSpec:
    """What is trained. Its digest names its folder; how fast it is trained is no part of it.

    Two jobs are equal that train the same on the same content, wherever BERT and data lie.

    Attributes:
      bert_dir: A Google BERT folder.
      data_root: Folder of GLUE folders, or a file that declares tasks.
      task: Its name.
      kind: "full" (every variable trains), "teacher" (the top L layers) or "student" (distilled).
      fine_tuning_layers: L of a teacher, or of a student's teacher; all layers for "full".
      student_layers: l of a student; 0 for others.
      start: What a student's layers start from: the "teacher" (the paper's way) or the "pretrained" BERT
        (Appendix C); "teacher" for others.
      teacher: Digest of the job that trains a student's teacher; "" for others.
      max_train_rows: Train on a fixed sample of so many rows; 0 takes all.
      padded: Pad every batch to max_seq_length, as BERT does; for comparison only.
      bias_correction, bfloat16: As for `Hyperparameters`.
      method, settings: Of a student's distillation, and those of its settings that are not the method's
        defaults, by name.
      unlabelled_file: Texts that a student trains on besides, as `--unlabelled_file` of distillation; "" for
        none and for others.
      bert_digest, data_digest: Of the content of both, see `content_digest`; "" in a job of an earlier
        version, which is known by its paths.
      unlabelled_digest: Of the content of `unlabelled_file`; "" where there is none.
    """

    bert_dir: str
    data_root: str
    task: str
    kind: str
    fine_tuning_layers: int
    student_layers: int = 0
    start: str = FROM_TEACHER
    teacher: str = ""
    learning_rate: float = 5e-5
    num_train_epochs: float = 3.0
    train_batch_size: int = 32
    seed: int = 0
    do_lower_case: bool = True
    max_seq_length: int = 128
    pooling: str = "cls"
    max_train_rows: int = 0
    padded: bool = False
    bert_digest: str = ""
    data_digest: str = ""
    bias_correction: bool = False
    bfloat16: bool = False
    method: str = DEFAULT
    settings: tuple[tuple[str, Any], ...] = ()
    unlabelled_file: str = ""
    unlabelled_digest: str = ""

    LEFT_OUT: ClassVar[frozenset[str]] = frozenset(
        {"bias_correction", "bfloat16", "method", "settings", "unlabelled_file", "unlabelled_digest"}
    )

    def __post_init__(self) -> None:
        check_name(self.task)
        if self.kind not in KINDS:
            raise UserError(f"job kind {self.kind!r} is none of {', '.join(KINDS)}")
        if self.start not in STARTS:
            raise UserError(f"job start {self.start!r} is none of {', '.join(STARTS)}")
        if self.fine_tuning_layers < 1:
            raise UserError(f"fine_tuning_layers {self.fine_tuning_layers} is below 1")
        student = self.kind == STUDENT
        if student != bool(self.teacher) or student != bool(self.student_layers):
            raise UserError(f"a student, and nothing else, has a teacher and student_layers: {self}")
        if self.teacher and not DIGEST.fullmatch(self.teacher):  # it names a folder
            raise UserError(f"teacher {self.teacher!r} is no digest of a job: 16 hexadecimal digits")
        if (self.method != DEFAULT or self.settings) and not student:
            raise UserError(f"a student, and nothing else, has a method of distillation: {self}")
        texts = bool(self.unlabelled_file)
        if texts != bool(self.unlabelled_digest) or (texts and not student):
            raise UserError(f"a student, and nothing else, has texts without labels, with a digest: {self}")
        _ = self.distillation_method
        if not 0 <= self.student_layers <= self.fine_tuning_layers:
            raise UserError(
                f"student_layers {self.student_layers} is outside 1..{self.fine_tuning_layers}, "
                "the teacher's tuned layers"
            )

    @cached_property
    def identity(self) -> tuple[tuple[str, Any], ...]:
        """Names and values of all that decides the result: content, or else the paths of it."""
        paths, digests = ("bert_dir", "data_root"), ("bert_digest", "data_digest")
        left_out = ("unlabelled_file", *(paths if self.bert_digest else digests))
        return tuple((name, value) for name, value in self.to_json().items() if name not in left_out)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JobSpec) and self.identity == other.identity

    def __hash__(self) -> int:
        return hash(self.identity)

    @cached_property
    def digest(self) -> str:
        """16 hex digits that name the job's folder."""
        return text_digest(json.dumps(dict(self.identity), sort_keys=True))[:16]

    @property
    def distillation_method(self) -> DistillationMethod:
        """Of a student; raises UserError where there is no such method or setting."""
        return find_method(self.method, dict(self.settings))

    @property
    def setting(self) -> TrainingSetting:
        return TrainingSetting(self.fine_tuning_layers, self.num_train_epochs, self.learning_rate)

    @property
    def title(self) -> str:
        """What a person calls it: `rte L=3 l=1 lr=5e-05 epochs=3 seed=0`."""
        layers = "all layers" if self.kind == FULL else f"L={self.fine_tuning_layers}"
        if self.kind == STUDENT:
            layers += f" l={self.student_layers}"
            layers += " from pretrained" if self.start == FROM_PRETRAINED else ""
            layers += "" if self.method == DEFAULT else f" by {self.method}"
            layers += "".join(f" {name}={value}" for name, value in self.settings)
            layers += f" with texts {self.unlabelled_digest[:8]}" if self.unlabelled_file else ""
        rest = f"lr={self.learning_rate:g} epochs={self.num_train_epochs:g} seed={self.seed}"
        return f"{self.task} {layers} {rest}" + (" padded" if self.padded else "")

    def to_json(self) -> dict[str, Any]:
        return keys_of(self)

    @classmethod
    def from_json(cls, keys: dict[str, Any], source: str) -> "JobSpec":
        """Reads what any version wrote; raises UserError naming `source`."""
        return read_dataclass(cls, FORMAT.upgraded(keys, source), source)


def plan_order(specs: Iterable[JobSpec]) -> tuple[JobSpec, ...]:
    """The jobs in their order, but students, which need their teachers, behind all others."""
    return tuple(sorted(specs, key=lambda spec: spec.kind == STUDENT))


def write_plan(specs: Iterable[JobSpec], path: Path) -> None:
    """Writes a plan in one step; raises OSError, the old file untouched."""
    write_text(path, "".join(f"{json.dumps(FORMAT.written(spec.to_json()))}\n" for spec in specs))


def read_plan(path: Path) -> tuple[JobSpec, ...]:
    """Inverse of `write_plan`; raises UserError naming file and line for whatever does not fit."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run_search --dry_run writes a plan") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start}") from None
    return tuple(
        JobSpec.from_json(parse_json(text, str(path), number), f"{path}:{number}")
        for number, text in enumerate(lines, start=1)
    )
