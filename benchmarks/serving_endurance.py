"""A server under many requests and under far too many: does its memory stay flat, does it say so.

First --requests short ones, as fast as they are answered; then, for a minute, ten times as many long ones as
the server can answer, while a patient client asks once a second. Prints the memory and how requests ended.
"""

import asyncio
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from absl import flags
from tqdm import tqdm

from centrabert import command

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    "vocabulary", "output/bert/vocab.txt", "Path of a vocab.txt, such as MiniLM's.", flag_values=FLAGS
)
flags.DEFINE_integer("requests", 100_000, "Number of short requests before the overload.", flag_values=FLAGS)
flags.DEFINE_float("overload_seconds", 60.0, "Seconds that the overload lasts.", flag_values=FLAGS)
flags.DEFINE_float(
    "overload", 10.0, "Rate of the overload, as a multiple of what the server can answer.", flag_values=FLAGS
)
CONCURRENT = 64
SHORT, LONG = "a fine film", " ".join(["word"] * 120)


def main() -> None:
    from benchmarks.harness import random_models
    from benchmarks.harness.server_process import server_process

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        base = random_models.bert(folder / "bert", "minilm", Path(FLAGS.vocabulary))
        version = random_models.export_model(folder / "mixed", base, random_models.mixed("minilm"))
        with server_process(version.parent) as server:
            asyncio.run(_measure(server.address, server.process.pid))


async def _measure(address: str, pid: int) -> None:
    import grpc
    from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

    async with grpc.aio.insecure_channel(address) as channel:
        stub = PredictionServiceStub(channel)
        await _many(stub, pid)
        before = _memory(pid)
        capacity = await _capacity(stub)
        outcomes, patient = await _overloaded(stub, FLAGS.overload * capacity)
        total = sum(outcomes.values())
        print(
            f"overload: {total / FLAGS.overload_seconds:.0f} requests/s for {FLAGS.overload_seconds:.0f} s, "
            f"{capacity:.0f}/s can be answered: {dict(outcomes)}"
        )
        print(f"overload: a client that asks once a second and tries again: {dict(patient)}")
        print(f"overload: memory {before:.3f} GB before, {_memory(pid):.3f} after")
        seconds = [await _timed(stub) for _ in range(20)]
        print(f"afterwards: a long request takes {1000 * statistics.median(seconds):.0f} ms")


async def _many(stub: Any, pid: int) -> None:
    """The short ones; memory once for every hundredth of them."""
    memory: list[float] = []
    left = iter(tqdm(range(FLAGS.requests), "requests"))

    async def client() -> None:
        for number in left:
            await stub.Predict(_request("sst2" if number % 2 else "cola", SHORT))
            if number % (FLAGS.requests // 100) == 0:
                memory.append(_memory(pid))

    await asyncio.gather(*(client() for _ in range(CONCURRENT)))
    quarters = [statistics.median(memory[25 * quarter : 25 * quarter + 25]) for quarter in range(4)]
    print(f"{FLAGS.requests} requests: memory by quarters {', '.join(f'{each:.3f}' for each in quarters)} GB")


async def _capacity(stub: Any) -> float:
    """Long requests a second that are answered when some always wait."""
    start = time.monotonic()
    for _ in range(4):
        await asyncio.gather(*(stub.Predict(_request("sst2", LONG)) for _ in range(CONCURRENT)))
    return 4 * CONCURRENT / (time.monotonic() - start)


async def _overloaded(stub: Any, rate: float) -> tuple[Counter[str], Counter[str]]:
    """How requests end that come at `rate`, and those of a client that waits and tries again."""
    outcomes, patient = Counter[str](), Counter[str]()
    end = time.monotonic() + FLAGS.overload_seconds

    async def impatient() -> None:
        outcomes[await _status(stub, 5.0)] += 1

    async def waiting() -> None:
        while time.monotonic() < end:
            status = await _status(stub, 20.0)
            patient[status] += 1
            await asyncio.sleep(1.0)

    steady, tasks = asyncio.ensure_future(waiting()), []
    start = time.monotonic()
    for number in range(int(rate * FLAGS.overload_seconds)):
        await asyncio.sleep(max(0.0, start + number / rate - time.monotonic()))
        tasks.append(asyncio.ensure_future(impatient()))
    await asyncio.gather(steady, *tasks)
    return outcomes, patient


async def _status(stub: Any, seconds: float) -> str:
    import grpc

    try:
        await stub.Predict(_request("sst2", LONG), timeout=seconds)
    except grpc.aio.AioRpcError as error:
        return str(error.code().name)
    return "OK"


async def _timed(stub: Any) -> float:
    start = time.monotonic()
    await stub.Predict(_request("sst2", LONG))
    return time.monotonic() - start


def _request(task: str, text: str) -> Any:
    import tensorflow as tf
    from tensorflow_serving.apis.predict_pb2 import PredictRequest

    request = PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = "centrabert", task
    request.inputs["text_a"].CopyFrom(tf.make_tensor_proto([text]))
    return request


def _memory(pid: int) -> float:
    """Gigabytes of the process that are no pages of files."""
    (line,) = [each for each in Path(f"/proc/{pid}/status").read_text().splitlines() if "RssAnon" in each]
    return int(line.split()[1]) / 1e6


if __name__ == "__main__":
    command.run(main, FLAGS)
