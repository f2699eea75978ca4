"""An exported model in this process: texts in, answers out, without a server."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from centrabert.errors import UserError
from centrabert.export.contract.version_folder import EXTRA, find_version
from centrabert.export.engine.tensorflow_engine import Predictor
from centrabert.export.engine.text_prediction import answer_texts
from centrabert.merge.merged_folder import read_manifest
from centrabert.modeling.task import TaskSpec

Text = str | tuple[str, str]


class ExportedModel:
    """One version of an exported model, loaded. Close it, or use it in a `with` statement.

        with load_version("output/serving") as model:
            model.predict(["a fine film"], tasks=["sst2"])
            # [{"sst2": {"label": "1", "probabilities": {"0": 0.03, "1": 0.97}}}]

    Args:
      folder: A version folder, or the export folder, whose highest version is loaded.

    Raises:
      UserError: There is no version in `folder`, or it cannot be loaded.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = find_version(folder)
        branches = read_manifest(self.folder / EXTRA).plan.branches
        self._tasks = {branch.task.name: branch.task for branch in branches}
        self._predictor = Predictor(self.folder)

    def __enter__(self) -> "ExportedModel":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Frees the model's memory; it cannot be used again."""
        self._predictor.close()

    @property
    def tasks(self) -> Mapping[str, TaskSpec]:
        """The model's tasks, by name."""
        return dict(self._tasks)

    def predict(
        self, texts: Iterable[Text], tasks: Sequence[str] | None = None, batch_size: int = 32
    ) -> list[dict[str, dict[str, Any]]]:
        """Returns the answers to every text, in order, by task name.

        A classification answers {"label": ..., "probabilities": {label: probability}}, a multi-label
        classification {"labels": [...], "probabilities": {label: probability}, "thresholds": {label:
        probability}}, a regression {"score": ...}, a tagging {"tags": [...], "scores": [...], "words":
        [[start, end], ...], "entities": [{"label": ..., "text": ..., "start": ..., "end": ..., "score": ...},
        ...], "cut": ...}, with places in characters, and whether words at its end had no room.

        Args:
          texts: A string, or a pair of strings, which is what tasks of pairs read; a task of single texts
            reads the first of a pair.
          tasks: Names of tasks; None for all.
          batch_size: Rows computed at once.

        Raises:
          UserError: There is no such task, or it reads pairs and a text is none.
        """
        names = list(self._tasks) if tasks is None else list(dict.fromkeys(tasks))
        if unknown := [name for name in names if name not in self._tasks]:
            raise UserError(f"there is no task {unknown[0]!r}; the model has {', '.join(self._tasks)}")
        asked = [self._tasks[name] for name in names]
        pairs = list(_pairs(texts, [task.name for task in asked if task.pair]))
        return list(answer_texts(self._predictor, asked, pairs, batch_size))


def _pairs(texts: Iterable[Text], pair_tasks: Sequence[str]) -> Iterable[tuple[str, str]]:
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            yield text
        elif pair_tasks:
            raise UserError(f"row {row}: task {pair_tasks[0]!r} reads a pair of texts, not the text {text!r}")
        else:
            yield text, ""
