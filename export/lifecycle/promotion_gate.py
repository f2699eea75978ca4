"""The promotion gate: candidate and incumbent are asked the same labelled rows, and a loss is tested."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from centrabert.errors import UserError
from centrabert.export.contract.version_folder import EXTRA
from centrabert.export.engine.tensorflow_engine import Arrays, Predictor
from centrabert.export.lifecycle.comparison import Comparison, Judgement
from centrabert.export.lifecycle.model_store import ModelStore
from centrabert.export.lifecycle.paired_test import OfRows, mcnemar, paired_bootstrap
from centrabert.merge.merged_folder import read_manifest
from centrabert.merge.store import changes
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.training.prediction import in_order
from centrabert.modeling.training.token_dataset import sorted_batches

ACCURACY = "accuracy"
BATCH = 32


class LabelledRows(Protocol):
    """Rows of a task, column by column, such as `glue_data.task_data.Examples`."""

    @property
    def text_a(self) -> tuple[str, ...]: ...
    @property
    def text_b(self) -> tuple[str, ...]: ...
    @property
    def labels(self) -> tuple[Any, ...] | None: ...


# From metric, labels, decisions, names of the labels and outputs: the metric of any sample of the rows.
MetricOfRows = Callable[
    [str, npt.NDArray[Any], npt.NDArray[Any], Sequence[str], Mapping[str, npt.ArrayLike]], OfRows
]


@dataclass(frozen=True)
class PromotionGate:
    """Lets a version pass that loses no more than a margin, as far as the rows can tell.

    A task is compared by the metric that chose its checkpoint, a classification by its accuracy too. Of
    accuracies McNemar's exact test is made, of any other metric the paired bootstrap. `promotion_gate` makes
    one of a file; `judge(store, label, version)` returns a Judgement, or refuses with a UserError.

    Attributes:
      read: The labelled rows of a task.
      metric_of_rows: `glue_data.sampling_error.metric_of_rows`.
      margin: The loss that is allowed, a fraction such as 0.01.
      task: Which one the rows are of; "" is the only one that the two versions have different branches of.

    Raises:
      UserError: The margin is not in [0, 1).
    """

    read: Callable[[TaskSpec], LabelledRows]
    metric_of_rows: MetricOfRows
    margin: float = 0.0
    task: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.margin < 1:
            raise UserError(f"a margin of {self.margin:g} is not in [0, 1): 0.01 is one point of a hundred")

    def judge(self, store: ModelStore, label: str, version: int | str) -> Judgement:
        """Compares a version with the one that a label points to.

        Raises:
          UserError: The candidate is significantly worse, or the two cannot be compared.
        """
        candidate, pointed = store.version(version).number, store.labels.versions.get(label)
        if pointed is None:
            reason = f"promote; {label} pointed nowhere, so there was nothing to compare with"
            return Judgement(candidate, None, (), reason)
        specs = [_specs(store, number) for number in (candidate, pointed)]
        task = self.task or _only_updated(store, pointed, candidate)
        if self.task:
            changes.existing(store.version(candidate).tasks, task)
        if not task or task not in specs[1]:
            which = f"task {task} is not in version {pointed}" if task else "no task of both is updated"
            reason = f"promote; {which}, so there was nothing to compare"
            return Judgement(candidate, pointed, (), reason)
        found = self._compared(store, (candidate, pointed), specs[0][task], specs[1][task])
        told = "; ".join(each.text() for each in found)
        if any(each.refused for each in found):
            raise UserError(
                f"version {candidate} is significantly worse than version {pointed}, to which {label!r} "
                f"points: {told}"
            )
        return Judgement(candidate, pointed, found, f"promote instead of version {pointed}; {told}")

    def _compared(
        self, store: ModelStore, numbers: tuple[int, int], spec: TaskSpec, before: TaskSpec
    ) -> tuple[Comparison, ...]:
        if (spec.kind, spec.labels, spec.pair) != (before.kind, before.labels, before.pair):
            raise UserError(
                f"task {spec.name} is a {_shape(spec)} in version {numbers[0]}, and a {_shape(before)} in "
                f"version {numbers[1]}: the same rows cannot be asked of both"
            )
        rows = self.read(spec)
        labels = KINDS[spec.kind].encode_labels(rows.labels or (), spec.labels)
        answers = [_answers(store, number, spec, rows) for number in numbers]
        metrics = dict.fromkeys([spec.metric, *({ACCURACY} & KINDS[spec.kind].metrics)])
        return tuple(self._comparison(metric, spec, labels, *answers) for metric in metrics)

    def _comparison(
        self, metric: str, spec: TaskSpec, labels: npt.NDArray[Any], candidate: Arrays, incumbent: Arrays
    ) -> Comparison:
        decided = [KINDS[spec.kind].decide(each, spec.labels) for each in (candidate, incumbent)]
        of_candidate, of_incumbent = (
            self.metric_of_rows(metric, labels, decisions, spec.labels, answers)
            for decisions, answers in zip(decided, (candidate, incumbent), strict=True)
        )
        if metric == ACCURACY:
            right, before = (each == labels for each in decided)
            test, tested = "exact McNemar test", mcnemar(right, before, self.margin)
        else:
            test = "paired bootstrap"
            tested = paired_bootstrap(of_candidate, of_incumbent, len(labels), self.margin)
        every = np.arange(len(labels))
        return Comparison(
            task=spec.name,
            metric=metric,
            rows=len(labels),
            candidate=of_candidate(every),
            incumbent=of_incumbent(every),
            tested=tested,
            test=test,
            margin=self.margin,
        )


def _specs(store: ModelStore, number: int) -> dict[str, TaskSpec]:
    branches = read_manifest(store.folder.model(number) / EXTRA).plan.branches
    return {branch.task.name: branch.task for branch in branches}


def _shape(task: TaskSpec) -> str:
    pairs = "pairs" if task.pair else "single texts"
    return f"{task.kind} of {pairs} with labels {', '.join(task.labels) or 'none'}"


def _only_updated(store: ModelStore, before: int, after: int) -> str:
    """The task of both versions whose branch differs, "" for none; raises UserError for several."""
    updated = [task for task, what in store.diff(before, after).items() if what == "updated"]
    if len(updated) > 1:
        raise UserError(
            f"versions {before} and {after} differ in the tasks {', '.join(updated)}; say by --task which of "
            "them the rows of --data are of"
        )
    return updated[0] if updated else ""


def _answers(store: ModelStore, number: int, task: TaskSpec, rows: LabelledRows) -> Arrays:
    """What the exported graph of a version answers to every row, in their order."""
    columns = {"text_a": rows.text_a, **({"text_b": rows.text_b} if task.pair else {})}
    texts = {name: np.array(column, np.object_) for name, column in columns.items()}
    lengths = np.array([len(a) + len(b) for a, b in zip(rows.text_a, rows.text_b, strict=True)])
    plan = sorted_batches(lengths, BATCH)
    with Predictor(store.folder.model(number), [task.name]) as predictor:
        batches = [
            predictor.predict(task.name, {name: column[batch] for name, column in texts.items()})
            for batch in plan
        ]
    return {name: in_order([batch[name] for batch in batches], plan) for name in batches[0]}
