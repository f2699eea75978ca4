"""The tasks of a served model, as the model describes them itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from centrabert.errors import UserError
from centrabert.export.client.errors import ModelChanged
from centrabert.export.client.transport import Description, Metadata, Reply
from centrabert.export.contract.model_description import ServedTask, read_description
from centrabert.export.contract.signature_names import ROUTE, ROUTE_INPUTS, UNKNOWN
from centrabert.modeling.kinds.task_kind import Output


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

    def outputs(self, names: Iterable[str]) -> dict[str, Output]:
        """The outputs of `route` to ask for to get the answers of these tasks, by name."""
        outputs = {
            f"{name}/{output.name}": output
            for name in sorted(set(names))
            for output in self.tasks[name].task_kind.outputs
        }
        return {**outputs, UNKNOWN: Output(UNKNOWN, "string")}

    def outdated_by(self, reply: Reply) -> bool:
        """Whether another version has answered; over REST it shows only by tasks that are new."""
        return reply.version not in (None, self.version) or not reply.offered <= self.offered


def served_tasks(model: str, metadata: Metadata, description: Description | None) -> ServedTasks:
    """The tasks of a version.

    Args:
      description: None for a version exported before there was a `describe`: its signatures tell.

    Raises:
      ModelChanged: Metadata and description are of two versions.
      UserError: It is no model of ours.
    """
    what = f"model {model}, version {metadata.version}"
    signatures = metadata.signatures
    if ROUTE not in signatures or signatures[ROUTE].inputs != set(ROUTE_INPUTS):
        raise UserError(
            f"{what}: has no signature {ROUTE} of {', '.join(ROUTE_INPUTS)}; export it with export.run_export"
        )
    offered = signatures[ROUTE].outputs
    if description is None:
        return ServedTasks(metadata.version, _told_by_signatures(metadata), offered)
    tasks = {task.name: task for task in read_description(description.text, what)}
    unknown = next((name for name in tasks if f"{name}/asked" not in offered), None)
    if description.version not in (None, metadata.version) or unknown is not None:
        raise ModelChanged("UNAVAILABLE", f"{what}: another version took over while it told its tasks")
    return ServedTasks(metadata.version, dict(sorted(tasks.items())), offered)


def _told_by_signatures(metadata: Metadata) -> dict[str, ServedTask]:
    """The tasks by name; these versions had classifications and regressions only."""
    signatures = metadata.signatures
    firsts = {"label": "classification", "score": "regression"}
    kinds = {
        task: firsts[answer]
        for task, _, answer in (output.partition("/") for output in signatures[ROUTE].outputs)
        if answer in firsts
    }
    return {
        name: ServedTask(name, kinds[name], name in signatures and "text_b" in signatures[name].inputs)
        for name in sorted(kinds)
    }
