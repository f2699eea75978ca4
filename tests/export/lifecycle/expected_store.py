"""What a store must hold after a sequence of verbs, in memory."""

from dataclasses import dataclass, field, replace

Tasks = dict[str, str]  # name of a task -> which of the branches of tiny_store


@dataclass
class Expected:
    """What a store must hold: its versions, and where each label points, and pointed before."""

    versions: dict[int, Tasks] = field(default_factory=dict)
    labels: dict[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def newest(self) -> Tasks:
        return self.versions[max(self.versions)]

    def changed(self, tasks: Tasks) -> "Expected":
        return replace(self, versions={**self.versions, max(self.versions) + 1: tasks})

    def collected(self, keep: int) -> "Expected":
        kept = {*sorted(self.versions)[-keep:], *(moves[-1] for moves in self.labels.values())}
        return replace(self, versions={n: tasks for n, tasks in self.versions.items() if n in kept})
