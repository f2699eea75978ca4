"""Jobs of earlier versions, which knew BERT and data by their paths, get the names that they have now.

The folder of such a job is renamed to the digest that the job has by the content of BERT and data. Its old
name stays as a link, for a report or a selection that names it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from centrabert.glue_data.task_lookup import find_task
from centrabert.modeling.file_lock import exclusive
from centrabert.modeling.files import write_text
from centrabert.modeling.formats.json_file import read_json
from centrabert.search.jobs.content_digest import BERT_FILES, file_digest
from centrabert.search.jobs.job_folder import RUNNING, SPEC, read_specs, state
from centrabert.search.jobs.job_spec import FORMAT, STUDENT, JobSpec, plan_order
from centrabert.search.strategy.search_space import SearchSpace

INPUTS = "inputs.json"  # folder -> digest of all its files when the search began, names included


def adopt_earlier_jobs(search_dir: Path, jobs_dir: Path, space: SearchSpace) -> None:
    """Renames the folders of all jobs that were trained on the BERT and the data of `space`.

    Raises:
      UserError: Another process is at work in `search_dir`, and there are folders to rename.
      OSError: A folder cannot be renamed.
    """
    if own := _earlier_jobs(search_dir, jobs_dir, space):
        with exclusive(search_dir):
            for spec in own:
                _adopt(jobs_dir, spec, space)


def _earlier_jobs(search_dir: Path, jobs_dir: Path, space: SearchSpace) -> list[JobSpec]:
    """Those of the BERT and the data of `space`, students behind their teachers."""
    earlier = [spec for spec in read_specs(jobs_dir) if not spec.bert_digest]
    noted = read_json(search_dir / INPUTS) if earlier and (search_dir / INPUTS).exists() else {}
    contents = _Contents(noted)
    return [
        spec
        for spec in plan_order(earlier)
        if space.bert_digest
        and spec.task in space.data_digests
        and contents.of_bert(spec, space)
        and contents.of_data(spec, space)
    ]


def _adopt(jobs_dir: Path, spec: JobSpec, space: SearchSpace) -> None:
    """A student only behind its teacher, whose new name it must know; a job that runs, not at all."""
    if spec.kind == STUDENT:
        teacher = jobs_dir / spec.teacher
        if not teacher.is_symlink():
            return
        spec, old = replace(spec, teacher=teacher.resolve().name), jobs_dir / spec.digest
    else:
        old = jobs_dir / spec.digest
    new = replace(
        spec,
        bert_dir=space.bert_dir,
        data_root=space.data_root,
        bert_digest=space.bert_digest,
        data_digest=space.data_digests[spec.task],
    )
    target = jobs_dir / new.digest
    if old.is_dir() and not old.is_symlink():
        if target.exists() or state(old) == RUNNING:
            return
        old.rename(target)
    if target.exists():  # each step finds what an interruption has left of the one before
        if not old.is_symlink():
            old.symlink_to(target.name)
        write_text(target / SPEC, FORMAT.text(new.to_json()))


@dataclass(frozen=True)
class _Contents:
    """Whether the folders of earlier jobs held what the folders of a search hold now."""

    noted: Mapping[str, str]
    known: dict[tuple[Path, Path], bool] = field(default_factory=dict)

    def of_bert(self, spec: JobSpec, space: SearchSpace) -> bool:
        folder = Path(space.bert_dir)
        files = [file for pattern in BERT_FILES for file in folder.glob(pattern)]
        return self._same(Path(spec.bert_dir), folder, files)

    def of_data(self, spec: JobSpec, space: SearchSpace) -> bool:
        old, new = (
            find_task(spec.task, data_root=Path(root)).splits for root in (spec.data_root, space.data_root)
        )
        return self._same(old["train"].parent, new["train"].parent, new.values())

    def _same(self, old: Path, new: Path, files: Iterable[Path]) -> bool:
        """By all files of the folder, or by those alone that are read: others may have come since."""
        if (old, new) not in self.known:
            digest = self.noted.get(str(old))
            whole = [file for file in new.iterdir() if file.is_file()]
            read = [file for file in files if file.is_file()]
            self.known[old, new] = (
                old == new
                if digest is None
                else any(digest == file_digest(sorted(each), names=True) for each in (whole, read))
            )
        return self.known[old, new]
