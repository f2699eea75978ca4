"""Which of TensorFlow's errors are told in one line, on a full disk for one."""

import subprocess
import sys
from pathlib import Path

import pytest

from centrabert.errors import file_mistake


class FakeOpError(Exception):
    """Shaped as tf.errors.OpError."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


# As TensorFlow 2.20 wrote them on a full disk: eagerly, and from a Session.
EAGER = (
    "{{function_node __wrapped__SaveV2}} /out/model.ckpt.tempstate175; No space left on device [Op:SaveV2]"
)
SESSION = (
    "Graph execution error:\n\nDetected at node 'save/SaveV2' defined at (most recent call last):\n"
    "    File \"/a/b.py\", line 16, in <module>\nNode: 'save/SaveV2'\n"
    "/out/model.ckpt.tempstate175; No space left on device\n\t [[{{node save/SaveV2}}]]\n\nOriginal stack"
)


@pytest.mark.parametrize("message", [EAGER, SESSION])
def test_what_tensorflow_says_of_a_file_is_one_line(message: str) -> None:
    told = file_mistake(FakeOpError(message))
    assert told == "/out/model.ckpt.tempstate175: No space left on device"


@pytest.mark.parametrize("message", ["OOM when allocating tensor", "/a/b; is not a message of the system"])
def test_other_errors_of_tensorflow_are_no_mistake_of_the_user(message: str) -> None:
    assert file_mistake(FakeOpError(message)) is None


FULL_DISK = """
'''Writes a checkpoint that is larger than a file may be.'''
import resource
from absl import flags
from centrabert import command
def main():
    import numpy
    import tensorflow
    resource.setrlimit(resource.RLIMIT_FSIZE, (9999, 9999))
    a = numpy.zeros([99999], numpy.float32)
    tensorflow.raw_ops.SaveV2(prefix="model.ckpt", tensor_names=["a"], shape_and_slices=[""], tensors=[a])
command.run(main, flags.FlagValues())
"""


def test_tensorflow_on_a_full_disk(tmp_path: Path) -> None:
    tmp_path.joinpath("full.py").write_text(FULL_DISK)
    result = subprocess.run([sys.executable, "full.py"], cwd=tmp_path, capture_output=True, text=True)
    last = result.stderr.splitlines()[-1]
    assert result.returncode == 1
    assert last.startswith("full.py: error: ")
    assert last.endswith(": File too large")
    assert "Traceback" not in result.stderr
