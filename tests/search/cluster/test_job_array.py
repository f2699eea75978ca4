"""What a job of a cluster is given, and the command that starts it, run by the shells that will run it."""

import copy
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from program_stub import calls, run, stub
from tiny_plan import ARRAY, ODD, PATHS, POD, RESOURCES, TEACHERS, odd_array

from centrabert.search import run_job
from centrabert.search.cluster import kubernetes_job, slurm_array
from centrabert.search.cluster.cluster_files import node_paths
from centrabert.search.cluster.job_array import JobArray, NodePaths
from centrabert.search.cluster.plan_folder import write_plan_folder
from centrabert.search.cluster.resources import Resources
from centrabert.search.cluster.slurm_array import SlurmQueue
from centrabert.search.cluster.stage import Stage
from centrabert.search.jobs.job_spec import JobSpec


@pytest.mark.parametrize(
    ("time", "seconds"),
    [("", 0), ("00:00:01", 1), ("48:00:00", 172_800), ("1-02:03:04", 93_784), ("0-23:59:59", 86_399)],
)
def test_seconds(time: str, seconds: int) -> None:
    assert Resources(1, "8G", time=time).seconds == seconds


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cpus": 0}, "--cpus=0 is below 1"),
        ({"gpus": -1}, "--gpus=-1 is below 0"),
        *(
            ({"memory": text}, f"--memory={text} is not of the form 8G or 900M")
            for text in ("8", "0G", "8GB", "8Gi", "8g", "1.5G", "-8G", " 8G", "٨G", "")
        ),
        *(
            ({"time": text}, f"--time={text} is not of the form 12:00:00 or 1-12:00:00")
            for text in ("60", "1:60:00", "1:00:60", "1-24:00:00", "1-12", "12:00", "12:00:00\n", "-1:00:00")
        ),
        ({"time": "00:00:00"}, "--time=00:00:00 leaves no time"),
    ],
)
def test_resources_refuse(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        replace(RESOURCES, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        *(
            (
                {"search": name},
                f"--name={name} is more than a letter and 44 letters, digits and inner hyphens",
            )
            for name in ("", "Search", "1st", "a-", "a_b", "a" * 46, "a\n")
        ),
        ({"max_parallel": -1}, "--max_parallel=-1 is below 0; 0 sets no limit"),
        ({"flags": ("depths=3",)}, "--job_flags: depths=3 is no --name=value"),
        ({"flags": ("--debug", "--spec=x")}, "--job_flags: --spec=x is no --name=value, or one that is told"),
    ],
)
def test_an_array_refuses(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        replace(ARRAY, **change)


@pytest.mark.parametrize(("asked", "parallel"), [(0, 4), (1, 1), (4, 4), (9, 4)])
def test_parallel(asked: int, parallel: int) -> None:
    array = replace(ARRAY, max_parallel=asked)
    assert array.parallel == parallel
    assert f"#SBATCH --array=0-3%{parallel}\n" in slurm_array.slurm_array(array, SlurmQueue())
    assert kubernetes_job.kubernetes_job(array, POD)["spec"]["parallelism"] == parallel


@pytest.mark.parametrize("path", ["data", "/a\nb", '/a"b', "/a\\b", "/a%b", "/a$b"])
def test_paths_refuse(path: str) -> None:
    with pytest.raises(ValueError, match=r"not an absolute path|may be in it; rename it"):
        replace(PATHS, jobs_dir=path)


@pytest.mark.parametrize("part", ["bert_dir", "data_root"])
def test_a_relative_path_in_a_spec_is_refused(part: str) -> None:
    specs = (TEACHERS[0], replace(TEACHERS[1], **{part: "a/b"}))
    with pytest.raises(ValueError, match="a/b: not an absolute path, which a node needs"):
        replace(ARRAY, stage=Stage(0, specs))


def test_relative_paths_start_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out"
    wanted = NodePaths(f"{out}/plan", f"{tmp_path.parent}/jobs", f"{out}/logs")
    assert node_paths(Path("out"), Path("../jobs")) == wanted


def slurm_command(array: JobArray, folder: Path) -> tuple[list[str], str]:
    script = folder / "job.sbatch"
    script.write_text(slurm_array.slurm_array(array, SlurmQueue()))
    return ["bash", str(script)], "SLURM_ARRAY_TASK_ID"


def kubernetes_command(array: JobArray, folder: Path) -> tuple[list[str], str]:
    pod = replace(POD, mount_path=str(folder))
    (container,) = kubernetes_job.kubernetes_job(array, pod)["spec"]["template"]["spec"]["containers"]
    return container["command"], "JOB_COMPLETION_INDEX"


COMMANDS = pytest.mark.parametrize("of_cluster", [slurm_command, kubernetes_command])


@COMMANDS
@pytest.mark.parametrize("index", [0, 3])
def test_the_right_job_is_called(of_cluster: Any, index: int, tmp_path: Path) -> None:
    argv, variable = of_cluster(odd_array(tmp_path), tmp_path)
    stub(tmp_path / "stubs", "python")
    done = run(argv, tmp_path / "stubs", **{variable: str(index)})
    assert (done.returncode, done.stderr) == (0, "")
    here = f"{tmp_path}/{ODD}"
    assert calls(tmp_path / "stubs") == [
        [
            *("python", str(tmp_path / "stubs"), "-m", "centrabert.search.run_job"),
            f"--spec={here}/my out/plan/stage0/{index}.json",
            f"--jobs_dir={here}/my jobs",
            "--threads=4",
            "--depths=1,4",
            "--activation_cache_dir=/a b",
        ]
    ]


@COMMANDS
def test_run_job_takes_what_it_is_told(of_cluster: Any, tmp_path: Path) -> None:
    odd = odd_array(tmp_path)
    argv, variable = of_cluster(odd, tmp_path)
    stub(tmp_path / "stubs", "python")
    write_plan_folder([odd.stage], Path(odd.paths.plan_dir))
    run(argv, tmp_path / "stubs", **{variable: "2"})
    ((_, _, _, name, *told),) = calls(tmp_path / "stubs")
    assert name == run_job.__name__
    values = copy.deepcopy(run_job.FLAGS)
    assert values(["run_job", *told]) == ["run_job"]
    assert JobSpec.from_json(json.loads(Path(values.spec).read_text())) == odd.stage.specs[2]
    assert (values.jobs_dir, values.threads) == (odd.paths.jobs_dir, 4)


@COMMANDS
def test_how_a_job_ends_is_how_python_ends(of_cluster: Any, tmp_path: Path) -> None:
    argv, variable = of_cluster(odd_array(tmp_path), tmp_path)
    stub(tmp_path / "stubs", "python", "exit 143")
    assert run(argv, tmp_path / "stubs", **{variable: "0"}).returncode == 143


@COMMANDS
def test_nothing_runs_without_an_index(of_cluster: Any, tmp_path: Path) -> None:
    argv, variable = of_cluster(odd_array(tmp_path), tmp_path)
    stub(tmp_path / "stubs", "python")
    unset = run(argv, tmp_path / "stubs")
    assert unset.returncode != 0
    assert variable in unset.stderr
    assert calls(tmp_path / "stubs") == []
