"""What one change costs in a store of few and of many tasks, beside merging everything anew.

Makes a store of students of one layer with random weights, then gives one task another branch, promotes the
version and exports it: seconds, CPU seconds, and bytes written, beside those of the branch. Then the task
gets a branch with a layer more, which changes the graph, by commands, so that no part of a graph is at hand.
For comparison the same branches are merged and exported as a whole.
"""

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from centrabert import command
from centrabert.flag_fields import define, flag, read

if TYPE_CHECKING:
    from benchmarks.harness.server_process import ServerProcess
    from centrabert.export.lifecycle.model_store import ModelStore
    from centrabert.modeling.task import TaskSpec


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the flags ask for."""

    vocab_file: Path = flag("A vocabulary of BERT's, such as MiniLM's.", Path("output/bert/vocab.txt"))
    shape: str = flag("Shape of the BERT.", "bert-base", choices=("bert-base", "minilm"))
    tasks: tuple[int, ...] = flag("Numbers of tasks, separated by commas.", (1, 8, 64))
    served: bool = flag(
        "Let a local server watch the export folder, and print how long after an export it answers.", False
    )
    work_dir: Path | None = flag("Folder for the stores; by default a temporary one.", None)


FLAGS = define(Run)


@dataclass(frozen=True)
class Cost:
    """Of one action."""

    seconds: float
    cpu_seconds: float
    written: int

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s, {self.cpu_seconds:.1f} CPU s, {self.written / 1e6:.1f} MB written"


def main() -> None:
    from benchmarks.harness import random_models

    run = read(Run, FLAGS)
    with tempfile.TemporaryDirectory(dir=run.work_dir) as folder:
        base = random_models.bert(Path(folder) / "bert", run.shape, run.vocab_file)
        for tasks in run.tasks:
            root = Path(folder) / str(tasks)
            with ExitStack() as stack:
                _measure(run, root, base, tasks, stack)
            shutil.rmtree(root)


def _measure(run: Run, root: Path, base: Path, tasks: int, stack: ExitStack) -> None:
    from benchmarks.harness import random_models
    from centrabert.export.deploy.tf_serving import TfServing
    from centrabert.export.export_version import export
    from centrabert.export.lifecycle.model_store import ModelStore
    from centrabert.export.lifecycle.store_export import export_labelled
    from centrabert.merge.merge_branches import merge
    from centrabert.merge.store.shards import Shard
    from centrabert.modeling.branch_folder import CHECKPOINT

    shape = run.shape
    branches = random_models.students(shape, tasks)
    folders = random_models.answering_branches(root / "branches", base, branches)
    (other,) = random_models.answering_branches(root / "other", base, branches[:1], seed="another")
    deeper = [replace(branches[0], tuned=2)]
    (deep,) = random_models.answering_branches(root / "deeper", base, deeper, seed="deeper")
    store = ModelStore.create(root / "store", base)
    serving = TfServing("centrabert", 2)

    def update_and_export(*changed: Path) -> None:
        change = store.update if store.latest else store.add
        store.promote("stable", change(*changed).version.number)
        export_labelled(store, root / "serving", serving)

    said = f"{shape}, {tasks} {'task' if tasks == 1 else 'tasks'}"
    print(f"{said}: add all and export: {_cost(lambda: update_and_export(*folders))}", flush=True)
    server = _server(root / "serving", said, stack) if run.served else None
    bytes_ = Shard.of(other / CHECKPOINT).data.stat().st_size
    cost = _cost(lambda: update_and_export(other))
    print(f"{said}: update one and export: {cost}; the branch has {bytes_ / 1e6:.1f} MB", flush=True)
    _print_served(server, said, store, branches[0].task)

    next_number, where = store.version("stable").number + 1, f"--store={root / 'store'}"
    cost = _commands(
        (
            ["update", where, f"--branches={deep}"],
            ["promote", where, f"--version={next_number}", "--label=stable"],
            ["export", where, f"--export_dir={root / 'serving'}"],
        )
    )
    bytes_ = Shard.of(deep / CHECKPOINT).data.stat().st_size
    told = f"{cost}; the branch has {bytes_ / 1e6:.1f} MB"
    print(f"{said}: update one to another depth and export, three commands: {told}", flush=True)
    _print_served(server, said, store, branches[0].task)

    def anew() -> None:
        merge(base, [other, *folders[1:]], root / "merged")
        export(root / "merged", root / "serving_merged", 1)

    print(f"{said}: merge anew and export: {_cost(anew)}", flush=True)


def _server(serving: Path, said: str, stack: ExitStack) -> "ServerProcess":
    from benchmarks.harness.server_process import server_process

    start = time.perf_counter()
    server = stack.enter_context(server_process(serving))
    seconds = time.perf_counter() - start
    print(f"{said}: a server has loaded it: {seconds:.1f} s, {server.cpu_seconds():.1f} CPU s", flush=True)
    return server


def _print_served(server: "ServerProcess | None", said: str, store: "ModelStore", task: "TaskSpec") -> None:
    """From now until the server answers with the labelled version."""
    if server is not None:
        start, cpu = time.perf_counter(), server.cpu_seconds()
        server.wait_for(store.version("stable").number, task)
        seconds, cpu = time.perf_counter() - start, server.cpu_seconds() - cpu
        print(f"{said}: first answer of the server: {seconds:.1f} s, {cpu:.1f} CPU s", flush=True)


def _cost(action: Callable[[], None]) -> Cost:
    start, cpu, before = time.perf_counter(), time.process_time(), _written()
    action()
    return Cost(time.perf_counter() - start, time.process_time() - cpu, _written() - before)


def _commands(commands: Sequence[Sequence[str]]) -> Cost:
    """Of commands of the store, each a process of its own, start-up included."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    written = _written()
    for arguments in commands:
        subprocess.run([sys.executable, "-m", "centrabert", "store", *arguments], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(time.perf_counter() - start, cpu, _written() - written)


def _written() -> int:
    """Bytes that this process, and those that it has waited for, have handed to the system to write."""
    counters = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(counters["wchar"])


if __name__ == "__main__":
    command.run(main, FLAGS)
