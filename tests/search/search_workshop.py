"""A BERT, a task and the folder of their jobs, in miniature."""

from dataclasses import replace
from pathlib import Path

import tiny
import tiny_glue

from centrabert.modeling import checkpoint
from centrabert.modeling.branch_folder import CHECKPOINT
from centrabert.modeling.training.trunk_cache import TrunkCache
from centrabert.search.jobs.job_folder import job_folder
from centrabert.search.jobs.job_result import JobResult
from centrabert.search.jobs.job_spec import JobSpec
from centrabert.search.jobs.job_training import JobSettings, do_job
from centrabert.search.workers.job_command import JobCommand
from centrabert.search.workers.worker_pool import Outcome

STEPS = 6  # an epoch: 37 rows in batches of 7


class Workshop:
    """A BERT, a task, and the folder of their jobs."""

    def __init__(self, root: Path) -> None:
        self.bert, self.data_root, self.jobs_dir = root / "bert", root / "glue", root / "jobs"
        tiny_glue.bert_folder(self.bert)
        tiny_glue.rte(self.data_root / "RTE")
        self.cache = TrunkCache(root / "activations", 10**9)
        self.teacher = JobSpec(
            bert_dir=str(self.bert),
            data_root=str(self.data_root),
            task="rte",
            kind="teacher",
            fine_tuning_layers=2,
            learning_rate=3e-3,
            num_train_epochs=2.0,
            train_batch_size=7,
            seed=13,
            max_seq_length=tiny.MAX_SEQ_LENGTH,
        )
        self.student = replace(
            self.teacher, kind="student", student_layers=1, teacher=self.teacher.digest, num_train_epochs=1.0
        )

    def run(self, spec: JobSpec, depths: tuple[int, ...] = ()) -> JobResult:
        return do_job(spec, self.jobs_dir, JobSettings(self.cache, depths, threads=2))

    def folder(self, spec: JobSpec) -> Path:
        return job_folder(self.jobs_dir, spec.digest)

    def variables(self, spec: JobSpec) -> checkpoint.Tensors:
        return checkpoint.read(self.folder(spec) / "branch" / CHECKPOINT)


class ThisProcess:
    """A pool whose only worker is the process that asks."""

    def __init__(self, jobs_dir: Path, shares: object, told: JobCommand) -> None:
        self._jobs_dir, self._waiting = jobs_dir, list[JobSpec]()
        self._settings = JobSettings(TrunkCache(jobs_dir.parent / "activations", 10**9), told.depths)

    @property
    def free(self) -> int:
        return 1 - len(self._waiting)

    def submit(self, spec: JobSpec) -> None:
        self._waiting.append(spec)

    def next(self) -> Outcome:
        spec = self._waiting.pop()
        try:
            do_job(spec, self._jobs_dir, self._settings)
        except ValueError as error:
            return Outcome(spec, str(error))
        return Outcome(spec)

    def stop(self) -> None:
        pass
