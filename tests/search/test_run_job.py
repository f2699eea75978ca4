"""run_job: which job the flags name; the example files of Slurm and Kubernetes, run as these do."""

import copy
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from program_stub import calls, run, stub
from source_tree import ROOT
from tiny_plan import FULL, PLAN, STUDENTS

from centrabert import command
from centrabert.search import run_job
from centrabert.search.jobs.job_folder import prepare
from centrabert.search.jobs.job_spec import JobSpec, plan_order, write_plan

SBATCH_FILE, JOB_FILE = ROOT / "docs/search_array.sbatch", ROOT / "docs/search_job.yaml"
ORDERED = plan_order(PLAN)


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    write_plan(ORDERED, tmp_path / "plan.jsonl")
    return tmp_path / "plan.jsonl"


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[run_job.Run]:
    """What was asked of run_job, which trains nothing here."""
    asked: list[run_job.Run] = []
    monkeypatch.setattr(run_job, "run", asked.append)
    monkeypatch.setattr(run_job, "pin_process", lambda cores, threads: None)
    return asked


def script(*flags: str) -> int:
    return command.status(run_job.main, run_job.FLAGS, ["run_job", *flags])


def test_a_job_of_a_plan_is_found_by_its_index(plan: Path, ran: list[run_job.Run]) -> None:
    for index in range(len(ORDERED)):
        assert script(f"--plan={plan}", f"--index={index}", "--threads=3") == 0
    assert [run.spec for run in ran] == [*ORDERED]
    assert {(run.jobs_dir, run.threads) for run in ran} == {(plan.parent / "jobs", 3)}
    assert script(f"--plan={plan}", "--index=0", "--jobs_dir=elsewhere") == 0
    assert ran[-1].jobs_dir == Path("elsewhere")


def test_a_job_is_found_by_its_spec(tmp_path: Path, ran: list[run_job.Run]) -> None:
    folder = prepare(tmp_path, FULL)
    assert script(f"--spec={folder / 'spec.json'}", f"--jobs_dir={tmp_path}") == 0
    assert (ran[0].spec, ran[0].jobs_dir) == (FULL, tmp_path)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--index=6"], "--index=6: PLAN holds 6 jobs, of which the first is 0"),
        (["--index=-1"], "--index=-1: PLAN holds 6 jobs, of which the first is 0"),
        ([], "give --plan and --index, or --spec and --jobs_dir"),
        (["--index=1", "--spec=spec.json"], "give --plan and --index, or --spec and --jobs_dir"),
        (["--index=1", "--cores=0,x"], "--cores=0,x is not a list of numbers, as in 1,2,3"),
        (["--index=1", "--depths=one"], "--depths=one is not a list of numbers, as in 1,2,3"),
    ],
)
def test_mistakes(
    plan: Path, ran: list[run_job.Run], flags: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script(f"--plan={plan}", *flags) == 1
    assert message.replace("PLAN", str(plan)) in capsys.readouterr().err
    assert ran == []


# The examples.


def slurm(folder: Path) -> tuple[list[str], dict[str, str], str]:
    """The command that Slurm runs, its environment but for the index, and the variable of that."""
    variables = {"PLAN": str(folder / "plan.jsonl"), "SLURM_CPUS_PER_TASK": "4"}
    return ["bash", str(SBATCH_FILE)], variables, "SLURM_ARRAY_TASK_ID"


def kubernetes(folder: Path, first: int = 0) -> tuple[list[str], dict[str, str], str]:
    """As `slurm`, for the container; its plan is at another path here."""
    (container,) = yaml.safe_load(JOB_FILE.read_text())["spec"]["template"]["spec"]["containers"]
    argv = [
        word.replace("/disk/search/plan.jsonl", str(folder / "plan.jsonl")) for word in container["command"]
    ]
    assert container["env"] == [{"name": "FIRST", "value": "0"}]
    return argv, {"FIRST": str(first)}, "JOB_COMPLETION_INDEX"


CLUSTERS = pytest.mark.parametrize("cluster", [slurm, kubernetes])


def asked(folder: Path) -> JobSpec:
    """The job that the stub of Python was called for, by the flags of run_job."""
    ((*_, name, plan, index, threads),) = calls(folder)
    assert (name, threads) == (run_job.__name__, "--threads=4")
    values = copy.deepcopy(run_job.FLAGS)
    assert values(["run_job", plan, index]) == ["run_job"]
    return run_job._planned(Path(values.plan), values.index)


@CLUSTERS
@pytest.mark.parametrize("index", [0, 3])
def test_an_example_runs_the_job_of_its_index(cluster: Any, index: int, plan: Path, tmp_path: Path) -> None:
    argv, variables, name = cluster(tmp_path)
    stub(tmp_path / "stubs", "python")
    done = run(argv, tmp_path / "stubs", **variables, **{name: str(index)})
    assert (done.returncode, done.stderr) == (0, "")
    assert asked(tmp_path / "stubs") == ORDERED[index]


def test_a_second_stage_of_kubernetes_begins_at_its_first_student(plan: Path, tmp_path: Path) -> None:
    argv, variables, name = kubernetes(tmp_path, first=4)
    stub(tmp_path / "stubs", "python")
    run(argv, tmp_path / "stubs", **variables, **{name: "1"})
    assert asked(tmp_path / "stubs") == STUDENTS[1]


@CLUSTERS
def test_how_a_job_ends_is_how_python_ends(cluster: Any, tmp_path: Path) -> None:
    argv, variables, name = cluster(tmp_path)
    stub(tmp_path / "stubs", "python", "exit 143")
    assert run(argv, tmp_path / "stubs", **variables, **{name: "0"}).returncode == 143


def test_slurm_runs_nothing_without_an_index(tmp_path: Path) -> None:
    argv, variables, name = slurm(tmp_path)
    stub(tmp_path / "stubs", "python")
    unset = run(argv, tmp_path / "stubs", **variables)
    assert unset.returncode != 0 and name in unset.stderr
    assert calls(tmp_path / "stubs") == []


# sbatch(1): long options and the form of their values.
SBATCH = {
    "cpus-per-task": r"[1-9]\d*",
    "job-name": r"[\w-]+",
    "mem": r"[1-9]\d*[KMGT]",
    "open-mode": r"append|truncate",
    "output": r"[^%]*%a[^%]*",  # of the symbols after a percent sign only %a, the index
    "requeue": None,
    "time": r"(\d+-)?\d+:\d\d:\d\d",
}


def directives(text: str) -> dict[str, str | None]:
    """The options in a batch script; sbatch reads them up to the first command, and knows quotes and #."""
    found: dict[str, str | None] = {}
    lines = text.splitlines()
    assert lines[0] == "#!/bin/bash"
    first_command = next(index for index, line in enumerate(lines) if not line.startswith("#"))
    assert not [line for line in lines[first_command:] if line.startswith("#")]
    for line in lines[1:first_command]:
        if line.startswith("#SBATCH"):
            _, option = shlex.split(line.replace("#", "", 1), comments=True)
            name, equals, value = option.removeprefix("--").partition("=")
            assert option.startswith("--") and name not in found
            found[name] = value if equals else None
    return found


def misfits(options: dict[str, str | None]) -> list[str]:
    """The options that sbatch would refuse."""
    return [
        name
        for name, value in options.items()
        if name not in SBATCH
        or (SBATCH[name] is None) != (value is None)
        or (value is not None and not re.fullmatch(str(SBATCH[name]), value, re.ASCII))
    ]


def test_sbatch_takes_every_option() -> None:
    options = directives(SBATCH_FILE.read_text())
    assert misfits(options) == []
    assert options["cpus-per-task"] == "4" and "requeue" in options
    subprocess.run(["bash", "-n", str(SBATCH_FILE)], check=True)


def test_misfits_are_seen() -> None:
    options = {"mem": "8Gi", "cpu": "4", "requeue": "yes", "time": None, "open-mode": "append"}
    assert misfits(options) == ["mem", "cpu", "requeue", "time"]


@pytest.mark.parametrize("version", ["1.29", "1.31", "1.33", kubernetes_validate.latest_version()])
def test_the_schema_takes_the_job(version: str) -> None:
    job = yaml.safe_load(JOB_FILE.read_text())
    assert kubernetes_validate.validate(job, version, strict=True) == version.rpartition(".0")[0] or version


@pytest.mark.parametrize(
    ("where", "key", "value"),
    [
        (("spec",), "completion", 4),
        (("spec",), "parallelism", "3"),
        (("spec", "podFailurePolicy"), "rules", [{"onPodConditions": []}]),
        (("spec", "template", "spec", "containers", 0), "command", "sh"),
    ],
)
def test_the_schema_sees_mistakes(where: tuple[Any, ...], key: str, value: Any) -> None:
    part = job = yaml.safe_load(JOB_FILE.read_text())
    for step in where:
        part = part[step]
    part[key] = value
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(job, "1.33", strict=True)


def test_what_the_jobs_of_kubernetes_rely_on() -> None:
    """A failed index stops no other; a pod is replaced once it is gone; what is evicted is no failure."""
    spec = yaml.safe_load(JOB_FILE.read_text())["spec"]
    assert (spec["completionMode"], spec["podReplacementPolicy"]) == ("Indexed", "Failed")
    assert spec["backoffLimitPerIndex"] == 2 and spec["template"]["spec"]["restartPolicy"] == "Never"
    (rule,) = spec["podFailurePolicy"]["rules"]
    assert rule == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}


def test_students_are_submitted_behind_their_teachers(tmp_path: Path) -> None:
    """The commands of docs/CLUSTER.md."""
    page = (ROOT / "docs/CLUSTER.md").read_text()
    (block,) = [block for block in re.findall(r"```bash\n(.*?)```", page, re.DOTALL) if "sbatch" in block]
    stub(tmp_path / "stubs", "sbatch", "echo Submitted batch job 17")
    assert run(["bash", "-euc", block], tmp_path / "stubs").returncode == 0
    assert [call[2:] for call in calls(tmp_path / "stubs")] == [
        ["--array=0-3", "docs/search_array.sbatch"],
        ["--array=4-11%32", "--dependency=afterany:17", "docs/search_array.sbatch"],
    ]
