"""Batch scripts of Slurm: one job array for each stage (sbatch(1), Slurm 20.02 or newer)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from centrabert.errors import UserError
from centrabert.search.cluster.job_array import JobArray

INDEX = "SLURM_ARRAY_TASK_ID"
NAME = re.compile(r"[A-Za-z0-9_][\w.,@-]*", re.ASCII)


@dataclass(frozen=True)
class SlurmQueue:
    """Where jobs are queued; "" is the cluster's default."""

    partition: str = ""
    account: str = ""

    def __post_init__(self) -> None:
        for flag, value in (("partition", self.partition), ("account", self.account)):
            if value and not NAME.fullmatch(value):
                raise UserError(f"--{flag}={value} is no name of a Slurm {flag}")


def slurm_array(array: JobArray, queue: SlurmQueue) -> str:
    """The script that sbatch takes.

    A job whose node is lost is queued again and goes on where it was.
    """
    lines = [f"#SBATCH --{name}={value}" for name, value in _options(array, queue)]
    return "\n".join(["#!/bin/bash", *lines, "#SBATCH --requeue", "set -eu", array.shell_line(INDEX), ""])


def _options(array: JobArray, queue: SlurmQueue) -> list[tuple[str, str]]:
    resources = array.resources
    options = [
        ("job-name", array.name),
        ("array", f"0-{array.size - 1}%{array.parallel}"),
        ("cpus-per-task", str(resources.cpus)),
        ("mem", resources.memory),
        ("time", resources.time),
        ("gres", f"gpu:{resources.gpus}" if resources.gpus else ""),
        ("partition", queue.partition),
        ("account", queue.account),
        ("output", f'"{array.paths.logs_dir}/{array.stage.name}-%a.log"'),
        ("open-mode", "append"),
    ]
    return [(name, value) for name, value in options if value]


def submit_script(arrays: Sequence[JobArray]) -> str:
    """A shell script that submits NAME.sbatch beside it for each stage, in their order.

    A stage starts when every job of the one before has ended, well or not: one failed teacher stops none
    but its own students, which end at once and say why.
    """
    lines = ["#!/bin/sh", "set -eu", 'cd "$(dirname "$0")"']
    dependency = ""
    for array in arrays:
        stage = array.stage.name
        lines += [
            f"{stage}=$(sbatch --parsable{dependency} {stage}.sbatch)",
            f'echo "{array.name}: job ${stage}"',
        ]
        dependency = f' --dependency="afterany:${{{stage}%%;*}}"'  # --parsable says ID or ID;CLUSTER
    return "\n".join([*lines, ""])
