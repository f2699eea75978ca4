"""What a cluster needs to run a plan, in one folder: specs, Slurm scripts, Kubernetes manifests."""

from collections.abc import Sequence
from pathlib import Path

from centrabert.modeling.branch_folder import dump
from centrabert.modeling.files import new_folder, write_text
from centrabert.search.cluster import kubernetes_job, slurm_array
from centrabert.search.cluster.job_array import JobArray, NodePaths
from centrabert.search.cluster.kubernetes_job import Pod
from centrabert.search.cluster.plan_folder import write_plan_folder
from centrabert.search.cluster.slurm_array import SlurmQueue

PLAN, LOGS, SLURM, KUBERNETES, SUBMIT = "plan", "logs", "slurm", "kubernetes", "submit.sh"


def node_paths(output_dir: Path, jobs_dir: Path) -> NodePaths:
    """Where nodes find the folder that `write_cluster_files` writes: under the paths that it has here.

    Raises:
      UserError: A path is one that no script can be told.
    """
    files = output_dir.resolve()
    return NodePaths(str(files / PLAN), str(jobs_dir.resolve()), str(files / LOGS))


def slurm_files(arrays: Sequence[JobArray], queue: SlurmQueue) -> dict[str, str]:
    """Text by path: a script for each stage, and one that submits them."""
    scripts = {
        f"{SLURM}/{array.stage.name}.sbatch": slurm_array.slurm_array(array, queue) for array in arrays
    }
    return {**scripts, f"{SLURM}/{SUBMIT}": slurm_array.submit_script(arrays)}


def kubernetes_files(arrays: Sequence[JobArray], pod: Pod) -> dict[str, str]:
    """As `slurm_files`; raises UserError if the containers would not see a path."""
    manifests = {
        f"{KUBERNETES}/{array.stage.name}.json": dump(kubernetes_job.kubernetes_job(array, pod))
        for array in arrays
    }
    return {**manifests, f"{KUBERNETES}/{SUBMIT}": kubernetes_job.submit_script(arrays)}


def write_cluster_files(arrays: Sequence[JobArray], texts: dict[str, str], output_dir: Path) -> None:
    """Writes plan, texts and an empty folder for logs: all, or nothing.

    Raises:
      FileExistsError: `output_dir` is there already and is not an empty folder.
      OSError: The disk is full or the folder is not writable.
    """
    with new_folder(output_dir) as aside:
        write_plan_folder((array.stage for array in arrays), aside / PLAN)
        (aside / LOGS).mkdir()
        for name, text in texts.items():
            (aside / name).parent.mkdir(exist_ok=True)
            write_text(aside / name, text)
