"""The Ray pool on a cluster of several nodes, processes of this machine, with jobs that train nothing."""

import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import fake_job
import fake_search
import pytest
import tiny_result
import tiny_search

from centrabert.search.jobs.job_folder import LOG, job_folder, read_failure, state
from centrabert.search.jobs.job_result import RESULT, read_result
from centrabert.search.jobs.job_spec import JobSpec
from centrabert.search.progress import Lines
from centrabert.search.strategy.search_space import EXHAUSTIVE, teachers
from centrabert.search.workers import ray_pool
from centrabert.search.workers.ray_pool import RayPool

SPECS = teachers(fake_search.SPACE)
NODE = socket.gethostname()
SOONER = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500}  # sees a node's death in 3 s


@contextmanager
def signals(number: int, handler: Any) -> Iterator[None]:
    """Inside the block `number` is handled so; what the block makes of it, or of a SIGTERM, ends with it."""
    before = {each: signal.getsignal(each) for each in (number, signal.SIGTERM)}
    signal.signal(number, handler)
    try:
        yield
    finally:
        for each, old in before.items():
            signal.signal(each, old)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head without cores, a node with one, and a node with one core and one GPU that nobody looks for."""
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    head = {"num_cpus": 0, "include_dashboard": False, "_system_config": SOONER}
    with (
        tempfile.TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        (Path(folder) / "ray").mkdir()
        patch.setenv("RAY_TMPDIR", folder)  # short: the path of a socket has at most 107 characters
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.delenv("RAY_ADDRESS", raising=False)
        patch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        with signals(signal.SIGINT, signal.SIG_IGN):  # as in the background of a shell script
            started = cluster_utils.Cluster(initialize_head=True, head_node_args=head)
        try:
            with signals(signal.SIGINT, signal.SIG_IGN):
                started.add_node(num_cpus=1, wait=False)
                started.add_node(num_cpus=1, num_gpus=1, wait=False)
            started.wait_for_nodes()
            yield started
        finally:
            started.shutdown()


@contextmanager
def pool_on(cluster: Any, jobs_dir: Path, command: Any = None, **settings: Any) -> Iterator[RayPool]:
    pool = RayPool(cluster.address, jobs_dir, command or fake_search.command(jobs_dir), **settings)
    try:
        yield pool
    finally:
        pool.stop()


def outcomes(pool: RayPool, *specs: JobSpec) -> dict[JobSpec, str | None]:
    """The errors, after all of them have run."""
    for spec in specs:
        pool.submit(spec)
    ended = [pool.next() for _ in specs]
    return {outcome.spec: outcome.error for outcome in ended}


def starts(jobs_dir: Path, spec: JobSpec) -> int:
    return len((job_folder(jobs_dir, spec.digest) / fake_job.STARTS).read_text().splitlines())


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_jobs_run_on_all_nodes_and_how_they_end_is_told(cluster: Any, tmp_path: Path) -> None:
    hows = dict(zip(SPECS, ["work", "fail", "crash", "die", "die once", "work"], strict=False))
    command = fake_search.command(tmp_path, how=lambda spec: hows[spec])
    with pool_on(cluster, tmp_path, command, retries=1) as pool:
        assert (pool.workers, pool.free) == (2, 2)
        pool.submit(SPECS[0])
        assert pool.free == 1
        errors = {SPECS[0]: pool.next().error, **outcomes(pool, *SPECS[1:6])}
        assert pool.free == 2
        with pytest.raises(LookupError, match="no job is running"):
            pool.next()
    folders = [job_folder(tmp_path, spec.digest) for spec in SPECS[:6]]
    assert list(map(errors.get, SPECS[:6])) == [
        None,
        "train.tsv:3: label 'x' is none of 0, 1",
        f"RuntimeError: a bug (exit code 1; see {folders[2] / LOG})",
        f"its process died 2 times, at last by SIGKILL on node {NODE}; see {folders[3] / LOG}",
        None,
        None,
    ]
    assert [starts(tmp_path, spec) for spec in SPECS[:6]] == [1, 1, 1, 2, 2, 1]
    assert [state(folder) for folder in folders] == ["done", "failed", "failed", "failed", "done", "done"]
    assert read_failure(folders[3]) == errors[SPECS[3]]
    for spec in (SPECS[0], SPECS[4], SPECS[5]):
        found = read_result(job_folder(tmp_path, spec.digest))
        assert found is not None and found.quality == tiny_result.quality(spec)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(folder.name for folder in folders)


def test_a_job_is_given_its_part_of_a_node(cluster: Any, tmp_path: Path) -> None:
    def command(spec: JobSpec, cores: object) -> list[str]:
        return ["sh", "-c", "echo GPU $CUDA_VISIBLE_DEVICES"]

    with pool_on(cluster, tmp_path, command, cpus_per_job=0.5, gpus_per_job=1) as pool:
        assert pool.workers == 1
        log = job_folder(tmp_path, SPECS[0].digest) / LOG
        assert outcomes(pool, SPECS[0])[SPECS[0]] == f"GPU 0 (exit code 0; see {log})"


def test_a_stop_lets_jobs_write_a_checkpoint(cluster: Any, tmp_path: Path) -> None:
    """The fake job's checkpoint is every step; nothing of it is done twice after the stop."""
    terminated = signal.getsignal(signal.SIGTERM)
    folders = [job_folder(tmp_path, spec.digest) for spec in SPECS[:3]]
    with pool_on(cluster, tmp_path, fake_search.command(tmp_path, steps=10000)) as pool:
        assert signal.getsignal(signal.SIGTERM) is terminated
        for spec in SPECS[:3]:
            pool.submit(spec)
        wait_for(lambda: all(fake_job.count(folder) >= 2 for folder in folders[:2]))
    assert [state(folder) for folder in folders] == ["waiting"] * 3
    done = [fake_job.count(folder) for folder in folders]
    assert done[2] == 0
    wait_for(lambda: not any(map(fake_job.alive, folders[:2])))
    assert [fake_job.count(folder) for folder in folders] == done
    with pool_on(cluster, tmp_path, fake_search.command(tmp_path, steps=done[0] + 1)) as pool:
        assert outcomes(pool, SPECS[0]) == {SPECS[0]: None}
    assert fake_job.count(folders[0]) == done[0] + 1


@contextmanager
def frozen(jobs_dir: Path, jobs: int) -> Iterator[dict[Path, int]]:
    """Folders and processes of so many jobs, which stand still amid their work until the block ends."""
    processes: dict[Path, int] = {}

    def freeze() -> bool:
        for folder in set(jobs_dir.glob("*")) - processes.keys():
            if state(folder) == "running" and fake_job.count(folder):
                process = int((folder / fake_job.STARTS).read_text().splitlines()[-1])
                with suppress(ProcessLookupError):  # it has just ended
                    os.kill(process, signal.SIGSTOP)
                    processes[folder] = process
        return len(processes) == jobs

    try:
        wait_for(freeze)
        yield processes
    finally:
        for process in processes.values():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


def parent(process: int) -> int:
    return int(subprocess.check_output(["ps", "-o", "ppid=", "-p", str(process)]))


def kill_node(cluster: Any, node: Any, processes: dict[Path, int]) -> Path:
    """Kills the node with all that runs there, as a power cut does; the folder of the job that it had."""
    workers = {folder: parent(process) for folder, process in processes.items()}
    raylet = node.all_processes["raylet"][0].process.pid
    (folder,) = [folder for folder, worker in workers.items() if parent(worker) == raylet]
    for process in (raylet, workers[folder], processes[folder]):
        os.kill(process, signal.SIGKILL)
    cluster.remove_node(node, allow_graceful=False)
    return folder


def test_a_search_outlives_a_node_that_is_killed(cluster: Any, tmp_path: Path, warnings: list[str]) -> None:
    """Its job goes on elsewhere, and the search finds what an undisturbed one does."""
    with signals(signal.SIGINT, signal.SIG_IGN):
        node = cluster.add_node(num_cpus=1)
    space = tiny_search.space(tasks=("rte",), student_layers=(1, 2), seeds=(0, 1), strategy=EXHAUSTIVE)
    search = replace(fake_search.search(tmp_path), space=space)
    jobs_dir, killed = search.jobs_dir, []

    def disturb() -> None:
        with frozen(jobs_dir, 3) as processes:  # one on each node
            killed.append(kill_node(cluster, node, processes))

    disturber = threading.Thread(target=disturb)
    pool = RayPool(cluster.address, jobs_dir, fake_search.command(jobs_dir, steps=20))
    disturber.start()
    findings = search.run(pool, Lines(StringIO()))
    disturber.join()
    undisturbed, _ = tiny_search.searched(space, {"rte": 10})
    assert len(undisturbed) > 6
    assert findings.errors == {}
    assert findings.scores == undisturbed
    assert {job_folder(jobs_dir, spec.digest) for spec in undisturbed if starts(jobs_dir, spec) == 2} == {
        *killed
    }
    assert all(fake_job.count(job_folder(jobs_dir, spec.digest)) == 20 for spec in undisturbed)
    (death,) = warnings
    assert re.search(r"its process died \((NodeDied|WorkerCrashed)Error\)", death)


def test_a_node_that_does_not_see_the_folder_is_named(cluster: Any, tmp_path: Path) -> None:
    """Every node sees this disk; one that did not would find the folder without the mark of the search."""
    with pool_on(cluster, tmp_path) as pool:
        (mark,) = tmp_path.glob(".*")
        mark.unlink()
        pool.submit(SPECS[0])
        with pytest.raises(ValueError, match=re.escape(f"node {NODE} does not see {tmp_path} as it is")):
            pool.next()
    assert not (job_folder(tmp_path, SPECS[0].digest) / LOG).exists()


def test_a_result_that_is_seen_on_its_node_only_is_told(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_pool, "wait_for_file", lambda file: False)
    with pool_on(cluster, tmp_path) as pool:
        error = outcomes(pool, SPECS[0])[SPECS[0]]
    file = job_folder(tmp_path, SPECS[0].digest) / RESULT
    assert error == f"{file}: node {NODE} wrote it, but it is not seen here"


def test_a_node_without_the_package_is_told(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(attempt: object) -> None:
        raise ModuleNotFoundError("No module named 'centrabert'")

    monkeypatch.setattr(ray_pool, "run_on_node", lacking)
    with pool_on(cluster, tmp_path) as pool:
        error = outcomes(pool, SPECS[0])[SPECS[0]]
    assert error == "a node could not begin: ModuleNotFoundError: No module named 'centrabert'"


def test_a_folder_that_cannot_be_made_fails_its_job_only(cluster: Any, tmp_path: Path) -> None:
    (tmp_path / SPECS[0].digest).write_text("in the way")
    with pool_on(cluster, tmp_path) as pool:
        errors = outcomes(pool, *SPECS[:2])
    assert "File exists" in (errors[SPECS[0]] or "")
    assert errors[SPECS[1]] is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"gpus_per_job": 2}, "no node has 1 CPU and 2 GPU for a job; lower --cpus_per_job"),
        ({"cpus_per_job": 2}, "no node has 2 CPU for a job"),
        ({"cpus_per_job": 1.5}, "--cpus_per_job=1.5 is neither a fraction of one nor a whole number"),
        ({"cpus_per_job": 0}, "--cpus_per_job=0: a job needs a core"),
        ({"gpus_per_job": -1}, "--gpus_per_job=-1 is neither"),
    ],
)
def test_a_share_that_no_node_can_give_is_refused(
    cluster: Any, tmp_path: Path, settings: dict[str, float], message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        RayPool(cluster.address, tmp_path, fake_search.command(tmp_path), **settings)
    assert list(tmp_path.iterdir()) == []


def test_a_relative_folder_is_refused() -> None:
    with pytest.raises(ValueError, match="jobs: a node needs an absolute path"):
        RayPool("auto", Path("jobs"), fake_search.command(Path("jobs")))
