"""A SentencePiece model file: read and checked without TensorFlow, and written with fewer pieces."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from google.protobuf import (  # type: ignore[import-untyped]
    descriptor_pb2,
    descriptor_pool,
    message_factory,
)
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from centrabert.errors import UserError
from centrabert.modeling.tokenization.vocabulary import read_content

NORMAL, UNKNOWN, CONTROL = 1, 2, 3  # types of pieces; 4 user-defined, 5 unused, 6 byte
UNIGRAM, BPE = 1, 2  # types of models
SPACE = "\u2581"  # what stands for a space in a piece
_Field = descriptor_pb2.FieldDescriptorProto
# The fields that are needed here of each message; protobuf passes the others on. The package's own
# sentencepiece_model_pb2 does not load beside every version of protobuf.
_MESSAGES: dict[str, dict[str, tuple[int, Any]]] = {
    "Piece": {
        "piece": (1, _Field.TYPE_STRING),
        "score": (2, _Field.TYPE_FLOAT),
        "type": (3, _Field.TYPE_INT32),
    },
    "TrainerSpec": {"model_type": (3, _Field.TYPE_INT32), "vocab_size": (4, _Field.TYPE_INT32)},
    "NormalizerSpec": {"name": (1, _Field.TYPE_STRING)},
    "Model": {
        "pieces": (1, "Piece"),
        "trainer_spec": (2, "TrainerSpec"),
        "normalizer_spec": (3, "NormalizerSpec"),
    },
}


@dataclass(frozen=True)
class SentencePieceModel:
    """The content of a model file; a piece's place in `pieces` is its id in the file.

    Raises:
      UserError: It names `source`: the file is cut off, is no SentencePiece model, or is BPE without scores.
    """

    content: bytes
    source: str = "SentencePiece model"

    def __post_init__(self) -> None:
        message = self._message
        if not (message.HasField("trainer_spec") and message.HasField("normalizer_spec")):
            raise UserError(
                f"{self.source}: has no trainer_spec or normalizer_spec, so it is cut off; fetch it again"
            )
        scores = {
            piece.score for piece, kind in zip(message.pieces, self.types, strict=True) if kind == NORMAL
        }
        if message.trainer_spec.model_type == BPE and len(scores) < 2:
            raise UserError(
                f"{self.source}: is BPE without scores, which decide the order in which pieces are joined; "
                "fetch the file that the model was trained with"
            )
        if UNKNOWN not in self.types:
            raise UserError(f"{self.source}: has no piece of the type UNKNOWN")

    @classmethod
    def from_file(cls, path: Path) -> "SentencePieceModel":
        """Raises UserError, as the class does, or if there is no such file."""
        return cls(read_content(path), str(path))

    @cached_property
    def _message(self) -> Any:
        try:
            return ModelProto.FromString(self.content)
        except DecodeError:
            raise UserError(f"{self.source}: is cut off or no SentencePiece model; fetch it again") from None

    @cached_property
    def pieces(self) -> tuple[str, ...]:
        return tuple(piece.piece for piece in self._message.pieces)

    @cached_property
    def types(self) -> tuple[int, ...]:
        return tuple(piece.type or NORMAL for piece in self._message.pieces)

    @property
    def unknown(self) -> int:
        """The id in the file of what no piece covers."""
        return self.types.index(UNKNOWN)

    @property
    def lowest(self) -> int:
        """The id in the file of a normal piece of the lowest score."""
        scored = enumerate(zip(self._message.pieces, self.types, strict=True))
        return min((piece.score, index) for index, (piece, kind) in scored if kind == NORMAL)[1]

    @property
    def is_unigram(self) -> bool:
        return self._message.trainer_spec.model_type in (0, UNIGRAM)

    @property
    def is_plain(self) -> bool:
        """Whether it is a unigram model without pieces that are read whole, unused, or stand for bytes."""
        return self.is_unigram and {NORMAL, UNKNOWN, CONTROL}.issuperset(self.types)

    def kept(self, ids: Sequence[int]) -> "SentencePieceModel":
        """The same model with these of its pieces alone; their places are their new ids."""
        message = ModelProto.FromString(self.content)
        pieces = [message.pieces[index] for index in ids]
        message.ClearField("pieces")
        message.pieces.extend(pieces)
        message.trainer_spec.vocab_size = len(pieces)
        return SentencePieceModel(message.SerializeToString(deterministic=True), self.source)


def _model_class() -> Any:
    """The class of a message that is a whole model."""
    file = descriptor_pb2.FileDescriptorProto(name="sentencepiece.proto", package="pieces", syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            label = _Field.LABEL_REPEATED if field == "pieces" else _Field.LABEL_OPTIONAL
            added = message.field.add(name=field, number=number, label=label)
            if isinstance(kind, str):
                added.type, added.type_name = _Field.TYPE_MESSAGE, f".pieces.{kind}"
            else:
                added.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("pieces.Model"))


ModelProto = _model_class()
