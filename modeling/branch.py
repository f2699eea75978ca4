"""A branch: one task's own layers above the frozen layers that it shares."""

from dataclasses import dataclass
from typing import Any

from centrabert.errors import UserError
from centrabert.modeling import scopes
from centrabert.modeling.config import BertConfig
from centrabert.modeling.formats.dataclass_json import read_dataclass
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.task import TaskSpec


@dataclass(frozen=True)
class Branch:
    """A teacher is (N - L, L); its student (N - L, l), a model of (N - L) + l layers (paper, section 3).

    Attributes:
      frozen: Bottom layers that stay as pretrained, embeddings included.
      tuned: Layers above them that the branch owns; with none it owns its head alone, pooler included.
      full_fine_tuning: The baseline that trains the embeddings too, and so shares nothing.
    """

    task: TaskSpec
    frozen: int
    tuned: int
    full_fine_tuning: bool = False

    def __post_init__(self) -> None:
        if min(self.frozen, self.tuned) < 0 or not self.depth:
            raise UserError(f"task {self.task.name}: {self.frozen} frozen and {self.tuned} tuned layers")
        if self.full_fine_tuning and self.frozen:
            raise UserError(f"task {self.task.name}: full fine-tuning freezes no layer, got {self.frozen}")

    @classmethod
    def teacher(cls, task: TaskSpec, fine_tuning_layers: int, num_hidden_layers: int) -> "Branch":
        """The top L of N layers tuned, or the head alone; raises UserError for an L outside 0..N."""
        if not 0 <= fine_tuning_layers <= num_hidden_layers:
            raise UserError(
                f"--fine_tuning_layers={fine_tuning_layers} is outside 0..{num_hidden_layers}, "
                "the layers of this BERT"
            )
        return cls(task, num_hidden_layers - fine_tuning_layers, fine_tuning_layers)

    def student(self, student_layers: int) -> "Branch":
        """This teacher's student with l layers; that of full fine-tuning shares nothing either.

        Raises:
          UserError: l is outside 1..L.
        """
        if not self.tuned:
            raise UserError(f"task {self.task.name}: the teacher has a head alone, and no layers to distil")
        if not 1 <= student_layers <= self.tuned:
            raise UserError(
                f"--student_layers={student_layers} is outside 1..{self.tuned}, the teacher's tuned layers"
            )
        return Branch(self.task, self.frozen, student_layers, self.full_fine_tuning)

    @property
    def depth(self) -> int:
        return self.frozen + self.tuned

    def owns(self, name: str) -> bool:
        """Whether the variable belongs to the branch and not to the trunk."""
        return self.full_fine_tuning or scopes.depth(name) > self.frozen

    def shapes(self, config: BertConfig) -> dict[str, scopes.Shape]:
        """Every variable of the task's model, shared and owned."""
        return {
            **scopes.encoder_shapes(config, self.depth),
            **(scopes.pooler_shapes(config) if self.task.reads == "cls" else {}),
            **KINDS[self.task.kind].head_shapes(self.task.labels, config.hidden_size),
        }

    def owned_shapes(self, config: BertConfig) -> dict[str, scopes.Shape]:
        return {name: shape for name, shape in self.shapes(config).items() if self.owns(name)}

    def shared_names(self, config: BertConfig) -> list[str]:
        return sorted(name for name in self.shapes(config) if not self.owns(name))

    def to_json(self) -> dict[str, Any]:
        return {
            "task": self.task.to_json(),
            "frozen": self.frozen,
            "tuned": self.tuned,
            "full_fine_tuning": self.full_fine_tuning,
        }

    @classmethod
    def from_json(cls, keys: dict[str, Any], source: str = "branch") -> "Branch":
        """Inverse of `to_json`; raises UserError that begins with `source`."""
        return read_dataclass(cls, keys, source)
