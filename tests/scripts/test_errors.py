"""Which of TensorFlow's errors are told in one line, on a full disk for one."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from absl import flags
from full_disk import largest_file

from centrabert import command
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


def test_tensorflow_on_a_full_disk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A checkpoint that is larger than a file may be."""

    def main() -> None:
        zeros = np.zeros([99999], np.float32)
        prefix = str(tmp_path / "model.ckpt")
        tf.raw_ops.SaveV2(prefix=prefix, tensor_names=["a"], shape_and_slices=[""], tensors=[zeros])

    with largest_file(9999):
        status = command.status(main, flags.FlagValues(), ["full.py"])
    errors = capsys.readouterr().err
    last = errors.splitlines()[-1]
    assert status == 1
    assert last.startswith("full.py: error: ")
    assert last.endswith(": File too large")
    assert "Traceback" not in errors
