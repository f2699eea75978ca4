"""Writes what a Slurm or Kubernetes cluster needs to run the jobs of a search, from its plan.

One array of jobs for each stage: teachers and full fine-tunings first, then students. A job that is done
returns at once, so submitting again runs what is missing. All nodes must see BERT, data, plan and jobs under
the paths that they have here. Kubernetes files are written if --image is given.
"""

import os
import shlex
from pathlib import Path

from absl import flags

from centrabert import command
from centrabert.errors import UserError
from centrabert.search.cluster.cluster_files import (
    kubernetes_files,
    node_paths,
    slurm_files,
    write_cluster_files,
)
from centrabert.search.cluster.job_array import JobArray
from centrabert.search.cluster.kubernetes_job import Pod
from centrabert.search.cluster.resources import Resources
from centrabert.search.cluster.slurm_array import SlurmQueue
from centrabert.search.cluster.stage import stages
from centrabert.search.jobs.plan_file import read_plan

FLAGS = flags.FlagValues()
flags.DEFINE_string("specs", None, "plan.jsonl, as run_search --dry_run writes it.", flag_values=FLAGS)
flags.DEFINE_string("output_dir", None, "Where the files go; must not exist.", flag_values=FLAGS)
flags.DEFINE_string(
    "jobs_dir",
    "",
    "Folder of the jobs. Default: jobs beside --specs, as run_search has it.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "name", "centrabert-search", "Name of the arrays; -stage0, ... follows.", flag_values=FLAGS
)
flags.DEFINE_string(
    "python", "python", "Python of the nodes: a name on their PATH, or a path.", flag_values=FLAGS
)
flags.DEFINE_string(
    "job_flags",
    "",
    "More flags of run_job, for every job, as in '--depths=3,4 --activation_cache_gb=20'.",
    flag_values=FLAGS,
)
flags.DEFINE_integer("max_parallel", 0, "Jobs at the same time; 0 sets no limit.", flag_values=FLAGS)
flags.DEFINE_integer("cpus", 4, "Cores of a job.", flag_values=FLAGS)
flags.DEFINE_string("memory", "8G", "Memory of a job, as in 8G or 900M.", flag_values=FLAGS)
flags.DEFINE_integer("gpus", 0, "GPUs of a job.", flag_values=FLAGS)
flags.DEFINE_string(
    "time",
    "",
    "Time limit of a job, as in 12:00:00 or 1-12:00:00. By default the cluster's own.",
    flag_values=FLAGS,
)
flags.DEFINE_string("partition", "", "Slurm: partition.", flag_values=FLAGS)
flags.DEFINE_string("account", "", "Slurm: account.", flag_values=FLAGS)
flags.DEFINE_string("image", "", "Kubernetes: container image with centrabert.", flag_values=FLAGS)
flags.DEFINE_string(
    "claim", "", "Kubernetes: PersistentVolumeClaim of the disk that all nodes see.", flag_values=FLAGS
)
flags.DEFINE_string(
    "mount_path",
    "",
    "Kubernetes: where the containers see that disk, and this machine too.",
    flag_values=FLAGS,
)
flags.DEFINE_string("namespace", "", "Kubernetes: namespace.", flag_values=FLAGS)
flags.DEFINE_integer("retries", 2, "Kubernetes: how often a failed job is tried again.", flag_values=FLAGS)
for required in ("specs", "output_dir"):
    flags.mark_flag_as_required(required, flag_values=FLAGS)


def main() -> None:
    queue = SlurmQueue(FLAGS.partition, FLAGS.account)
    pod = _pod()
    arrays = _arrays()
    texts = {**slurm_files(arrays, queue), **(kubernetes_files(arrays, pod) if pod else {})}
    write_cluster_files(arrays, texts, Path(FLAGS.output_dir))
    for array in arrays:
        print(f"{array.name}: {array.size} in all, {array.parallel} at a time")
    for script in (name for name in texts if name.endswith(".sh")):
        print(f"sh {shlex.quote(os.path.join(FLAGS.output_dir, script))}")


def _arrays() -> tuple[JobArray, ...]:
    specs = Path(FLAGS.specs)
    paths = node_paths(Path(FLAGS.output_dir), Path(FLAGS.jobs_dir or specs.parent / "jobs"))
    resources = Resources(FLAGS.cpus, FLAGS.memory, FLAGS.gpus, FLAGS.time)
    return tuple(
        JobArray(
            stage=stage,
            search=FLAGS.name,
            paths=paths,
            resources=resources,
            python=FLAGS.python,
            flags=_job_flags(),
            max_parallel=FLAGS.max_parallel,
        )
        for stage in stages(read_plan(specs))
    )


def _job_flags() -> tuple[str, ...]:
    try:
        return tuple(shlex.split(FLAGS.job_flags))
    except ValueError as error:
        raise UserError(f"--job_flags={FLAGS.job_flags}: {error}") from None


def _pod() -> Pod | None:
    if FLAGS.image:
        return Pod(FLAGS.image, FLAGS.claim, FLAGS.mount_path, FLAGS.namespace, FLAGS.retries)
    if FLAGS.claim:
        raise UserError("--claim without --image: Kubernetes needs both")
    return None


if __name__ == "__main__":
    command.run(main, FLAGS)
