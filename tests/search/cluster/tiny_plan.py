"""A plan of six jobs, and what a cluster is told about it."""

from dataclasses import replace
from pathlib import Path

from centrabert.search.cluster.cluster_files import node_paths
from centrabert.search.cluster.job_array import JobArray, NodePaths
from centrabert.search.cluster.kubernetes_job import Pod
from centrabert.search.cluster.resources import Resources
from centrabert.search.cluster.stage import Stage, stages
from centrabert.search.jobs.job_spec import JobSpec

FULL = JobSpec("/data/bert", "/data/glue", "mrpc", "full", 6)
TEACHERS = tuple(JobSpec("/data/bert", "/data/glue", "rte", "teacher", layers) for layers in (2, 3, 5))
STUDENTS = tuple(
    replace(TEACHERS[1], kind="student", student_layers=layers, teacher=TEACHERS[1].digest)
    for layers in (1, 2)
)
PLAN = (*TEACHERS, *STUDENTS, FULL)
PATHS = NodePaths("/data/out/plan", "/data/jobs", "/data/out/logs")
RESOURCES = Resources(cpus=4, memory="8G", gpus=1, time="1-12:00:00")
ARRAY = JobArray(stages(PLAN)[0], "search", PATHS, RESOURCES, max_parallel=3)
POD = Pod("registry.example:5000/team/centrabert:1.0", "shared-disk", "/data")
# What a user may call a folder.
ODD = "it's a (folder) & #1; *"


def odd_array(folder: Path) -> JobArray:
    """Jobs whose paths hold whatever a shell could stumble over."""
    here = folder / ODD
    here.mkdir()
    specs = tuple(replace(spec, bert_dir=f"{here}/bert", data_root=str(here)) for spec in (*TEACHERS, FULL))
    paths = node_paths(here / "my out", here / "my jobs")
    return replace(
        ARRAY, stage=Stage(0, specs), paths=paths, flags=("--depths=1,4", "--activation_cache_dir=/a b")
    )


def odd_stages(folder: Path) -> list[JobArray]:
    """As odd_array, both stages of the plan."""
    first = odd_array(folder)
    own = first.stage.specs[0]
    students = tuple(replace(spec, bert_dir=own.bert_dir, data_root=own.data_root) for spec in STUDENTS)
    return [first, replace(first, stage=Stage(1, students))]


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
