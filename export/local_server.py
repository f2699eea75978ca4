"""The local server: gRPC and HTTP on one event loop, the model in threads."""

import asyncio
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from absl import logging
from tensorflow_serving.apis.model_service_pb2_grpc import add_ModelServiceServicer_to_server
from tensorflow_serving.apis.prediction_service_pb2_grpc import add_PredictionServiceServicer_to_server

from centrabert.errors import UserError
from centrabert.export.contract.models_config import desired_versions, exported_config
from centrabert.export.contract.version_folder import SAVED_MODEL
from centrabert.export.rest.http_server import HttpServer
from centrabert.export.serving.concurrency_limit import raise_file_limit
from centrabert.export.serving.grpc_interceptor import GrpcInterceptor
from centrabert.export.serving.grpc_service import GrpcModelService, GrpcPredictionService
from centrabert.export.serving.metrics import ServingMetrics
from centrabert.export.serving.prediction_service import PredictionService
from centrabert.export.serving.servable import Servable, ServingLimits
from centrabert.export.serving.version_loader import load_servable
from centrabert.export.serving.version_manager import ModelVersions

MAX_PENDING_REQUESTS = 20_000  # gRPC requests that may wait to be looked at, some 12 KB each


@dataclass(frozen=True)
class ServerSettings:
    """What a server serves, and where.

    Attributes:
      config_file: models.config; None for that of the export folder, or, if `base_path` is another folder
        with versions, to serve the highest.
      host: The address to listen at; 127.0.0.1 is reached from this machine alone.
      port, rest_port: The ports of gRPC and HTTP; 0 for any free one.
      poll_seconds: Time between two checks for new versions.
      rest_seconds: Maximum time that a request over HTTP may take.
      body_bytes: Maximum size of a request.
      concurrent: Maximum number of requests that are processed at a time, by each protocol.
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
        self._service = PredictionService(self.versions, self._metrics)
        self._metrics.waiting_rows.set_function(self._waiting_rows)
        self._metrics.version.set_function(self._version)
        self.interceptor = GrpcInterceptor(settings.concurrent, self._metrics)
        self.http = HttpServer(self._service, settings.rest_seconds, settings.body_bytes, settings.concurrent)
        self.port = self.rest_port = -1
        self._stops: list[Callable[[float], Awaitable[None]]] = []

    async def start(self) -> None:
        """Loads the model, then listens.

        Raises:
          UserError: A port is taken, which is told before anything is loaded, or there is no version that can
            be served.
        """
        settings = self._settings
        logging.info("%s", self._followed())
        try:
            with ExitStack() as ports:
                ports.enter_context(free_port("port", settings.host, settings.port))
                ports.enter_context(free_port("rest_api_port", settings.host, settings.rest_port))
                await self.versions.update()
            if not self.versions.available:
                raise UserError(self._nothing())
            await self._listen_http()
            await self._listen_grpc()
        except BaseException:
            await self._clean_up(0.0)
            raise
        self._watch = asyncio.ensure_future(self.versions.watch(settings.poll_seconds))

    async def stop(self, grace: float) -> None:
        """Takes no new requests, and waits so many seconds for those in flight."""
        self._watch.cancel()
        await self._clean_up(grace)

    async def _clean_up(self, grace: float) -> None:
        """Ends what has been started."""
        await asyncio.gather(*(stop(grace) for stop in self._stops))
        self.versions.close()
        self._executor.shutdown()

    async def _listen_grpc(self) -> None:
        settings = self._settings
        server = grpc.aio.server(
            interceptors=[self.interceptor],
            # Reached only where requests come faster than the interceptor looks at them; it refuses cheaply.
            maximum_concurrent_rpcs=2 * settings.concurrent,
            options=[
                ("grpc.max_receive_message_length", settings.body_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),  # else two servers share a port unawares
                # While the loop is busy, requests wait at the door. Those over this limit, by default 1,000,
                # are told CANCELLED; let them wait for a refusal that says why, or for their deadline.
                ("grpc.server.max_pending_requests", MAX_PENDING_REQUESTS),
                ("grpc.server.max_pending_requests_hard_limit", MAX_PENDING_REQUESTS),
            ],
        )
        add_PredictionServiceServicer_to_server(GrpcPredictionService(self._service), server)
        add_ModelServiceServicer_to_server(GrpcModelService(self._service), server)
        self._stops.append(server.stop)
        try:
            self.port = server.add_insecure_port(f"{in_address(settings.host)}:{settings.port}")
        except RuntimeError as error:
            raise cannot_listen("port", settings.host, settings.port, error) from None
        await server.start()

    async def _listen_http(self) -> None:
        settings = self._settings
        self._stops.append(self.http.stop)
        try:
            self.rest_port = await self.http.listen(settings.host, settings.rest_port)
        except OSError as error:
            raise cannot_listen("rest_api_port", settings.host, settings.rest_port, error) from None

    def _load(self, folder: Path, stopped: threading.Event, loaded: Sequence[Servable]) -> Servable:
        observe = self._metrics.observe_batch
        return load_servable(folder, self._settings.limits, self._executor, observe, stopped, loaded)

    def _waiting_rows(self) -> float:
        return sum(v.servable.batcher.waiting for v in self.versions.available if v.servable is not None)

    def _version(self) -> float:
        return float(next((version.number for version in self.versions.available), 0))

    @property
    def _config_file(self) -> Path | None:
        return self._settings.config_file or exported_config(self._settings.base_path)

    def _followed(self) -> str:
        """What decides which versions are served."""
        if (file := self._config_file) is None:
            return f"{self._settings.base_path}: the highest version is served"
        return f"{file}: its labels are followed; who names none gets the highest version that has one"

    def _nothing(self) -> str:
        """Why there is nothing to serve."""
        errors = [version.error for version in self.versions.statuses if version.error]
        which = "version folder" if self._config_file is None else f"version that {self._config_file} lists,"
        return errors[0] if errors else f"{self._settings.base_path}: holds no {which} with a {SAVED_MODEL}"


async def serve(settings: ServerSettings, grace: float) -> None:
    """Serves until SIGTERM or SIGINT, then lets requests in flight end within `grace` seconds.

    Raises:
      UserError: As `Server.start`.
    """
    raise_file_limit(settings.concurrent)
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


@contextmanager
def free_port(flag: str, host: str, port: int) -> Iterator[None]:
    """Keeps a port from other programs while the block lasts, without listening to it.

    Raises:
      UserError: There is no such address, or the port is taken.
    """
    with ExitStack() as sockets:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            for family, kind, protocol, _, address in found if port else ():
                bound = sockets.enter_context(socket.socket(family, kind, protocol))
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
                if family == socket.AF_INET6:
                    bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                bound.bind(address)
        except OSError as error:
            raise cannot_listen(flag, host, port, error) from None
        yield


def cannot_listen(flag: str, host: str, port: int, error: Exception) -> UserError:
    """What a user is told whose port cannot be had."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return UserError(f"--{flag}={port}: cannot listen at {host}: {reason}")


def in_address(host: str) -> str:
    """As it stands before a port: an address of IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host
