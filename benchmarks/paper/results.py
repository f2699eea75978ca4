"""What trainings reached, and on what: a JSON file to which every training adds a line."""

import json
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.paper.training import Training
from centrabert.errors import UserError
from centrabert.modeling.files import write_text
from centrabert.modeling.formats.dataclass_json import read_dataclass


@dataclass(frozen=True)
class Result:
    """What a training reached.

    Attributes:
      dev: The task's metric, as a fraction.
      tuned: Layers that the model owns.
      frozen: Layers that it shares.
      parameters: Those that the model owns.
      cpu_seconds: Of the training and its evaluation, over all processes that worked on it, and its share of
        a joint training or of making a smaller BERT; the teacher's are its own. None is unknown.
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
    parameters: int
    metric: str
    dev: float
    cpu_seconds: float | None
    date: str
    bfloat16: bool = False

    @classmethod
    def of(cls, training: Training, **reached: Any) -> "Result":
        """That of a training; `reached` are the fields that the training does not have."""
        described = ("task", "row", "name", "layers", "seed", "learning_rate")
        return cls(**{name: getattr(training, name) for name in described}, **reached)


@dataclass(frozen=True)
class Setup:
    """What all results of a file have in common; two of different ones are not comparable.

    Attributes:
      encoder: Digest of the pretrained encoder.
      num_hidden_layers: N of it.
      embedding_parameters, layer_parameters: Of it; of one of its layers.
      pooling: What the heads read.
      data: By task, the digest of the rows that are trained on and of those of dev.
    """

    encoder: str
    num_hidden_layers: int
    embedding_parameters: int
    layer_parameters: int
    pooling: str
    data: dict[str, str]

    def joined(self, other: "Setup", file: Path) -> "Setup":
        """This one with the other's tasks too.

        Raises:
          UserError: They differ.
        """
        for name in ("encoder", "num_hidden_layers", "pooling"):
            own, new = getattr(self, name), getattr(other, name)
            if own != new:
                raise UserError(
                    f"{file}: holds results whose {name} is {own}, now it is {new}; give another --results"
                )
        for task, digest in other.data.items():
            if self.data.get(task, digest) != digest:
                raise UserError(
                    f"{file}: holds results of {task} with other rows than --data_root has; "
                    "give another --results"
                )
        return replace(self, data={**self.data, **other.data})


@dataclass
class Results:
    """The results in a file."""

    file: Path
    setup: Setup
    found: dict[str, Result] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> "Results":
        """Raises UserError for a file that is damaged."""
        try:
            keys = json.loads(file.read_text())
            setup, lines = keys["setup"], keys["results"]
        except (ValueError, KeyError, TypeError):
            raise UserError(f"{file}: holds no results of these tables; give another --results") from None
        found = [read_dataclass(Result, line, str(file)) for line in lines]
        by_key = {f"{each.task}/{each.name}": each for each in found}
        return cls(file, read_dataclass(Setup, setup, str(file)), by_key)

    @classmethod
    def of_setup(cls, file: Path, setup: Setup) -> "Results":
        """Those of the file if there is one, checked to be of this setup too; see `Setup.joined`."""
        if not file.exists():
            return cls(file, setup)
        results = cls.read(file)
        return replace(results, setup=results.setup.joined(setup, file))

    def add(self, training: Training, result: Result) -> None:
        """Writes the file with the result in it."""
        self.found[training.key] = result
        self.file.parent.mkdir(parents=True, exist_ok=True)
        write_text(self.file, self.text)

    @property
    def text(self) -> str:
        """Of the file: a line for each result."""
        lines = ",\n".join(json.dumps(asdict(each)) for _, each in sorted(self.found.items()))
        return f'{{\n"setup": {json.dumps(asdict(self.setup))},\n"results": [\n{lines}\n]\n}}\n'

    def of(self, training: Training) -> Result | None:
        """With the very seed."""
        return self.found.get(training.key)

    def seeds(self, training: Training | None) -> list[Result]:
        """Of the training with any seed."""
        if training is None:
            return []
        alike = [
            each
            for each in self.found.values()
            if (each.task, each.row) == (training.task, training.row)
            and each.name == training.with_seed(each.seed).name
        ]
        return sorted(alike, key=lambda each: each.seed)

    def quality(self, training: Training) -> float:
        """Percent on dev, the mean over seeds."""
        return 100 * statistics.fmean(each.dev for each in self.seeds(training))

    def best(self, trainings: Iterable[Training]) -> Training | None:
        """The one with the best quality, of equals the first; None while any of them has no result."""
        listed = list(trainings)
        if not listed or not all(map(self.seeds, listed)):
            return None
        return max(listed, key=self.quality)
