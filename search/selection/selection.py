"""What selection.json says: the candidate chosen for each task, and by which rule."""

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from centrabert.errors import UserError
from centrabert.modeling.files import write_text
from centrabert.modeling.formats.dataclass_json import read_dataclass
from centrabert.modeling.formats.format import Format
from centrabert.modeling.formats.json_file import dump, read_json
from centrabert.search.selection.candidate import BranchCandidate
from centrabert.search.selection.serving_cost import LAYERS
from centrabert.search.selection.task_weights import mean_quality, task_weights

FILE = "selection.json"
FORMAT = Format(FILE, version=1)
MARGINAL_BENEFIT, OPTIMUM, ONE_STANDARD_ERROR = "marginal_benefit", "optimum", "one_standard_error"
# What each rule is given, besides the candidates and the weights of the tasks.
RULES = {
    MARGINAL_BENEFIT: {"threshold"},
    OPTIMUM: {"budget", "unit"},
    ONE_STANDARD_ERROR: {"unit"},
}


@dataclass(frozen=True)
class SelectionKeys:
    """The keys of selection.json."""

    rule: str
    parameters: dict[str, float | str]
    weights: dict[str, float]
    layers: int
    mean_quality: float
    options: tuple[BranchCandidate, ...]


@dataclass(frozen=True)
class Selection:
    """One candidate for each task.

    Attributes:
      rule: A key of RULES.
      parameters: What the rule was told, by the names in RULES.
      weights: How much each task counts in the mean.
      chosen: In the order of the task names.

    Raises:
      UserError: The parts do not belong together.
    """

    rule: str
    parameters: dict[str, float | str]
    weights: dict[str, float]
    chosen: tuple[BranchCandidate, ...]

    def __post_init__(self) -> None:
        names = [candidate.task for candidate in self.chosen]
        if not names:
            raise UserError("a selection of no task")
        if names != sorted(set(names)):
            raise UserError(f"the tasks {', '.join(names)} are not sorted, or one occurs twice")
        task_weights(names, self.weights)
        self._check_rule()

    def _check_rule(self) -> None:
        if self.rule not in RULES:
            raise UserError(f"rule {self.rule!r} is none of {', '.join(RULES)}")
        if differing := sorted(self.parameters.keys() ^ RULES[self.rule]):
            raise UserError(f"rule {self.rule}: missing or unknown parameters {differing}")
        for name, value in self.parameters.items():
            if not (_is_unit(value) if name == "unit" else _is_amount(value)):
                raise UserError(f"rule {self.rule}: parameter {name} cannot be {value!r}")

    @property
    def layers(self) -> int:
        """The paper's overhead: the trunk's layers and those of all branches."""
        return int(LAYERS.total(self.chosen))

    @property
    def mean_quality(self) -> float:
        """Weighted mean over the tasks, in percent."""
        return mean_quality(self.chosen, self.weights)

    def to_json(self) -> dict[str, Any]:
        return FORMAT.written(
            {
                "rule": self.rule,
                "parameters": self.parameters,
                "weights": self.weights,
                "layers": self.layers,
                "mean_quality": self.mean_quality,
                "options": [candidate.to_json() for candidate in self.chosen],
            }
        )

    @classmethod
    def from_json(cls, keys: dict[str, Any], source: str) -> "Selection":
        """Inverse of `to_json`; raises UserError naming `source` for whatever does not fit."""
        said = read_dataclass(SelectionKeys, FORMAT.upgraded(keys, source), source)
        try:
            selection = cls(said.rule, said.parameters, said.weights, said.options)
        except UserError as error:
            raise UserError(f"{source}: {error}") from None
        if (selection.layers, selection.mean_quality) != (said.layers, said.mean_quality):
            raise UserError(f"{source}: was edited: its layers or its mean_quality do not add up")
        return selection


def _is_unit(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value < math.inf


def write_selection(selection: Selection, folder: Path) -> Path:
    """Writes selection.json in one step and returns its path; raises OSError, the old file untouched."""
    path = folder / FILE
    write_text(path, dump(selection.to_json()))
    return path


def read_selection(folder: Path) -> Selection:
    """Reads selection.json; raises UserError naming the file for whatever does not fit."""
    path = folder / FILE
    return Selection.from_json(read_json(path), str(path))


def merge_command(selection: Selection, bert_dir: Path, output_dir: Path) -> list[str]:
    """The arguments, program first, that merge what was chosen.

    Raises:
      UserError: A branch folder cannot stand in a list separated by commas.
    """
    folders = [candidate.folder for candidate in selection.chosen]
    for folder in folders:
        if set(folder) & set(',"\n') or folder != folder.strip():
            raise UserError(
                f"branch folder {folder!r}: --branches cannot be told a comma, a quote, a line break or an "
                "outer blank; rename it"
            )
    return [
        sys.executable,
        *("-m", "centrabert.merge.run_merge"),
        f"--base={bert_dir}",
        f"--branches={','.join(folders)}",
        f"--output_dir={output_dir}",
    ]
