"""Where a branch's own weights come from before its first step: a mapping of layers, as data."""

from dataclasses import asdict, dataclass
from typing import Any

from centrabert.errors import UserError
from centrabert.modeling import scopes
from centrabert.modeling.branch import Branch
from centrabert.modeling.config import BertConfig

PRETRAINED, TEACHER = ORIGINS = ("pretrained", "teacher")
Names = dict[str, str]


@dataclass(frozen=True)
class Initialization:
    """For each layer that a branch owns, the layer whose weights it starts with.

    A pooler starts as that of the origin. A head starts as the teacher's; that of a branch that starts from
    the pretrained BERT is new.

    Attributes:
      origin: "pretrained" or "teacher".
      layers: Numbers of the origin's layers, one for each own layer, from the bottom to the top; a number
        may occur twice.

    Raises:
      UserError: The origin is none of these, or a number is below 0.
    """

    origin: str
    layers: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.origin not in ORIGINS:
            raise UserError(f"a branch starts from {self.origin!r}, which is none of {', '.join(ORIGINS)}")
        if min(self.layers, default=0) < 0:
            raise UserError(f"a branch starts from the layers {self.layers}, and one of them is below 0")

    def sources(self, branch: Branch, config: BertConfig) -> dict[str, Names]:
        """Origin -> variable that the branch owns -> the variable there that it starts as.

        A variable that is in neither starts at random. A teacher's frozen layers are read from the
        pretrained BERT, because the teacher's checkpoint holds none.

        Raises:
          UserError: There are more or fewer layers than the branch owns, or the BERT has no such layer.
        """
        if len(self.layers) != branch.tuned:
            raise UserError(
                f"task {branch.task.name}: {branch.tuned} layers start from {len(self.layers)} layers: "
                f"{', '.join(map(str, self.layers))}"
            )
        if max(self.layers, default=-1) >= config.num_hidden_layers:
            raise UserError(
                f"task {branch.task.name}: no layer {max(self.layers)} to start from, only "
                f"0..{config.num_hidden_layers - 1}"
            )
        sources: dict[str, Names] = {PRETRAINED: {}, TEACHER: {}}
        pretrained = scopes.base_shapes(config)  # heads and adapters are not among them
        for name in branch.owned_shapes(config):
            there = self._there(name, branch.frozen)
            if self.origin == TEACHER and branch.owns(there):
                sources[TEACHER][name] = there
            elif there in pretrained:
                sources[PRETRAINED][name] = there
        return sources

    def _there(self, name: str, frozen: int) -> str:
        """The variable's name where it comes from: that of another layer, or its own."""
        layer = scopes.LAYER.fullmatch(name)
        if layer is None:
            return name
        start, end = layer.span(1)
        return f"{name[:start]}{self.layers[int(layer[1]) - frozen]}{name[end:]}"

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "layers": list(self.layers)}


def as_pretrained(branch: Branch) -> Initialization:
    """Every layer starts as the pretrained layer of its number."""
    return Initialization(PRETRAINED, tuple(range(branch.frozen, branch.depth)))
