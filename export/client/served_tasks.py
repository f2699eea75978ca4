"""The tasks of a served model, as its signatures tell them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from centrabert.errors import UserError
from centrabert.export.client.transport import Metadata, Reply
from centrabert.export.contract.signature_names import ROUTE, ROUTE_INPUTS, UNKNOWN

ANSWERS = {"classification": ("label", "probabilities"), "regression": ("score",)}


@dataclass(frozen=True)
class ServedTask:
    """One task.

    Attributes:
      kind: "classification" or "regression".
      pair: Whether it reads two texts.
    """

    name: str
    kind: str
    pair: bool

    @property
    def outputs(self) -> tuple[str, ...]:
        """The outputs of `route` that hold its answer."""
        return tuple(f"{self.name}/{answer}" for answer in ANSWERS[self.kind])


@dataclass(frozen=True)
class ServedTasks:
    """All tasks of a version, by name in alphabetical order.

    Attributes:
      offered: Every output of `route`.
    """

    version: int
    tasks: Mapping[str, ServedTask]
    offered: frozenset[str]

    def missing(self, names: Iterable[str]) -> str | None:
        """The first of `names` that is no task."""
        return next((name for name in names if name not in self.tasks), None)

    def outputs(self, names: Iterable[str]) -> tuple[str, ...]:
        """The outputs to ask for to get the answers of these tasks."""
        return (*(output for name in sorted(set(names)) for output in self.tasks[name].outputs), UNKNOWN)

    def outdated_by(self, reply: Reply) -> bool:
        """Whether another version has answered; over REST it shows only by tasks that are new."""
        return reply.version not in (None, self.version) or not reply.offered <= self.offered


def served_tasks(model: str, metadata: Metadata) -> ServedTasks:
    """Reads the tasks off the signatures.

    Raises:
      UserError: It is no model of ours.
    """
    signatures = metadata.signatures
    if ROUTE not in signatures or signatures[ROUTE].inputs != set(ROUTE_INPUTS):
        raise UserError(
            f"model {model}, version {metadata.version}: has no signature {ROUTE} of "
            f"{', '.join(ROUTE_INPUTS)}; export it with export.run_export"
        )
    offered = signatures[ROUTE].outputs
    kinds = {
        output.partition("/")[0]: kind
        for output in offered
        for kind, (answer, *_) in ANSWERS.items()
        if output.endswith(f"/{answer}")
    }
    tasks = {
        name: ServedTask(name, kinds[name], name in signatures and "text_b" in signatures[name].inputs)
        for name in sorted(kinds)
    }
    return ServedTasks(metadata.version, tasks, offered)
