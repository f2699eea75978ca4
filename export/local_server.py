"""The local server: gRPC and HTTP on one event loop, the model in threads."""

import asyncio
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import grpc
from absl import logging
from tensorflow_serving.apis.model_service_pb2_grpc import add_ModelServiceServicer_to_server
from tensorflow_serving.apis.prediction_service_pb2_grpc import add_PredictionServiceServicer_to_server

from centrabert.errors import UserError
from centrabert.export.contract.models_config import desired_versions
from centrabert.export.contract.version_folder import SAVED_MODEL
from centrabert.export.rest.http_server import HttpServer
from centrabert.export.serving.grpc_interceptor import GrpcAdmission
from centrabert.export.serving.grpc_service import ModelService, PredictionService
from centrabert.export.serving.metrics import ServingMetrics
from centrabert.export.serving.open_files import allow_requests
from centrabert.export.serving.prediction_service import Answering
from centrabert.export.serving.servable import Servable, ServingLimits
from centrabert.export.serving.version_loader import load_servable
from centrabert.export.serving.version_manager import ModelVersions

PENDING = 20_000  # gRPC requests that may wait to be looked at, some 12 KB each


@dataclass(frozen=True)
class ServerSettings:
    """What a server serves, and where.

    Attributes:
      config_file: models.config, or None to serve the highest version.
      host: The address to listen at; 127.0.0.1 is reached from this machine alone.
      port, rest_port: Of gRPC and HTTP; 0 for any free one.
      poll_seconds: Between two looks for new versions.
      rest_seconds: A request over HTTP may take.
      body_bytes: Of a request.
      concurrent: Requests answered at a time, by each protocol.
    """

    name: str
    base_path: Path
    config_file: Path | None
    host: str
    port: int
    rest_port: int
    poll_seconds: float
    rest_seconds: float
    body_bytes: int
    concurrent: int
    limits: ServingLimits


class Server:
    """A server that runs from `start` to `stop`, in one event loop.

    Attributes:
      port, rest_port: Where it listens.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._executor = ThreadPoolExecutor(settings.limits.threads, "batch")
        self._metrics = ServingMetrics()
        self.versions = ModelVersions(
            settings.name,
            settings.base_path,
            lambda: desired_versions(settings.base_path, settings.config_file),
            self._load,
        )
        self._answering = Answering(self.versions, self._metrics)
        self._metrics.waiting_rows.set_function(self._waiting_rows)
        self._metrics.version.set_function(self._version)
        self.admission = GrpcAdmission(settings.concurrent, self._metrics)
        self.http = HttpServer(
            self._answering, settings.rest_seconds, settings.body_bytes, settings.concurrent
        )
        self.port = self.rest_port = -1

    async def start(self) -> None:
        """Loads the model, then listens.

        Raises:
          UserError: There is no version that can be served, or a port is taken.
        """
        await self.versions.update()
        if not self.versions.available:
            raise UserError(self._nothing())
        await self._listen_grpc()
        await self._listen_http()
        self._watch = asyncio.ensure_future(self.versions.watch(self._settings.poll_seconds))

    async def stop(self, grace: float) -> None:
        """Takes no new requests, and waits so many seconds for those in flight."""
        self._watch.cancel()
        await asyncio.gather(self._grpc.stop(grace), self.http.stop(grace))
        self.versions.close()
        self._executor.shutdown()

    async def _listen_grpc(self) -> None:
        settings = self._settings
        self._grpc = grpc.aio.server(
            interceptors=[self.admission],
            # Reached only where requests come faster than the interceptor looks at them; it refuses cheaply.
            maximum_concurrent_rpcs=2 * settings.concurrent,
            options=[
                ("grpc.max_receive_message_length", settings.body_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),  # else two servers share a port unawares
                # While the loop is busy, requests wait at the door. Those over this limit, by default 1,000,
                # are told CANCELLED; let them wait for a refusal that says why, or for their deadline.
                ("grpc.server.max_pending_requests", PENDING),
                ("grpc.server.max_pending_requests_hard_limit", PENDING),
            ],
        )
        add_PredictionServiceServicer_to_server(PredictionService(self._answering), self._grpc)
        add_ModelServiceServicer_to_server(ModelService(self._answering), self._grpc)
        try:
            self.port = self._grpc.add_insecure_port(f"{in_address(settings.host)}:{settings.port}")
        except RuntimeError:
            raise UserError(
                f"--port={settings.port}: cannot listen at {settings.host}; is it taken?"
            ) from None
        await self._grpc.start()

    async def _listen_http(self) -> None:
        settings = self._settings
        try:
            self.rest_port = await self.http.listen(settings.host, settings.rest_port)
        except OSError as error:
            raise UserError(f"--rest_api_port={settings.rest_port}: cannot listen: {error}") from None

    def _load(self, folder: Path, stopped: threading.Event) -> Servable:
        observe = self._metrics.observe_batch
        return load_servable(folder, self._settings.limits, self._executor, observe, stopped)

    def _waiting_rows(self) -> float:
        return sum(v.servable.batcher.waiting for v in self.versions.available if v.servable is not None)

    def _version(self) -> float:
        return float(next((version.number for version in self.versions.available), 0))

    def _nothing(self) -> str:
        """Why there is nothing to serve."""
        folder = self._settings.base_path
        errors = [version.error for version in self.versions.statuses if version.error]
        return errors[0] if errors else f"{folder}: holds no version folder with a {SAVED_MODEL}"


async def serve(settings: ServerSettings, grace: float) -> None:
    """Serves until SIGTERM or SIGINT, then lets requests in flight end within `grace` seconds.

    Raises:
      UserError: As `Server.start`.
    """
    allow_requests(settings.concurrent)
    server = Server(settings)
    await server.start()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    print(
        f"serving {settings.name}: gRPC at {in_address(settings.host)}:{server.port}, "
        f"REST and a page at http://{in_address(settings.host)}:{server.rest_port}/",
        flush=True,
    )
    await stopped.wait()
    logging.info("stopping: requests in flight have %g s", grace)
    await server.stop(grace)


def in_address(host: str) -> str:
    """As it stands before a port: an address of IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host
