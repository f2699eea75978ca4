"""Runs one job of a search: what run_search starts for each job, and what any cluster can start.

The job is a JSON file (--spec), or a line of the plan that run_search --dry_run writes (--plan, --index). Its
folder is JOBS_DIR/DIGEST. A job that is finished is only read; one that was stopped resumes from its last
checkpoint. A student needs the finished job of its teacher in the same JOBS_DIR.

    python -m centrabert.search.run_job --plan=output/search/plan.jsonl --index=$SLURM_ARRAY_TASK_ID
"""

from dataclasses import dataclass
from pathlib import Path

from centrabert import command
from centrabert.errors import UserError
from centrabert.flag_fields import define, flag, flag_group, read
from centrabert.machine import usable_cores
from centrabert.search.jobs.job_folder import read_spec
from centrabert.search.jobs.job_spec import JobSpec, read_plan
from centrabert.search.jobs.resumable_timer import Moment
from centrabert.search.workers import parent_watch
from centrabert.search.workers.cores import pin_process
from centrabert.training_flags import ActivationSettings


@dataclass(frozen=True, kw_only=True)
class JobFlags:
    """The job that is meant, and how it is to run."""

    spec: Path | None = flag("File with the job as JSON.", None)
    plan: Path | None = flag("File with a job on each line, as run_search --dry_run writes it.", None)
    index: int | None = flag("Which job of --plan to run; the first is 0.", None)
    jobs_dir: Path | None = flag("Folder of the jobs' folders. Default: jobs beside --plan.", None)
    activations: ActivationSettings = flag_group(
        {
            "activation_cache_dir": "Folder of the cache, which other runs can read too. "
            "Default: activations beside --jobs_dir."
        }
    )
    depths: tuple[int, ...] = flag(
        "Frozen layers of the other jobs of this task, separated by commas: the first job computes the "
        "outputs after all of them in one pass.",
        (),
    )
    threads: int = flag("Number of cores to use. 0 means as many as --cores names, or all.", 0, lower_bound=0)
    cores: tuple[int, ...] = flag("Numbers of the cores to stay on, as in 0,1. Default: any.", ())
    stop_with_input: bool = flag("Stop, after a checkpoint, when standard input ends.", False)

    def job(self) -> tuple[JobSpec, Path]:
        """The job, and the folder of the jobs; raises UserError where the flags name none."""
        if self.plan is not None and self.index is not None and self.spec is None:
            return _planned(self.plan, self.index), self.jobs_dir or self.plan.parent / "jobs"
        if self.spec is not None and self.jobs_dir is not None and self.plan is None and self.index is None:
            return read_spec(self.spec), self.jobs_dir
        raise UserError("give --plan and --index, or --spec and --jobs_dir")


FLAGS = define(JobFlags)


@dataclass(frozen=True)
class Run:
    """What is done."""

    spec: JobSpec
    jobs_dir: Path
    activations: ActivationSettings
    depths: tuple[int, ...]
    threads: int
    since: Moment


def main() -> None:
    since = Moment.of_start()  # importing TensorFlow is part of what a job costs
    given = read(JobFlags, FLAGS)
    if given.stop_with_input:
        parent_watch.exit_with_parent()
    spec, jobs_dir = given.job()
    threads = given.threads or len(given.cores) or usable_cores()
    pin_process(given.cores, threads)
    activations = given.activations.kept_in(jobs_dir.parent / "activations")
    run(Run(spec, jobs_dir, activations, given.depths, threads, since))


def _planned(plan: Path, index: int) -> JobSpec:
    jobs = read_plan(plan)
    if not 0 <= index < len(jobs):
        raise UserError(f"--index={index}: {plan} holds {len(jobs)} jobs, of which the first is 0")
    return jobs[index]


def run(run: Run) -> None:
    """Does the job and prints its quality."""
    from centrabert.search.jobs.job_training import JobSettings, do_job

    settings = JobSettings(run.activations.cache(), run.depths, run.threads, run.since)
    result = do_job(run.spec, run.jobs_dir, settings)
    print(f"{run.spec.title}: {result.metric} {result.quality:.1f} in {result.seconds:.0f} s")


if __name__ == "__main__":
    command.run(main, FLAGS)
