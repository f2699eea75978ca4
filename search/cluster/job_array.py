"""A stage as one array of numbered jobs, whichever cluster runs it."""

import re
import shlex
from dataclasses import dataclass

from centrabert.errors import UserError
from centrabert.search.cluster.resources import Resources
from centrabert.search.cluster.stage import Stage

NAME = re.compile(r"[a-z]([-a-z0-9]{0,43}[a-z0-9])?")  # -stage1-12345 follows, and Kubernetes ends at 63
UNTOLD = '"\\%$'  # Slurm reads the first three in its own way, Kubernetes the last
OWN_FLAGS = frozenset(["--spec", "--jobs_dir", "--threads"])
MODULE = "centrabert.search.run_job"


@dataclass(frozen=True)
class NodePaths:
    """Where all nodes find things, each an absolute path.

    Attributes:
      plan_dir: As write_plan_folder writes it.
      jobs_dir: Gets one folder for each job.
      logs_dir: Gets what Slurm's jobs print.
    """

    plan_dir: str
    jobs_dir: str
    logs_dir: str

    def __post_init__(self) -> None:
        for path in (self.plan_dir, self.jobs_dir, self.logs_dir):
            _check_absolute(path)
            if not path.isprintable() or set(path) & set(UNTOLD):
                raise UserError(f"{path!r}: no line break and none of {UNTOLD} may be in it; rename it")


@dataclass(frozen=True)
class JobArray:
    """Jobs with the indices 0 to size - 1, each one process.

    Attributes:
      search: Name of the search, the first part of `name`.
      python: Of the nodes, a name on their PATH or a path.
      flags: What run_job is told besides OWN_FLAGS, each as --name=value.
      max_parallel: How many run at the same time; 0 sets no limit.
    """

    stage: Stage
    search: str
    paths: NodePaths
    resources: Resources
    python: str = "python"
    flags: tuple[str, ...] = ()
    max_parallel: int = 0

    def __post_init__(self) -> None:
        for path in self.data_paths:
            _check_absolute(path)
        if not NAME.fullmatch(self.search):
            raise UserError(
                f"--name={self.search} is more than a letter and 44 letters, digits and inner hyphens, "
                "all in lower case"
            )
        for flag in self.flags:
            if not flag.startswith("--") or flag.split("=")[0] in OWN_FLAGS:
                raise UserError(f"--job_flags: {flag} is no --name=value, or one that is told already")
        if self.max_parallel < 0:
            raise UserError(f"--max_parallel={self.max_parallel} is below 0; 0 sets no limit")

    @property
    def name(self) -> str:
        return f"{self.search}-{self.stage.name}"

    @property
    def data_paths(self) -> tuple[str, ...]:
        """Folders that the jobs read, each once."""
        return tuple(sorted({path for spec in self.stage.specs for path in (spec.bert_dir, spec.data_root)}))

    @property
    def size(self) -> int:
        return len(self.stage.specs)

    @property
    def parallel(self) -> int:
        """How many may run at the same time, 1 to size."""
        return min(self.max_parallel or self.size, self.size)

    def shell_line(self, index_variable: str) -> str:
        """What sh runs on a node for the job whose index stands in an environment variable."""
        spec = shlex.quote(f"{self.paths.plan_dir}/{self.stage.name}/")
        words = (
            *(shlex.quote(self.python), "-m", MODULE),
            f'--spec={spec}"${{{index_variable}:?}}".json',
            shlex.quote(f"--jobs_dir={self.paths.jobs_dir}"),
            f"--threads={self.resources.cpus}",
            *map(shlex.quote, self.flags),
        )
        return f"exec {' '.join(words)}"


def _check_absolute(path: str) -> None:
    if not path.startswith("/"):
        raise UserError(f"{path}: not an absolute path, which a node needs")
