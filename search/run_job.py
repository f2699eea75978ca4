"""Runs one job of a search: what run_search starts for each job, and what any cluster can start.

The job is a JSON file (--spec), or a line of the plan that run_search --dry_run writes (--plan, --index). Its
folder is JOBS_DIR/DIGEST. A job that is finished is only read; one that was stopped resumes from its last
checkpoint. A student needs the finished job of its teacher in the same JOBS_DIR.

    python -m centrabert.search.run_job --plan=output/search/plan.jsonl --index=$SLURM_ARRAY_TASK_ID
"""

from dataclasses import dataclass
from pathlib import Path

from absl import flags

from centrabert import command, training_flags
from centrabert.errors import UserError
from centrabert.machine import usable_cores
from centrabert.search.jobs.job_folder import read_spec
from centrabert.search.jobs.job_spec import JobSpec, read_plan
from centrabert.search.jobs.resumable_timer import Moment
from centrabert.search.workers import parent_watch
from centrabert.search.workers.cores import pin_process

FLAGS = flags.FlagValues()
flags.DEFINE_string("spec", None, "File with the job as JSON.", flag_values=FLAGS)
flags.DEFINE_string(
    "plan", None, "File with a job on each line, as run_search --dry_run writes it.", flag_values=FLAGS
)
flags.DEFINE_integer("index", None, "Which job of --plan to run; the first is 0.", flag_values=FLAGS)
flags.DEFINE_string(
    "jobs_dir", None, "Folder of the jobs' folders. Default: jobs beside --plan.", flag_values=FLAGS
)
training_flags.define_activation_cache(FLAGS, "activations beside --jobs_dir")
flags.DEFINE_list(
    "depths",
    [],
    "Frozen layers of the other jobs of this task, separated by commas: the first job computes the outputs "
    "after all of them in one pass.",
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "threads",
    0,
    "Number of cores to use. 0 means as many as --cores names, or all.",
    lower_bound=0,
    flag_values=FLAGS,
)
flags.DEFINE_list("cores", [], "Numbers of the cores to stay on, as in 0,1. Default: any.", flag_values=FLAGS)
flags.DEFINE_bool(
    "stop_with_input", False, "Stop, after a checkpoint, when standard input ends.", flag_values=FLAGS
)


@dataclass(frozen=True)
class Run:
    """What the flags ask for."""

    spec: JobSpec
    jobs_dir: Path
    activations: training_flags.ActivationSettings
    depths: tuple[int, ...]
    threads: int
    since: Moment


def main() -> None:
    since = Moment.of_start()  # importing TensorFlow is part of what a job costs
    if FLAGS.stop_with_input:
        parent_watch.exit_with_parent()
    spec, jobs_dir = _job(FLAGS.spec, FLAGS.plan, FLAGS.index, FLAGS.jobs_dir)
    cores = [int(core) for core in FLAGS.cores]
    threads = FLAGS.threads or len(cores) or usable_cores()
    pin_process(cores, threads)
    run(
        Run(
            spec=spec,
            jobs_dir=jobs_dir,
            activations=training_flags.activation_settings(FLAGS, jobs_dir.parent / "activations"),
            depths=tuple(int(depth) for depth in FLAGS.depths),
            threads=threads,
            since=since,
        )
    )


def _job(spec: str | None, plan: str | None, index: int | None, jobs_dir: str | None) -> tuple[JobSpec, Path]:
    """The job that the flags name, and the folder of the jobs."""
    if plan is not None and index is not None and spec is None:
        return _planned(Path(plan), index), Path(jobs_dir or Path(plan).parent / "jobs")
    if spec is not None and jobs_dir is not None and plan is None and index is None:
        return read_spec(Path(spec)), Path(jobs_dir)
    raise UserError("give --plan and --index, or --spec and --jobs_dir")


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
