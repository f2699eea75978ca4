"""Slurm scripts: every option against sbatch(1), and the submission run with a stub."""

import re
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from program_stub import calls, run_script, stub
from tiny_plan import ARRAY, ODD, POD, odd_stages

from centrabert.search.cluster.cluster_files import kubernetes_files, node_paths, slurm_files
from centrabert.search.cluster.resources import Resources
from centrabert.search.cluster.slurm_array import SlurmQueue, slurm_array, submit_script

# sbatch(1): long options and the form of their values.
SBATCH = {
    "account": r"[\w.@-]+",
    "array": r"0-\d+%[1-9]\d*",
    "cpus-per-task": r"[1-9]\d*",
    "gres": r"gpu:[1-9]\d*",
    "job-name": r"[\w-]+",
    "mem": r"[1-9]\d*[KMGT]",
    "open-mode": r"append|truncate",
    "output": r"/[^%]*%a[^%]*",  # of the symbols after a percent sign only %a, the index
    "partition": r"[\w,-]+",
    "requeue": None,
    "time": r"(\d+-)?\d+:\d\d:\d\d",
}


def directives(script: str) -> dict[str, str | None]:
    """The options in a batch script; sbatch reads them up to the first command, and knows quotes and #."""
    found: dict[str, str | None] = {}
    lines = script.splitlines()
    assert lines[0] == "#!/bin/bash"
    first_command = next(place for place, line in enumerate(lines) if not line.startswith("#"))
    assert not [line for line in lines[first_command:] if line.startswith("#")]
    for line in lines[1:first_command]:
        prefix, option = shlex.split(line.replace("#", "", 1), comments=True)
        name, equals, value = option.removeprefix("--").partition("=")
        assert (prefix, option[:2]) == ("SBATCH", "--")
        assert name not in found
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


def test_slurm_golden() -> None:
    assert slurm_array(ARRAY, SlurmQueue("gpu,long", "nlp")) == (
        "#!/bin/bash\n"
        "#SBATCH --job-name=search-stage0\n"
        "#SBATCH --array=0-3%3\n"
        "#SBATCH --cpus-per-task=4\n"
        "#SBATCH --mem=8G\n"
        "#SBATCH --time=1-12:00:00\n"
        "#SBATCH --gres=gpu:1\n"
        "#SBATCH --partition=gpu,long\n"
        "#SBATCH --account=nlp\n"
        '#SBATCH --output="/data/out/logs/stage0-%a.log"\n'
        "#SBATCH --open-mode=append\n"
        "#SBATCH --requeue\n"
        "set -eu\n"
        "exec python -m centrabert.search.run_job "
        '--spec=/data/out/plan/stage0/"${SLURM_ARRAY_TASK_ID:?}".json --jobs_dir=/data/jobs --threads=4\n'
    )


@given(
    cpus=st.integers(1, 256),
    memory=st.from_regex(r"[1-9][0-9]{0,4}[MG]", fullmatch=True),
    gpus=st.integers(0, 8),
    time=st.sampled_from(["", "12:00:00", "1-00:00:00"]),
    queue=st.builds(SlurmQueue, st.sampled_from(["", "gpu"]), st.sampled_from(["", "nlp.team"])),
    folder=st.sampled_from(["/data", f"/{ODD}", "/數據"]),
)
def test_sbatch_takes_every_option(
    cpus: int, memory: str, gpus: int, time: str, queue: SlurmQueue, folder: str
) -> None:
    paths = node_paths(Path(folder, "out"), Path(folder, "jobs"))
    array = replace(ARRAY, paths=paths, resources=Resources(cpus, memory, gpus, time))
    options = directives(slurm_array(array, queue))
    assert misfits(options) == []
    assert options["output"] == f"{folder}/out/logs/stage0-%a.log"
    assert (options["cpus-per-task"], options["mem"]) == (str(cpus), memory)
    assert options.get("gres") == (f"gpu:{gpus}" if gpus else None)
    given = {"time": time, "partition": queue.partition, "account": queue.account}
    assert {name: options.get(name, "") for name in given} == given


def test_misfits_are_seen() -> None:
    options = {
        "array": "0-3",
        "mem": "8Gi",
        "cpu": "4",
        "requeue": "yes",
        "time": None,
        "open-mode": "append",
    }
    assert misfits(options) == ["array", "mem", "cpu", "requeue", "time"]


@pytest.mark.parametrize("partition", ["a b", "a\n#SBATCH --x", "-p", "a;b"])
def test_queues_refuse(partition: str) -> None:
    with pytest.raises(ValueError, match="is no name of a Slurm partition"):
        SlurmQueue(partition=partition)
    with pytest.raises(ValueError, match="is no name of a Slurm account"):
        SlurmQueue(account=partition)


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_scripts_parse(shell: str, tmp_path: Path) -> None:
    arrays = odd_stages(tmp_path)
    scripts = slurm_files(arrays, SlurmQueue()) | kubernetes_files(arrays, replace(POD, mount_path="/"))
    for name, text in scripts.items():
        if not name.endswith(".json"):
            subprocess.run([shell, "-n"], input=text, text=True, check=True)


@pytest.mark.parametrize("answer", ["17", "17;cluster"])
def test_submission(answer: str, tmp_path: Path) -> None:
    """Students wait for all teachers; afterany: one that fails does not stop the other students."""
    stubs, folder = tmp_path / "stubs", tmp_path / ODD
    stub(stubs, "sbatch", f"echo '{answer}'")
    done = run_script(submit_script(odd_stages(tmp_path)), folder, stubs)
    assert (done.returncode, done.stderr) == (0, "")
    assert calls(stubs) == [
        ["sbatch", str(folder), "--parsable", "stage0.sbatch"],
        ["sbatch", str(folder), "--parsable", "--dependency=afterany:17", "stage1.sbatch"],
    ]
    assert done.stdout == f"search-stage0: job {answer}\nsearch-stage1: job {answer}\n"


def test_submission_stops_at_a_refusal(tmp_path: Path) -> None:
    stub(tmp_path / "stubs", "sbatch", "exit 1")
    done = run_script(submit_script(odd_stages(tmp_path)), tmp_path / ODD, tmp_path / "stubs")
    assert done.returncode == 1
    assert len(calls(tmp_path / "stubs")) == 1
