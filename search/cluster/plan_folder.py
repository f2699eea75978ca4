"""A plan as a folder, for clusters that tell a job nothing but its index: STAGE/INDEX.json, and a list."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from centrabert.modeling.branch_folder import dump
from centrabert.modeling.files import new_folder, write_text
from centrabert.search.cluster.stage import Stage

LIST = "jobs.tsv"
HEADER = ("stage", "index", "digest", "job")


def write_plan_folder(stages: Iterable[Stage], folder: Path) -> None:
    """Writes the whole folder, or nothing; raises OSError if it exists or cannot be written."""
    given = tuple(stages)
    with new_folder(folder) as aside:
        for stage in given:
            (aside / stage.name).mkdir()
            for index, spec in enumerate(stage.specs):
                write_text(aside / stage.name / f"{index}.json", dump(spec.to_json()))
        write_text(aside / LIST, "".join("\t".join(row) + "\n" for row in (HEADER, *_rows(given))))


def _rows(stages: Iterable[Stage]) -> Iterator[tuple[str, ...]]:
    """Which index is which job, for whoever reads the cluster's messages."""
    for stage in stages:
        for index, spec in enumerate(stage.specs):
            yield stage.name, str(index), spec.digest, spec.title
