"""Checkpoints with Google's names, pretrained or fine-tuned, whatever stands before the encoder's."""

from pathlib import Path

from centrabert.errors import UserError
from centrabert.modeling import checkpoint, scopes
from centrabert.modeling.bert_folder import beside_encoder, encoder_prefixes
from centrabert.modeling.config import BertConfig
from centrabert.modeling.convert.pretrained import left_out, wanted_shapes

PREFIX = "bert/"
PARTS = ("embeddings/", "encoder/", "pooler/")


def read(prefix: Path, config: BertConfig) -> tuple[checkpoint.Tensors, list[str]]:
    """The encoder's variables, without the pooler where the checkpoint has no part of one; and notes.

    Raises:
      UserError: In one line, every variable of the encoder that is missing, unknown or of another shape; or
        the encoders, where there are several.
    """
    found = checkpoint.shapes(prefix)
    stored_prefix = _encoder_prefix(found, str(prefix))
    stored = {_google_name(name, stored_prefix): name for name in found}
    wanted = wanted_shapes(config, stored)
    dropped = beside_encoder(stored)
    checkpoint.match(wanted, {name: found[old] for name, old in stored.items()}, str(prefix), dropped)
    tensors = checkpoint.read(prefix, [stored[name] for name in wanted])
    notes = left_out(stored[name] for name in dropped)
    if stored_prefix != PREFIX:
        notes.append(f"the encoder's names began with {stored_prefix!r}, now with {PREFIX!r}")
    return {name: tensors[stored[name]] for name in wanted}, notes


def _google_name(name: str, prefix: str) -> str:
    """The name with Google's prefix instead of `prefix`; what is beside the encoder begins with /."""
    stem = name.removeprefix(prefix)
    inside = stem != name if prefix else name.startswith(PARTS)
    return PREFIX + stem if inside else f"/{name}"


def _encoder_prefix(found: dict[str, scopes.Shape], source: str) -> str:
    prefixes = encoder_prefixes(found)
    if PREFIX in prefixes or not prefixes:
        return PREFIX
    if len(prefixes) > 1:
        raise UserError(f"{source}: holds several encoders, {', '.join(prefixes)}; keep the variables of one")
    return prefixes[0]
