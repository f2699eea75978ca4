"""What a merged model consists of: which variable of which source gets which name, and what that saves."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from centrabert.errors import UserError
from centrabert.modeling import scopes
from centrabert.modeling.branch import Branch
from centrabert.modeling.config import BertConfig


@dataclass(frozen=True)
class Copy:
    """One variable's way into the merged checkpoint.

    Attributes:
      task: The branch that owns it; None for the trunk, which comes from the base.
      variable: Its name at the source, which is Google's.
      name: Its name in the merged checkpoint.
    """

    task: str | None
    variable: str
    name: str


@dataclass(frozen=True)
class MergePlan:
    """Branches on one trunk (paper, section 3).

    The trunk is as deep as the branch that freezes most; one that freezes less leaves it earlier. A branch
    with adapters is accounted for, though `merge` refuses it: it computes all layers itself, on parameters
    that it shares.

    Attributes:
      config: The BERT that all branches were trained on.
      branches: In the order of their task names.

    Raises:
      UserError: There is no branch, two have one task name, or one shares nothing.
    """

    config: BertConfig
    branches: tuple[Branch, ...]

    def __post_init__(self) -> None:
        names = [branch.task.name for branch in self.branches]
        if not names:
            raise UserError("there is no branch to merge")
        if names != sorted(set(names)):
            raise UserError(f"the tasks {', '.join(names)} are not sorted, or one occurs twice")
        for branch in self.branches:
            self._check_depth(branch)

    def _check_depth(self, branch: Branch) -> None:
        if branch.full_fine_tuning:
            raise UserError(f"task {branch.task.name}: full fine-tuning shares no trunk")
        if branch.depth > self.config.num_hidden_layers:
            raise UserError(
                f"task {branch.task.name}: {branch.frozen} frozen and {branch.tuned} tuned layers are more "
                f"than the {self.config.num_hidden_layers} of this BERT"
            )

    @property
    def trunk_depth(self) -> int:
        """Layers of the trunk: computed once for all tasks."""
        return max(branch.frozen for branch in self.branches)

    @property
    def layers(self) -> int:
        """Layers computed for all tasks together, the paper's overhead: trunk + sum of the tuned."""
        return self.trunk_depth + sum(branch.tuned for branch in self.branches)

    @property
    def separate_layers(self) -> int:
        """Layers of one whole BERT for each task."""
        return len(self.branches) * self.config.num_hidden_layers

    @property
    def parameters(self) -> int:
        return self.trunk_parameters + sum(self.owned_parameters(branch) for branch in self.branches)

    @property
    def separate_parameters(self) -> int:
        """Parameters of one whole BERT, fine-tuned, for each task."""
        whole = [Branch(branch.task, 0, self.config.num_hidden_layers) for branch in self.branches]
        return sum(_parameters(branch.shapes(self.config)) for branch in whole)

    @property
    def trunk_parameters(self) -> int:
        return _parameters(self.trunk_shapes())

    def owned_parameters(self, branch: Branch) -> int:
        return _parameters(branch.owned_shapes(self.config))

    def trunk_shapes(self) -> dict[str, scopes.Shape]:
        return scopes.encoder_shapes(self.config, max(branch.shared_layers for branch in self.branches))

    def shapes(self) -> dict[str, scopes.Shape]:
        """Every variable of the merged model by its merged name."""
        shapes = self.trunk_shapes()
        for branch in self.branches:
            for variable, shape in branch.owned_shapes(self.config).items():
                shapes[merged_name(branch.task.name, variable)] = shape
        return shapes

    @property
    def copies(self) -> tuple[Copy, ...]:
        """One for every variable of `shapes`."""
        copies = [Copy(None, variable, variable) for variable in self.trunk_shapes()]
        for branch in self.branches:
            task = branch.task.name
            copies += [
                Copy(task, name, merged_name(task, name)) for name in sorted(branch.owned_shapes(self.config))
            ]
        return tuple(copies)


def merged_name(task: str, variable: str) -> str:
    """The name of a branch's own variable in a merged model: layers are not renumbered."""
    return f"{task}/{variable}"


def _parameters(shapes: Mapping[str, scopes.Shape]) -> int:
    return sum(math.prod(shape) for shape in shapes.values())
