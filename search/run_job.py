"""Does one job of a search: what run_search starts, and what any cluster can.

The job stands in a JSON file, its folder is JOBS_DIR/DIGEST. A job that is done is only read; one that was
stopped goes on from its last checkpoint. A student wants its teacher's job done in the same JOBS_DIR.
"""

from dataclasses import dataclass
from pathlib import Path

from absl import flags

from centrabert import command, training_flags
from centrabert.search.jobs.job_folder import read_spec
from centrabert.search.jobs.job_spec import JobSpec
from centrabert.search.jobs.resumable_timer import Moment
from centrabert.search.workers import parent_watch
from centrabert.search.workers.cores import available, occupy

FLAGS = flags.FlagValues()
flags.DEFINE_string("spec", None, "The job as JSON.", flag_values=FLAGS)
flags.DEFINE_string("jobs_dir", None, "Folder of the jobs' folders.", flag_values=FLAGS)
training_flags.define_activation_cache(FLAGS, "activations beside --jobs_dir")
flags.DEFINE_list(
    "depths",
    [],
    "Frozen layers of the other jobs of this task, separated by commas: the first job computes the outputs "
    "after all of them in one pass.",
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "threads", 0, "Cores to use; 0: as many as --cores, or all.", lower_bound=0, flag_values=FLAGS
)
flags.DEFINE_list("cores", [], "Numbers of the cores to stay on, as in 0,1. Default: any.", flag_values=FLAGS)
flags.DEFINE_bool(
    "stop_with_input", False, "Stop, after a checkpoint, when standard input ends.", flag_values=FLAGS
)
for required in ("spec", "jobs_dir"):
    flags.mark_flag_as_required(required, flag_values=FLAGS)


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
        parent_watch.hold()
    jobs_dir = Path(FLAGS.jobs_dir)
    spec = read_spec(Path(FLAGS.spec))
    cores = [int(core) for core in FLAGS.cores]
    threads = FLAGS.threads or len(cores or available())
    occupy(cores, threads)
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


def run(run: Run) -> None:
    """Does the job and prints its quality."""
    from centrabert.search.jobs.job_training import JobSettings, do_job

    settings = JobSettings(run.activations.cache(), run.depths, run.threads, run.since)
    result = do_job(run.spec, run.jobs_dir, settings)
    print(f"{run.spec.title}: {result.metric} {result.quality:.4f} in {result.seconds:.0f} s")


if __name__ == "__main__":
    command.run(main, FLAGS)
