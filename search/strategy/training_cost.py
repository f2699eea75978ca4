"""What jobs cost, estimated before they run: word pieces times layers.

A layer forward is 1 unit for each word piece, backward 2; frozen layers have no backward, and no forward
either when their outputs are read from the cache. Embeddings, heads and the optimiser are not counted.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from centrabert.search.jobs.job_spec import FULL, STUDENT, TEACHER, JobSpec
from centrabert.search.strategy.workload import Workload

FORWARD, BACKWARD = 1, 2
# One conventional fine-tuning: every layer, every row padded (the defaults of BERT's run_classifier.py).
CONVENTIONAL_LENGTH, CONVENTIONAL_EPOCHS = 128, 3


@dataclass(frozen=True)
class TrainingCost:
    """Estimates in units of a word piece through a layer.

    Attributes:
      workloads: Of every task that is asked for, by name.
      cached: Whether the frozen layers' outputs are kept.
    """

    num_hidden_layers: int
    workloads: Mapping[str, Workload]
    cached: bool

    def of(self, jobs: Iterable[JobSpec]) -> float:
        """Of all the jobs, with what they share and is computed once."""
        given = list(jobs)
        return math.fsum([*map(self._alone, given), *self._logits(given), *self._activations(given)])

    def conventional(self, tasks: Iterable[str]) -> float:
        """Of one conventional fine-tuning of each task, judged once an epoch."""
        return math.fsum(
            CONVENTIONAL_EPOCHS
            * CONVENTIONAL_LENGTH
            * self.num_hidden_layers
            * ((FORWARD + BACKWARD) * work.train_rows + FORWARD * work.dev_rows)
            for work in (self.workloads[task] for task in tasks)
        )

    def _alone(self, spec: JobSpec) -> float:
        """Training, and judging once an epoch."""
        train, dev = self._tokens(spec)
        own = {
            FULL: self.num_hidden_layers,
            TEACHER: spec.fine_tuning_layers,
            STUDENT: spec.student_layers,
        }[spec.kind]
        frozen = self._computed(spec)
        judged = math.ceil(spec.num_train_epochs) * dev * FORWARD * (own + frozen)
        return spec.num_train_epochs * train * ((FORWARD + BACKWARD) * own + FORWARD * frozen) + judged

    def _logits(self, jobs: Sequence[JobSpec]) -> list[float]:
        """A pass over train for each teacher that has students."""
        passes = {
            spec.teacher: self._tokens(spec)[0] * FORWARD * (spec.fine_tuning_layers + self._computed(spec))
            for spec in jobs
            if spec.kind == STUDENT
        }
        return list(passes.values())

    def _activations(self, jobs: Sequence[JobSpec]) -> list[float]:
        """A pass through the trunk for each task, to the greatest depth that a job wants."""
        if not self.cached:
            return []
        passes: dict[str, float] = {}
        for spec in jobs:
            cost = sum(self._tokens(spec)) * FORWARD * self._frozen(spec)
            passes[spec.task] = max(passes.get(spec.task, 0), cost)
        return list(passes.values())

    def _tokens(self, spec: JobSpec) -> tuple[int, int]:
        """Word pieces of one pass over train and over dev, padding included."""
        work = self.workloads[spec.task]
        if spec.padded:
            return spec.max_seq_length * work.train_rows, spec.max_seq_length * work.dev_rows
        return work.train_tokens, work.dev_tokens

    def _computed(self, spec: JobSpec) -> int:
        """Frozen layers that are computed at every step."""
        return 0 if self.cached else self._frozen(spec)

    def _frozen(self, spec: JobSpec) -> int:
        return self.num_hidden_layers - spec.fine_tuning_layers
