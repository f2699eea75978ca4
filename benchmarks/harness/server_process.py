"""A local server in a process of its own."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from centrabert.modeling.task import TaskSpec

SECONDS = 3600.0  # until we give up waiting for a version
POLL_SECONDS = 0.5  # between two requests, which take the server time too


@dataclass(frozen=True)
class ServerProcess:
    """A server that has loaded its versions.

    Attributes:
      address: Of its gRPC.
    """

    process: "subprocess.Popen[str]"
    address: str

    def cpu_seconds(self) -> float:
        """What it has used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime, stime

    def wait_for(self, version: int, task: TaskSpec) -> None:
        """Asks a task, twice a second, until the answer is that of a version."""
        import grpc
        import tensorflow as tf
        from tensorflow_serving.apis.predict_pb2 import PredictRequest
        from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

        request = PredictRequest()
        request.model_spec.name = "centrabert"
        request.model_spec.signature_name = task.name
        for name in ("text_a", "text_b") if task.pair else ("text_a",):
            request.inputs[name].CopyFrom(tf.make_tensor_proto([b"a fine film"]))
        end = time.monotonic() + SECONDS
        with grpc.insecure_channel(self.address) as channel:
            stub = PredictionServiceStub(channel)
            while stub.Predict(request, SECONDS).model_spec.version.value != version:
                if time.monotonic() > end:
                    raise TimeoutError(f"version {version} is not served after {SECONDS:.0f} s")
                time.sleep(POLL_SECONDS)


@contextmanager
def server_process(base_path: Path) -> Iterator[ServerProcess]:
    """A server of the versions in a folder, which has loaded them; it is stopped when the block ends.

    Raises:
      OSError: It did not start.
    """
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "centrabert.export.run_server", f"--model_base_path={base_path}"),
            *("--port=0", "--rest_api_port=0"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not (found := re.search(r"gRPC at (\S+),", line)):
            raise OSError(f"the server did not start: {line!r}")
        yield ServerProcess(process, found[1])
    finally:
        process.terminate()
        print(f"the server ended with exit code {process.wait(60)}")
