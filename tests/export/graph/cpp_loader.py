"""Asks a SavedModel through TensorFlow's C++ loader, the one that TF Serving uses, without Python's.

Run as a script it reads requests from stdin and never imports tensorflow: it loads the wheel's own shared
libraries and calls their C API. `ask` starts it and returns the answers. TF Serving has the ops of TensorFlow
Text linked in; here their libraries are loaded by name, so the list says which ones a model needs.
"""

import ctypes
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

WORDPIECE = ("_fast_wordpiece_tokenizer.so", "_normalize_ops.so")
# Of a plain unigram model of XLM-RoBERTa; ALBERT's needs _normalize_ops.so too, and models of other types
# need _sentencepiece_tokenizer.so instead.
SENTENCEPIECE = ("_fast_sentencepiece_tokenizer.so",)
FLOAT, INT32, STRING, BOOL = 1, 3, 7, 10  # TF_DataType of tensorflow/c/tf_datatype.h
DTYPES = {FLOAT: np.dtype(np.float32), INT32: np.dtype(np.int32), BOOL: np.dtype(np.bool_)}
STRING_SIZE = 24  # sizeof(TF_TString)
Pointer = ctypes.c_void_p
Answer = dict[str, npt.NDArray[Any]]  # by the name of the tensor


class Output(ctypes.Structure):
    """TF_Output: a tensor of the graph."""

    _fields_ = (("operation", Pointer), ("index", ctypes.c_int))


def ask(
    folder: Path,
    requests: Sequence[tuple[Mapping[str, npt.NDArray[Any]], Sequence[str]]],
    text_libraries: Sequence[str] = WORDPIECE,
) -> list[Answer]:
    """Loads the SavedModel at `folder` once and runs every request.

    Args:
      requests: Pairs of feeds (tensor name -> int32 array or array of str) and fetched tensor names.
      text_libraries: Those of TensorFlow Text whose ops the model has.

    Returns:
      For each request, tensor name -> float32 array, or object array of bytes.
    """
    lines = [
        {"feeds": {name: value.tolist() for name, value in feeds.items()}, "fetches": list(fetches)}
        for feeds, fetches in requests
    ]
    done = subprocess.run(
        [sys.executable, __file__, str(folder), *text_libraries],
        input=json.dumps(lines),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the C++ loader failed: {done.stderr}")
    return [{name: _decode(value) for name, value in line.items()} for line in json.loads(done.stdout)]


def _decode(value: dict[str, Any]) -> npt.NDArray[Any]:
    if "strings" in value:
        strings = [bytes.fromhex(text) for text in value["strings"]]
        return np.array(strings, np.object_).reshape(value["shape"])
    return np.frombuffer(bytes.fromhex(value["bytes"]), value["dtype"]).reshape(value["shape"])


class Library:
    """TensorFlow's C API, with every status checked."""

    def __init__(self, text_libraries: Sequence[str]) -> None:
        tensorflow, text = (_package(name) for name in ("tensorflow", "tensorflow_text"))
        self._framework = ctypes.CDLL(str(tensorflow / "libtensorflow_framework.so.2"), ctypes.RTLD_GLOBAL)
        self._c = ctypes.CDLL(str(tensorflow / "libtensorflow_cc.so.2"), ctypes.RTLD_GLOBAL)
        # As TF Serving does by default; a C++ function, hence the name.
        self._c["_ZN10tensorflow21DisableXlaCompilationEv"]()
        self.status = self("TF_NewStatus", Pointer)
        for name in text_libraries:
            self.checked("TF_LoadLibrary", Pointer, str(text / "python" / "ops" / name).encode())

    def __call__(self, function: str, returns: Any, *arguments: Any) -> Any:
        library = self._c if hasattr(self._c, function) else self._framework
        called = library[function]
        called.restype = returns
        return called(*arguments)

    def checked(self, function: str, returns: Any, *arguments: Any) -> Any:
        """Calls a function whose last argument is the status; raises RuntimeError with its message."""
        result = self(function, returns, *arguments, Pointer(self.status))
        if self("TF_GetCode", ctypes.c_int, Pointer(self.status)):
            raise RuntimeError(self("TF_Message", ctypes.c_char_p, Pointer(self.status)).decode())
        return result


class Session:
    """A SavedModel, tag `serve`."""

    def __init__(self, library: Library, folder: str) -> None:
        self._library = library
        self._graph = library("TF_NewGraph", Pointer)
        self._session = library.checked(
            "TF_LoadSessionFromSavedModel",
            Pointer,
            Pointer(library("TF_NewSessionOptions", Pointer)),
            None,
            folder.encode(),
            (ctypes.c_char_p * 1)(b"serve"),
            1,
            Pointer(self._graph),
            None,
        )

    def run(self, feeds: Mapping[str, Any], fetches: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The fetched tensors, encoded for JSON."""
        inputs = (Output * len(feeds))(*map(self._output, feeds))
        values = (Pointer * len(feeds))(*(self._tensor(value) for value in feeds.values()))
        outputs = (Output * len(fetches))(*map(self._output, fetches))
        answers = (Pointer * len(fetches))()
        self._library.checked(
            "TF_SessionRun",
            None,
            Pointer(self._session),
            None,
            *(inputs, values, len(feeds)),
            *(outputs, answers, len(fetches)),
            *(None, 0),
            None,
        )
        return {name: self._encode(answer) for name, answer in zip(fetches, answers, strict=True)}

    def _output(self, name: str) -> Output:
        operation, index = name.split(":")
        found = self._library("TF_GraphOperationByName", Pointer, Pointer(self._graph), operation.encode())
        if not found:
            raise RuntimeError(f"there is no operation {operation}")
        return Output(found, int(index))

    def _tensor(self, value: Any) -> Any:
        """A new TF_Tensor of int32 or string."""
        array = np.array(value)
        strings = [text.encode() for text in array.ravel().tolist()] if array.dtype.kind == "U" else None
        size = STRING_SIZE * array.size if strings is not None else 4 * array.size
        dims = (ctypes.c_int64 * array.ndim)(*array.shape)
        dtype = INT32 if strings is None else STRING
        tensor = self._library("TF_AllocateTensor", Pointer, dtype, dims, array.ndim, ctypes.c_size_t(size))
        data = self._library("TF_TensorData", Pointer, Pointer(tensor))
        if strings is None:
            ctypes.memmove(data, array.astype(np.int32).tobytes(), size)
        for place, text in enumerate(strings or []):
            self._library("TF_StringInit", None, Pointer(data + STRING_SIZE * place))
            self._library(
                "TF_StringCopy", None, Pointer(data + STRING_SIZE * place), text, ctypes.c_size_t(len(text))
            )
        return tensor

    def _encode(self, tensor: int) -> dict[str, Any]:
        handle = Pointer(tensor)
        rank = self._library("TF_NumDims", ctypes.c_int, handle)
        shape = [self._library("TF_Dim", ctypes.c_int64, handle, place) for place in range(rank)]
        dtype = self._library("TF_TensorType", ctypes.c_int, handle)
        data = self._library("TF_TensorData", Pointer, handle)
        if dtype == STRING:
            places = range(int(np.prod(shape)))
            return {"shape": shape, "strings": [self._string(data + STRING_SIZE * at).hex() for at in places]}
        size = self._library("TF_TensorByteSize", ctypes.c_size_t, handle)
        return {"shape": shape, "dtype": DTYPES[dtype].str, "bytes": ctypes.string_at(data, size).hex()}

    def _string(self, address: int) -> bytes:
        size = self._library("TF_StringGetSize", ctypes.c_size_t, Pointer(address))
        return ctypes.string_at(self._library("TF_StringGetDataPointer", Pointer, Pointer(address)), size)


def _package(name: str) -> Path:
    """The folder of an installed package, which is not imported."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"{name} is not installed")
    return Path(spec.origin).parent


def main() -> None:
    session = Session(Library(sys.argv[2:]), sys.argv[1])
    answers = [session.run(request["feeds"], request["fetches"]) for request in json.load(sys.stdin)]
    if "tensorflow" in sys.modules:
        raise RuntimeError("Python's tensorflow was imported: this proves nothing")
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
