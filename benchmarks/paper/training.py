"""A training that a table needs, described completely, and what it reached."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

FULL, PARTIAL, KD, LORA, ADAPTERS = "full", "partial", "kd", "lora", "adapters"
JOINT = MT_DNN, MT_DNN_LOO = "mt_dnn", "mt_dnn_loo"  # of all tasks, or of all but the one


@dataclass(frozen=True)
class Training:
    """One training of one task.

    Attributes:
      row: What the tables call this way of training.
      layers: L of a teacher or of a student's teacher; all layers for full fine-tuning, none for a head
        on the encoder of a joint training.
      student_layers: l; 0 for what is not distilled.
      method: Of distillation; "" for fine-tuning.
      settings: Of the method, or of fine-tuning, as flags.
      start: As `--start_from` of run_distill; "" is what the method says.
      teacher: Of a student.
      texts: How the smaller BERT, of which the model is the whole, was made from texts; see `compress`.
      teacher_seeds: How many trainings are the teacher together; `teacher` and those with the next seeds.
      unlabelled: Whether texts without a label are trained on besides; see `Workshop`.
    """

    task: str
    row: str
    layers: int
    learning_rate: float
    num_train_epochs: float
    student_layers: int = 0
    method: str = ""
    settings: tuple[tuple[str, Any], ...] = ()
    start: str = ""
    seed: int = 0
    teacher: "Training | None" = None
    texts: str = ""
    teacher_seeds: int = 1
    unlabelled: bool = False

    @property
    def name(self) -> str:
        """Of its folder and of its result; two trainings that differ have two names."""
        parts = [self.row, f"L{self.layers}", f"l{self.student_layers}" if self.student_layers else ""]
        parts += [self.texts, self.start, *(f"{name}={value}" for name, value in self.settings)]
        parts += [f"lr{self.learning_rate:g}", f"ep{self.num_train_epochs:g}", f"seed{self.seed}"]
        parts += ["unlabelled"] if self.unlabelled else []
        if self.teacher:
            several = str(self.teacher_seeds) if self.teacher_seeds > 1 else ""
            parts += [f"of{several}", f"lr{self.teacher.learning_rate:g}", f"seed{self.teacher.seed}"]
        return "_".join(part for part in parts if part)

    @property
    def other_teachers(self) -> "list[Training]":
        """Those that teach beside `teacher`."""
        seeds = range(1, self.teacher_seeds)
        return [self.teacher.with_seed(self.teacher.seed + each) for each in seeds] if self.teacher else []

    @property
    def frozen(self) -> bool:
        """Whether it stands on the trunk that all tasks share."""
        return (self.teacher or self).row in (PARTIAL, LORA, *JOINT)

    @property
    def key(self) -> str:
        return f"{self.task}/{self.name}"

    def with_seed(self, seed: int) -> "Training":
        """The same training with another seed; a student keeps its teacher."""
        return replace(self, seed=seed)


@dataclass(frozen=True)
class Result:
    """What a training reached.

    Attributes:
      dev: The task's metric, as a fraction.
      tuned: Layers that the model owns.
      frozen: Layers that it shares.
      cpu_seconds: Of the training and its evaluation, start-up left out; the teacher's are its own. Those of
        a joint training, or of making a smaller BERT, are with the first of its tasks.
      bfloat16: As of `Hyperparameters`.
    """

    task: str
    row: str
    name: str
    layers: int
    seed: int
    learning_rate: float
    frozen: int
    tuned: int
    metric: str
    dev: float
    cpu_seconds: float
    date: str
    bfloat16: bool = False


@dataclass
class Results:
    """The results in a JSON file, to which every training adds one."""

    file: Path
    found: dict[str, Result] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> "Results":
        lines = json.loads(file.read_text()) if file.exists() else []
        found = [Result(**line) for line in lines]
        return cls(file, {f"{each.task}/{each.name}": each for each in found})

    def add(self, training: Training, result: Result) -> None:
        self.found[training.key] = result
        lines = [json.dumps(asdict(each)) for _, each in sorted(self.found.items())]
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text("[\n" + ",\n".join(lines) + "\n]\n")

    def of(self, training: Training) -> Result | None:
        return self.found.get(training.key)

    def best(self, trainings: Iterable[Training]) -> Training | None:
        """The one with the best dev value, of equals the first; None while any of them has no result."""
        listed = list(trainings)
        values: Mapping[str, Result] = self.found
        if any(each.key not in values for each in listed):
            return None
        return max(listed, key=lambda each: values[each.key].dev)
