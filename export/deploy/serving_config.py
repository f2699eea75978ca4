"""batching_parameters.txt: how TF Serving computes requests together."""

from pathlib import Path

from centrabert.modeling.files import write_text

BATCHING = "batching_parameters.txt"
ROWS = 32  # a batch that a core computes as fast, row by row, as any larger one
WAITING = 100  # batches; TF Serving's 10 are gone at the first burst: every signature has its queue


def write_batching(folder: Path, cores: int) -> Path:
    """Writes batching_parameters.txt for --batching_parameters_file, and returns its path.

    A batch waits for no more than 2 ms. pad_variable_length_inputs stays off: it would pad ids with their
    first, where the model wants 0; who sends ids pads them.

    Args:
      cores: Batches computed at a time.
    """
    path = folder / BATCHING
    folder.mkdir(parents=True, exist_ok=True)
    values = {
        "max_batch_size": ROWS,
        "batch_timeout_micros": 2000,
        "num_batch_threads": cores,
        "max_enqueued_batches": WAITING,
    }
    write_text(path, "".join(f"{name} {{ value: {value} }}\n" for name, value in values.items()))
    return path
