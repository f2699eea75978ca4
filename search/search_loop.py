"""A search: its strategy asks, a pool runs, and the jobs' folders remember."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from absl import logging

from centrabert.errors import UserError
from centrabert.search.jobs.job_folder import job_folder, read_specs
from centrabert.search.jobs.job_result import FinishedJob, JobResult, read_result
from centrabert.search.jobs.job_spec import JobSpec
from centrabert.search.jobs.ledger import FILE, write_ledger
from centrabert.search.progress import Display, duration, progresses, seconds_to_come
from centrabert.search.strategy.search_space import SearchSpace
from centrabert.search.strategy.setting_ranking import Score, Scores
from centrabert.search.strategy.strategy import wanted, worst_case_jobs
from centrabert.search.strategy.training_cost import TrainingCost
from centrabert.search.workers.worker_pool import Outcome, Pool

JOBS = "jobs"


@dataclass
class Findings:
    """What the jobs of a search have brought up to now.

    Attributes:
      others: The jobs that were begun in the folder before, for the ledger.
    """

    results: dict[JobSpec, JobResult] = field(default_factory=dict)
    errors: dict[JobSpec, str] = field(default_factory=dict)
    others: Sequence[JobSpec] = field(default=(), compare=False)

    @property
    def scores(self) -> Scores:
        known = {spec: Score(each.quality, each.sampling_error) for spec, each in self.results.items()}
        return {**known, **dict.fromkeys(self.errors)}

    def finished(self, jobs_dir: Path) -> tuple[FinishedJob, ...]:
        return tuple(
            FinishedJob(spec, result, str(job_folder(jobs_dir, spec.digest)))
            for spec, result in self.results.items()
        )


@dataclass(frozen=True)
class Search:
    """One search in its folder.

    Attributes:
      cost: Knows the workload of every task of the space.
      cores: How many all jobs have together, to tell how long they will take.
    """

    space: SearchSpace
    output_dir: Path
    cost: TrainingCost
    cores: int

    @property
    def jobs_dir(self) -> Path:
        return self.output_dir / JOBS

    @property
    def dev_rows(self) -> Mapping[str, int]:
        return {task: work.dev_rows for task, work in self.cost.workloads.items()}

    def run(self, pool: Pool, display: Display) -> Findings:
        """Runs jobs until none is worth running any more; a job that failed stops none but its students.

        Jobs that are done already are only read. The ledger is rewritten after every change.

        Raises:
          KeyboardInterrupt: Stopped, every running job after a checkpoint; the same call goes on from there.
        """
        findings, running = Findings(others=read_specs(self.jobs_dir)), set[JobSpec]()
        try:
            self._start(findings, running, pool)
            self._show("", findings, display)
            while running:
                outcome = pool.next()
                running.remove(outcome.spec)
                news = self._take(outcome, findings)
                self._start(findings, running, pool)
                self._show(news, findings, display)
        finally:
            display.close()
            pool.stop()
            self._write_ledger(findings)
        return findings

    def read(self) -> Findings:
        """What is done already; starts nothing."""
        findings = Findings()
        self._read_done(findings)
        return findings

    def foreseen(self, scores: Scores) -> tuple[JobSpec, ...]:
        """All jobs that have ended or may be run."""
        return worst_case_jobs(self.space, scores, self.dev_rows)

    def _start(self, findings: Findings, running: set[JobSpec], pool: Pool) -> None:
        """Reads what is done, and fills the pool with the most urgent of what is not."""
        self._read_done(findings)
        for spec in self._not_ended(findings):
            if pool.free and spec not in running:
                pool.submit(spec)
                running.add(spec)

    def _read_done(self, findings: Findings) -> None:
        """Adds the results that are there; the more is known, the more is wanted, and may be there too."""
        while self._read_some(findings):
            pass

    def _read_some(self, findings: Findings) -> bool:
        read = [_read(spec, self.jobs_dir, findings) for spec in self._not_ended(findings)]
        return any(read)

    def _not_ended(self, findings: Findings) -> list[JobSpec]:
        scores = findings.scores
        return [spec for spec in wanted(self.space, scores, self.dev_rows) if spec not in scores]

    def _take(self, outcome: Outcome, findings: Findings) -> str:
        """Adds the outcome to the findings; returns what to say of it."""
        spec = outcome.spec
        if not _read(spec, self.jobs_dir, findings):
            findings.errors[spec] = outcome.error or "it left no result"
        if spec in findings.errors:
            return f"{spec.title}: failed: {findings.errors[spec]}"
        result = findings.results[spec]
        return f"{spec.title}: {result.metric} {result.quality:.1f} in {result.seconds:.0f} s"

    def _show(self, news: str, findings: Findings, display: Display) -> None:
        self._write_ledger(findings)
        scores = findings.scores
        foreseen = self.foreseen(scores)
        core_seconds = {spec: result.core_seconds for spec, result in findings.results.items()}
        left = seconds_to_come(foreseen, scores, core_seconds, self.cost, self.cores)
        display.show(news, progresses(foreseen, scores, self.cost), duration(left))

    def _write_ledger(self, findings: Findings) -> None:
        """On a full disk the ledger grows old and the search goes on: it does not read it."""
        specs = dict.fromkeys([*wanted(self.space, findings.scores, self.dev_rows), *findings.others])
        try:
            write_ledger(self.jobs_dir, specs, self.output_dir / FILE)
        except OSError as error:
            logging.warning("%s: cannot be written: %s", self.output_dir / FILE, error)


def finished_jobs(space: SearchSpace, jobs_dir: Path) -> tuple[FinishedJob, ...]:
    """Every job like those of `space` that was ever finished there: of its tasks, BERT, data and settings.

    L, l, learning rates, epochs and seeds may be others, and full fine-tunings padded or not.
    """
    found = Findings()
    for spec in read_specs(jobs_dir):
        if space.includes(spec):
            _read(replace(spec, bert_dir=space.bert_dir, data_root=space.data_root), jobs_dir, found)
    for error in found.errors.values():
        logging.warning("skipped a job: %s", error)
    return found.finished(jobs_dir)


def _read(spec: JobSpec, jobs_dir: Path, findings: Findings) -> bool:
    """Adds the job's result, if it is there, to the findings; one that is damaged is an error."""
    try:
        result = read_result(job_folder(jobs_dir, spec.digest))
    except UserError as error:
        findings.errors[spec] = f"{error}; remove the file to run the job again"
        return True
    if result is not None:
        findings.results[spec] = result
    return result is not None
