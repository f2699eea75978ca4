"""run_cluster_files: from a plan to all files, in one step; one line for a mistake."""

import json
from pathlib import Path

import pytest
from full_disk import largest_file
from program_stub import calls, run, stub
from tiny_plan import PLAN, files_in

from centrabert import command
from centrabert.search import run_cluster_files
from centrabert.search.cluster.job_array import JobArray, NodePaths
from centrabert.search.cluster.kubernetes_job import Pod, kubernetes_job
from centrabert.search.cluster.resources import Resources
from centrabert.search.cluster.stage import stages
from centrabert.search.jobs.plan_file import write_plan


def script(*flags: str) -> int:
    return command.status(run_cluster_files.main, run_cluster_files.FLAGS, ["run_cluster_files", *flags])


@pytest.fixture
def search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The flags that the script wants, in a folder that holds that of a search with a plan."""
    monkeypatch.chdir(tmp_path)
    Path("search").mkdir()
    write_plan(PLAN, Path("search/plan.jsonl"))
    return ["--specs=search/plan.jsonl", "--output_dir=my out"]


SLURM_FILES = {"slurm/stage0.sbatch", "slurm/stage1.sbatch", "slurm/submit.sh"}
KUBERNETES_FILES = {"kubernetes/stage0.json", "kubernetes/stage1.json", "kubernetes/submit.sh"}
PLAN_FILES = {
    "plan/jobs.tsv",
    *(f"plan/stage0/{index}.json" for index in range(4)),
    *(f"plan/stage1/{index}.json" for index in range(2)),
}


def test_script_for_slurm(search: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert script(*search, "--name=s", "--max_parallel=3", "--job_flags=--depths=1,4 --debug") == 0
    assert files_in(tmp_path / "my out") == PLAN_FILES | SLURM_FILES
    assert (tmp_path / "my out" / "logs").is_dir(), "Slurm does not make it, and drops a job without"
    assert capsys.readouterr().out == (
        "s-stage0: 4 in all, 3 at a time\ns-stage1: 2 in all, 2 at a time\nsh 'my out/slurm/submit.sh'\n"
    )
    stub(tmp_path / "stubs", "python")
    argv = ["bash", str(tmp_path / "my out" / "slurm" / "stage1.sbatch")]
    run(argv, tmp_path / "stubs", SLURM_ARRAY_TASK_ID="1")
    ((*_, spec, jobs_dir, threads, depths, debug),) = calls(tmp_path / "stubs")
    assert spec == f"--spec={tmp_path}/my out/plan/stage1/1.json"
    assert jobs_dir == f"--jobs_dir={tmp_path}/search/jobs"
    assert (threads, depths, debug) == ("--threads=4", "--depths=1,4", "--debug")


def test_script_for_kubernetes(search: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = "--image=a/b:1", "--claim=disk", "--mount_path=/", "--jobs_dir=jobs", "--time=01:00:00"
    assert script(*search, *flags) == 0
    assert files_in(tmp_path / "my out") == PLAN_FILES | SLURM_FILES | KUBERNETES_FILES
    assert capsys.readouterr().out.endswith("sh 'my out/kubernetes/submit.sh'\n")
    out = f"{tmp_path}/my out"
    paths = NodePaths(f"{out}/plan", f"{tmp_path}/jobs", f"{out}/logs")
    for stage in stages(PLAN):
        array = JobArray(stage, "centrabert-search", paths, Resources(4, "8G", time="01:00:00"))
        written = json.loads((tmp_path / "my out" / "kubernetes" / f"{stage.name}.json").read_text())
        assert written == kubernetes_job(array, Pod("a/b:1", "disk", "/"))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--cpus=0"], "--cpus=0 is below 1"),
        (["--memory=8"], "--memory=8 is not of the form 8G or 900M"),
        (["--time=90"], "--time=90 is not of the form 12:00:00 or 1-12:00:00"),
        (
            ["--image=A B", "--claim=c"],
            "--image=A B is not of the form host/name:tag, such as centrabert:1.0",
        ),
        (["--image=a"], "--claim= is no name of a PersistentVolumeClaim"),
        (["--claim=c"], "--claim without --image: Kubernetes needs both"),
        (["--image=a", "--claim=c"], "--mount_path= is not an absolute path"),
        (["--image=a", "--claim=c", "--mount_path=/search"], "is outside --mount_path=/search, where the"),
        (["--job_flags=--a='"], "--job_flags=--a=': No closing quotation"),
        (["--specs=none.jsonl"], "none.jsonl: no such file; run_search --dry_run writes a plan"),
        (["--output_dir=search"], "search: exists already; choose another folder or remove it first"),
    ],
)
def test_script_refuses(
    search: list[str], flags: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script(*search, *flags) == 1
    error = capsys.readouterr().err
    assert error.startswith("run_cluster_files: error: ")
    assert message in error
    assert error.count("\n") == 1
    assert files_in(tmp_path) == {"search/plan.jsonl"}


def test_script_writes_all_or_nothing(search: list[str], tmp_path: Path) -> None:
    flags = "--image=a/b:1", "--claim=disk", "--mount_path=/"
    with largest_file(1000):  # enough for a spec, not for a manifest
        assert script(*search, *flags) == 1
    assert files_in(tmp_path) == {"search/plan.jsonl"}
    assert script(*search, *flags) == 0
