"""The proof of a change: which tasks answer as before, to the last bit, and which as in training."""

import platform
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from centrabert.errors import UserError
from centrabert.merge.store.sealed_json import read_sealed, write_sealed
from centrabert.modeling.formats.dataclass_json import read_dataclass
from centrabert.modeling.formats.format import Format
from centrabert.modeling.golden import Golden
from centrabert.modeling.task import TaskSpec

if TYPE_CHECKING:
    from centrabert.export.engine.tensorflow_engine import Arrays

FORMAT = Format("proof.json", version=1)
FILE = "proof.json"


@dataclass(frozen=True)
class TaskProof:
    """What was seen of one task.

    Attributes:
      branch: The digest of its branch.
      same_branch: Whether the parent has the same branch, and so the same weights to the last bit.
      golden_rows: Golden texts that the exported graph was asked and answered as the branch did; 0 if it was
        not asked, because nothing of the task had changed.
      same_answers: Whether the parent's exported graph, asked on the same machine, gave the same bits; None
        if it was not asked, or is of another branch.
    """

    branch: str
    same_branch: bool
    golden_rows: int
    same_answers: bool | None


@dataclass(frozen=True)
class Proof:
    """What proof.json says.

    Attributes:
      trunk_layers: Layers of the trunk of the parent (None: there is none) and of this version; every
        variable that both have was compared by its digest.
      trunk_digest: Of this version's trunk.
      machine: Processor, and the version of TensorFlow.
    """

    parent: int | None
    trunk_layers: tuple[int | None, int]
    trunk_digest: str
    tasks: dict[str, TaskProof]
    machine: str

    @property
    def moved(self) -> list[str]:
        """The tasks whose branch is not the parent's."""
        return [name for name, task in self.tasks.items() if not task.same_branch]

    def text(self) -> str:
        """What it proves, in lines for people."""
        others = [name for name, task in self.tasks.items() if task.same_branch]
        asked = [name for name in others if self.tasks[name].same_answers]
        rows = sum(self.tasks[name].golden_rows for name in self.moved)
        lines = [
            f"changed: {', '.join(self.moved) or 'no branch'}; {rows} golden texts answered as in training"
        ]
        if others:
            lines.append(
                f"unchanged: {', '.join(others)}, with the same weights; asked their golden texts, the old "
                f"and the new model gave the same answers to the last bit for {len(asked)} of {len(others)}"
            )
        return "\n".join(lines)


def write_proof(folder: Path, proof: Proof) -> None:
    write_sealed(folder / FILE, FORMAT, asdict(proof))


def read_proof(folder: Path) -> Proof:
    """Reads proof.json of a version; raises UserError if it is absent or damaged."""
    return read_dataclass(Proof, read_sealed(folder / FILE, FORMAT), str(folder / FILE))


def proof_fault(folder: Path) -> str | None:
    """What is wrong with proof.json of a version."""
    try:
        read_proof(folder)
    except UserError as error:
        return str(error)
    return None


def prove_answers(
    model: Path, parent: Path | None, goldens: Mapping[TaskSpec, Golden], changed: Collection[str]
) -> dict[str, bool | None]:
    """Asks tasks their golden texts; whether the parent gives the same bits, for those not in `changed`.

    Args:
      model: The version's exported files.
      parent: The parent's, or None.
      goldens: Of the tasks to ask.

    Raises:
      UserError: An answer is not the golden one, or an unchanged task answers other bits than before.
    """
    from centrabert.export.engine.golden_check import ask  # with TensorFlow, which takes seconds
    from centrabert.export.engine.tensorflow_engine import Predictor

    if not goldens:
        return {}
    unchanged = {task: golden for task, golden in goldens.items() if task.name not in changed}
    same: dict[str, bool | None] = {task.name: None for task in goldens}
    with Predictor(model, [task.name for task in goldens]) as predictor:
        found = {task: ask(predictor, task, golden) for task, golden in goldens.items()}
        graphs = predictor.graphs  # without the weights
    for task, golden in goldens.items():
        golden.check(task, found[task], f"task {task.name}, exported")
    if parent is not None and unchanged:
        with Predictor(parent, [task.name for task in unchanged]) as predictor:
            for task, golden in unchanged.items():
                _check_same(task.name, found[task], ask(predictor, task, golden))
                same[task.name] = True
    del graphs  # what computes the same was made ready once
    return same


def _check_same(task: str, found: "Arrays", before: "Arrays") -> None:
    for name, array in before.items():
        if not _same_bits(found[name], array):
            raise UserError(
                f"task {task}: output {name!r} is not what the version before answered, though its branch is "
                "the same; nothing was changed"
            )


def _same_bits(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if one.dtype == np.object_:
        return bool(np.array_equal(one, other))
    return one.tobytes() == other.tobytes()


def this_machine() -> str:
    """What decides the last bits of an answer."""
    import tensorflow as tf

    return f"{platform.machine()} {_processor()}, TensorFlow {tf.__version__}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()
