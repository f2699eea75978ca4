"""A training that a table needs, described completely."""

from dataclasses import dataclass, replace
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
