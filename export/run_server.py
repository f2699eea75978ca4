"""Serves an exported model over gRPC and REST, with the API and the flags of TF Serving.

In an export folder, the server follows tf_serving/models.config, like the scripts there that start TF
Serving: it serves the versions that have a label. When an export moves a label, the new version takes over as
soon as it has answered its golden texts, and no request is dropped; if it fails, the old version stays. As
with TF Serving, a request that names neither version nor label is answered by the highest version that is
served, so clients should name a label, such as stable. A page to try the model is at
http://localhost:<rest_api_port>/, metrics for Prometheus at /metrics, and /healthz says whether the server
can answer. SIGTERM stops the server after the requests in flight.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from centrabert import command
from centrabert.errors import UserError
from centrabert.flag_fields import define, flag, read

HIGHEST_PORT = 65535


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the flags ask for."""

    model_name: str = flag("Name by which clients ask for the model.", "centrabert")
    model_base_path: Path = flag("Folder with the versions, as run_export writes it.")
    model_config_file: Path | None = flag(
        "A models.config as run_export writes it. The versions that it lists are served from "
        "--model_base_path, under its labels. By default it is tf_serving/models.config in that folder; in a "
        "folder without tf_serving/ the highest version is served.",
        None,
    )
    host: str = flag(
        "Address at which the server listens. With 127.0.0.1 only this machine can reach it, with 0.0.0.0 "
        "other machines can too.",
        "127.0.0.1",
    )
    port: int = flag("Port for gRPC; 0 means any free port.", 8500, lower_bound=0, upper_bound=HIGHEST_PORT)
    rest_api_port: int = flag(
        "Port for REST and the page; 0 means any free port.", 8501, lower_bound=0, upper_bound=HIGHEST_PORT
    )
    rest_api_timeout_in_ms: int = flag(
        "Milliseconds after which the server gives up a REST request.", 30000, lower_bound=1
    )
    file_system_poll_wait_seconds: float = flag(
        "Seconds between two checks for new versions.", 1.0, lower_bound=0.01
    )
    max_batch_size: int = flag("Maximum number of rows that are computed together.", 32, lower_bound=1)
    num_batch_threads: int | None = flag(
        "Number of batches that are computed at a time. By default it is the number of cores that this "
        "process may use, or fewer where a container's memory limit does not suffice for them.",
        None,
        lower_bound=1,
    )
    max_enqueued_batches: int = flag(
        "Maximum number of full batches whose rows may wait; further rows are refused.", 100, lower_bound=1
    )
    max_request_rows: int = flag("Maximum number of rows in one request.", 1024, lower_bound=1)
    max_text_bytes: int = flag(
        "Maximum size of one text in bytes (UTF-8); longer texts are refused with INVALID_ARGUMENT.",
        65536,
        lower_bound=1,
    )
    max_body_bytes: int = flag("Maximum size of one request in bytes.", 4 << 20, lower_bound=1024)
    max_concurrent_requests: int = flag(
        "Maximum number of requests that are processed at a time over gRPC, and as many over REST; further "
        "requests are refused.",
        1000,
        lower_bound=1,
    )
    shutdown_grace_seconds: float = flag(
        "Seconds that requests in flight are given when the server is stopped.", 30.0, lower_bound=0
    )

    def __post_init__(self) -> None:
        if self.port == self.rest_api_port and self.port:
            raise UserError(f"--port={self.port} and --rest_api_port={self.port}: give two ports")

    @property
    def config_file(self) -> Path | None:
        """None where the flag is empty, too, as a script may give it."""
        return None if self.model_config_file == Path() else self.model_config_file


FLAGS = define(Run)


def main() -> None:
    run = read(Run, FLAGS)
    if not run.model_base_path.is_dir():
        raise UserError(f"--model_base_path={run.model_base_path}: no such folder")
    from centrabert.export.local_server import ServerSettings, serve
    from centrabert.export.serving.servable import ServingLimits

    limits = ServingLimits(
        threads=run.num_batch_threads or batch_threads(run),
        batch_rows=run.max_batch_size,
        waiting_rows=run.max_batch_size * run.max_enqueued_batches,
        request_rows=run.max_request_rows,
        text_bytes=run.max_text_bytes,
    )
    settings = ServerSettings(
        name=run.model_name,
        base_path=run.model_base_path,
        config_file=run.config_file,
        host=run.host,
        port=run.port,
        rest_port=run.rest_api_port,
        poll_seconds=run.file_system_poll_wait_seconds,
        rest_seconds=run.rest_api_timeout_in_ms / 1000,
        body_bytes=run.max_body_bytes,
        concurrent=run.max_concurrent_requests,
        limits=limits,
    )
    asyncio.run(serve(settings, run.shutdown_grace_seconds))


def batch_threads(run: Run) -> int:
    """Batches to compute at a time: one for each core, as far as a container's memory goes."""
    from absl import logging

    from centrabert.export.contract.models_config import desired_versions
    from centrabert.export.contract.version_folder import version_folder
    from centrabert.export.deploy.server_memory import affordable_batches
    from centrabert.machine import container_memory_bytes, usable_cores

    cores, memory = usable_cores(), container_memory_bytes()
    if memory is None:
        return cores
    desired = desired_versions(run.model_base_path, run.config_file)
    folders = [version_folder(run.model_base_path, choice[0]) for choice in desired.choices if choice]
    threads = min(cores, affordable_batches(folders, run.max_batch_size, memory))
    if threads < cores:
        logging.warning(
            "%d of %d batches are computed at a time, for the memory limit of this container is %d MiB; "
            "--num_batch_threads overrides this",
            *(threads, cores, memory >> 20),
        )
    return threads


if __name__ == "__main__":
    command.run(main, FLAGS)
