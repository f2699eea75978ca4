"""A branch: one task's own layers above the frozen layers that it shares."""

from dataclasses import dataclass
from typing import Any, ClassVar

from centrabert.errors import UserError
from centrabert.modeling import scopes
from centrabert.modeling.config import BertConfig
from centrabert.modeling.formats.dataclass_json import keys_of, read_dataclass
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.task import TaskSpec


@dataclass(frozen=True)
class Branch:
    """A teacher is (N - L, L); its student (N - L, l), a model of (N - L) + l layers (paper, section 3).

    Attributes:
      frozen: Bottom layers that stay as pretrained, embeddings included.
      tuned: Layers above them that the branch owns; with none it owns its head alone, pooler included.
      full_fine_tuning: The baseline that trains the embeddings too, and so shares nothing.
      adapter_size: Width of the adapters (Houlsby et al., 2019) in the tuned layers, which are all layers;
        0 for none. Of these layers the branch then owns adapters and LayerNorms alone: it shares the other
        parameters, but no computation, for what stands in a layer changes all above it.
    """

    LEFT_OUT: ClassVar = frozenset({"adapter_size"})

    task: TaskSpec
    frozen: int
    tuned: int
    full_fine_tuning: bool = False
    adapter_size: int = 0

    def __post_init__(self) -> None:
        if min(self.frozen, self.tuned) < 0 or not self.depth:
            raise UserError(f"task {self.task.name}: {self.frozen} frozen and {self.tuned} tuned layers")
        if self.full_fine_tuning and self.frozen:
            raise UserError(f"task {self.task.name}: full fine-tuning freezes no layer, got {self.frozen}")
        if self.adapter_size < 0:
            raise UserError(f"--adapter_size={self.adapter_size} is below 0")
        if self.adapter_size and (self.frozen or self.full_fine_tuning):
            raise UserError(
                f"task {self.task.name}: adapters stand in all layers, and these stand still; got "
                f"{'full fine-tuning' if self.full_fine_tuning else f'{self.frozen} layers without adapters'}"
            )

    @classmethod
    def teacher(cls, task: TaskSpec, fine_tuning_layers: int, num_hidden_layers: int) -> "Branch":
        """The top L of N layers tuned, or the head alone; raises UserError for an L outside 0..N."""
        if not 0 <= fine_tuning_layers <= num_hidden_layers:
            raise UserError(
                f"--fine_tuning_layers={fine_tuning_layers} is outside 0..{num_hidden_layers}, "
                "the layers of this BERT"
            )
        return cls(task, num_hidden_layers - fine_tuning_layers, fine_tuning_layers)

    @classmethod
    def with_adapters(cls, task: TaskSpec, adapter_size: int, config: BertConfig) -> "Branch":
        """Adapters in all layers; raises UserError for a size outside 1..hidden_size."""
        if not 1 <= adapter_size <= config.hidden_size:
            raise UserError(
                f"--adapter_size={adapter_size} is outside 1..{config.hidden_size}, the width of this BERT"
            )
        return cls(task, 0, config.num_hidden_layers, adapter_size=adapter_size)

    def student(self, student_layers: int) -> "Branch":
        """This teacher's student with l layers; that of full fine-tuning shares nothing either.

        Raises:
          UserError: l is outside 1..L, or the teacher has adapters.
        """
        self.check_own_layers()
        if not self.tuned:
            raise UserError(f"task {self.task.name}: the teacher has a head alone, and no layers to distil")
        if not 1 <= student_layers <= self.tuned:
            raise UserError(
                f"--student_layers={student_layers} is outside 1..{self.tuned}, the teacher's tuned layers"
            )
        return Branch(self.task, self.frozen, student_layers, self.full_fine_tuning)

    def check_own_layers(self) -> None:
        """Raises UserError for adapters: whoever wants layers of a branch to merge, extract or distil."""
        if self.adapter_size:
            raise UserError(
                f"task {self.task.name}: adapters share parameters and no computation: a merged model would "
                f"run all {self.tuned} layers again for them, so they are not merged, stored, extracted or "
                "distilled; train a branch with --fine_tuning_layers, and with --lora_rank where few "
                "parameters are to train"
            )

    @property
    def depth(self) -> int:
        return self.frozen + self.tuned

    @property
    def shared_layers(self) -> int:
        """Layers of the trunk that the branch builds on: their output, with adapters their parameters."""
        return self.depth if self.adapter_size else self.frozen

    def owns(self, name: str) -> bool:
        """Whether the variable belongs to the branch and not to the trunk."""
        if self.adapter_size:
            return scopes.beside_still_layers(name)
        return self.full_fine_tuning or scopes.depth(name) > self.frozen

    def shapes(self, config: BertConfig) -> dict[str, scopes.Shape]:
        """Every variable of the task's model, shared and owned."""
        shapes = scopes.encoder_shapes(config, self.depth)
        for layer in range(self.depth if self.adapter_size else 0):
            shapes |= scopes.adapter_shapes(config, layer, self.adapter_size)
        return {
            **shapes,
            **(scopes.pooler_shapes(config) if self.task.reads == "cls" else {}),
            **KINDS[self.task.kind].head_shapes(self.task.labels, config.hidden_size),
        }

    def owned_shapes(self, config: BertConfig) -> dict[str, scopes.Shape]:
        return {name: shape for name, shape in self.shapes(config).items() if self.owns(name)}

    def shared_names(self, config: BertConfig) -> list[str]:
        return sorted(name for name in self.shapes(config) if not self.owns(name))

    def to_json(self) -> dict[str, Any]:
        return {**keys_of(self), "task": self.task.to_json()}

    @classmethod
    def from_json(cls, keys: dict[str, Any], source: str = "branch") -> "Branch":
        """Inverse of `to_json`; raises UserError that begins with `source`."""
        return read_dataclass(cls, keys, source)
