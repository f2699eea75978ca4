"""A client of served models: texts in, typed answers out, over gRPC or REST.

    with Client.grpc("localhost:8500", model="centrabert", label="stable", timeout=5.0) as client:
        client.ask("sst2", "a fine film")  # Classification(label="positive", probabilities=(0.03, 0.97))

It asks TF Serving and the local server alike, always by the signature `route`, for tasks by name.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from itertools import chain
from types import TracebackType
from typing import Any, TypeVar

from centrabert.errors import UserError
from centrabert.export.client.errors import ModelChanged
from centrabert.export.client.rest_transport import RestTransport
from centrabert.export.client.results import Answers, read_answers
from centrabert.export.client.retry import STANDARD, Deadline, Retry, check_timeout
from centrabert.export.client.rows import Row, SentRow, route_request, sent_rows
from centrabert.export.client.served_tasks import ServedTasks, served_tasks
from centrabert.export.client.transport import Transport, WantedModel
from centrabert.export.contract.model_description import ServedTask
from centrabert.export.contract.signature_names import DESCRIBE
from centrabert.modeling.kinds.task_kind import Answer

T = TypeVar("T")
R = TypeVar("R")


class Client:
    """Asks one model. Threads may share it.

    A method that asks the server takes `timeout`, the seconds until it returns or raises, whatever number of
    requests and pauses there are in them. Each raises:
      RequestError: There is no answer. Its `code` is the name of a gRPC status, over REST too:
        DEADLINE_EXCEEDED, UNAVAILABLE if nobody can be reached, NOT_FOUND if no such model is served, and so
        on. Only where the server is overloaded the client tries again, as `retry` says, and in the end raises
        the subclass Overloaded.
      UserError: A task does not exist, or reads another number of texts.

    Args:
      timeout: Seconds for a call that gives none.
      clock: Seconds since some moment.
    """

    def __init__(
        self,
        transport: Transport,
        model: WantedModel,
        *,
        timeout: float = 5.0,
        retry: Retry = STANDARD,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._model = model
        self._timeout = check_timeout(timeout)
        self._retry = retry
        self._clock = clock
        self._served: ServedTasks | None = None
        self._closed = False

    @classmethod
    def grpc(
        cls,
        address: str,
        model: str,
        *,
        version: int | None = None,
        label: str | None = None,
        timeout: float = 5.0,
        retry: Retry = STANDARD,
        credentials: Any = None,
        filter_outputs: bool = False,
    ) -> "Client":
        """A client over gRPC; imports TensorFlow, which TF Serving's messages are made with.

        Args:
          address: "host:port", by default 8500.
          version, label: The version to ask, by one of them, best the label stable. With none it is the
            highest that is served, be it a canary; a server that has no labels wants none.
          credentials: Of grpc.ssl_channel_credentials; None for no encryption.
          filter_outputs: Whether the server shall send nothing but what is read. Not for a TF Serving: it
            batches only requests that fetch the same outputs, and pays a second for outputs that are new.
        """
        from centrabert.export.client.grpc_transport import GrpcTransport

        wanted = WantedModel(model, version, label)
        transport = GrpcTransport(address, wanted, credentials, filter_outputs)
        return cls(transport, wanted, timeout=timeout, retry=retry)

    @classmethod
    def rest(
        cls,
        url: str,
        model: str,
        *,
        version: int | None = None,
        label: str | None = None,
        timeout: float = 5.0,
        retry: Retry = STANDARD,
        verify: bool | str = True,
        connections: int = 32,
    ) -> "Client":
        """A client over REST; needs no TensorFlow.

        Args:
          url: "http://host:port", by default 8501, or "https://host:port".
          version, label: As in `grpc`.
          verify: For https the file of the authorities to trust; True for those that everybody does.
          connections: Kept open; give the greatest `concurrency` at least.
        """
        wanted = WantedModel(model, version, label)
        return cls(RestTransport(url, wanted, verify, connections), wanted, timeout=timeout, retry=retry)

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections; the client cannot be used again."""
        self._closed = True
        self._transport.close()

    def tasks(self, *, timeout: float | None = None) -> dict[str, ServedTask]:
        """The model's tasks by name.

        The server is asked once, and again when a task is wanted that is not among them or an answer shows
        that another version has taken over.
        """
        return dict((self._served or self._fetch_tasks(self._deadline(timeout))).tasks)

    def ask(
        self, task: str, text_a: str, text_b: str | None = None, *, timeout: float | None = None
    ) -> Answer:
        """The answer of one task to a text, or to a pair of texts if that is what the task reads."""
        (answers,) = self.ask_batch([Row(text_a, text_b, (task,))], timeout=timeout)
        return answers[task]

    def ask_all(self, text_a: str, text_b: str | None = None, *, timeout: float | None = None) -> Answers:
        """The answers of all tasks by name; tasks of single texts read `text_a`."""
        (answers,) = self.ask_batch([Row(text_a, text_b)], timeout=timeout)
        return answers

    def ask_batch(
        self,
        rows: Iterable[Row],
        *,
        batch_size: int = 32,
        concurrency: int = 4,
        timeout: float | None = None,
    ) -> list[Answers]:
        """The answers to every row, in order: by task, in the order in which the row names them.

        The first request that fails makes the call fail; those that have not begun are then never sent.

        Args:
          batch_size: Rows of a request at most; TF Serving refuses more than its max_batch_size. A row with
            two texts for tasks of both kinds counts twice.
          concurrency: Requests at a time.
        """
        if batch_size < 1 or concurrency < 1:
            raise UserError(f"batch_size={batch_size}, concurrency={concurrency}: need at least 1")
        wanted = list(rows)
        if not wanted:
            return []
        deadline = self._deadline(timeout)
        served = self._served_for(wanted, deadline)
        sent = list(sent_rows(wanted, served))
        parts = [sent[start : start + batch_size] for start in range(0, len(sent), batch_size)]
        found = parallel_map(
            lambda part: self._answers(part, served, deadline), parts, concurrency, deadline.cancel
        )
        answers: list[Answers] = [{} for _ in wanted]
        for row, own in zip(sent, chain.from_iterable(found), strict=True):
            answers[row.index].update(own)
        named = [row.names(served) for row in wanted]
        return [{name: each[name] for name in names} for each, names in zip(answers, named, strict=True)]

    def _deadline(self, timeout: float | None) -> Deadline:
        if self._closed:
            raise UserError("the client is closed")
        return Deadline(self._timeout if timeout is None else timeout, self._clock)

    def _served_for(self, rows: Sequence[Row], deadline: Deadline) -> ServedTasks:
        """The tasks as last seen, if they are all that the rows ask for."""
        served = self._served
        if served is None or any(served.missing(row.names(served)) is not None for row in rows):
            return self._fetch_tasks(deadline)
        return served

    def _fetch_tasks(self, deadline: Deadline) -> ServedTasks:
        try:
            self._served = self._read_tasks(deadline)
        except ModelChanged:  # a new version took over between the two questions; not so soon again
            self._served = self._read_tasks(deadline)
        return self._served

    def _read_tasks(self, deadline: Deadline) -> ServedTasks:
        """The tasks as a version describes them; raises ModelChanged if two versions answered."""
        metadata = self._retry.run(self._transport.metadata, deadline)
        describes = DESCRIBE in metadata.signatures
        description = self._retry.run(self._transport.describe, deadline) if describes else None
        return served_tasks(self._model.name, metadata, description)

    def _answers(self, rows: Sequence[SentRow], served: ServedTasks, deadline: Deadline) -> list[Answers]:
        """The answers to one request; sent twice if the tasks turn out to be those of an older version."""
        try:
            return self._route(rows, served, deadline)
        except ModelChanged:
            fresh = self._fetch_tasks(deadline)
            for row in rows:
                if (missing := fresh.missing(row.tasks)) is not None:
                    raise UserError(
                        f"row {row.index}: task {missing!r} is gone; the model has {', '.join(fresh.tasks)}"
                    ) from None
            if fresh == served:
                raise
            return self._route(rows, fresh, deadline)

    def _route(self, rows: Sequence[SentRow], served: ServedTasks, deadline: Deadline) -> list[Answers]:
        request = route_request(rows, served)
        reply = self._retry.run(lambda seconds: self._transport.route(request, seconds), deadline)
        if served.outdated_by(reply):
            self._served = None
        return read_answers(rows, served, reply)


def parallel_map(
    work: Callable[[T], R], items: Sequence[T], threads: int, give_up: Callable[[], None]
) -> list[R]:
    """What `work` returns of every item, in their order.

    The first error is raised at once. What has not begun by then never does; what runs is not waited for.

    Args:
      threads: Items worked on at a time.
      give_up: Called before an error is raised, for what runs to end early.
    """
    if threads == 1 or len(items) == 1:
        return [work(item) for item in items]
    executor = ThreadPoolExecutor(threads, "centrabert-client")
    try:
        futures = [executor.submit(work, item) for item in items]
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        return [future.result() for future in (futures if len(done) == len(futures) else done)]
    except BaseException:
        give_up()
        raise
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
