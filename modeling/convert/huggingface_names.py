"""Hugging Face's names of BERT's variables, and Google's; a kernel of one is the transpose of the other's."""

import re
from collections.abc import Collection

from centrabert.errors import UserError

BUFFERS = frozenset(["embeddings.position_ids", "embeddings.token_type_ids"])
PARTS = ("embeddings.", "encoder.", "pooler.")
USUAL = "bert."
LISTED = 5  # names that a message spells out
WORDS = "embeddings.word_embeddings.weight"
EMBEDDING = re.compile(r"bert/embeddings/(word|position|token_type)_embeddings")
LEAVES = {"kernel": "weight", "gamma": "weight", "beta": "bias", "bias": "bias"}


def huggingface_name(name: str) -> str:
    """`bert/encoder/layer_3/output/dense/kernel` -> `encoder.layer.3.output.dense.weight`, as in BertModel.

    Raises:
      UserError: `name` is not one of Google's.
    """
    if EMBEDDING.fullmatch(name):
        return name.removeprefix("bert/").replace("/", ".") + ".weight"
    scope, _, leaf = name.rpartition("/")
    if not scope.startswith("bert/") or leaf not in LEAVES:
        raise UserError(f"variable {name!r} has no name in Hugging Face's BertModel")
    path = re.sub(r"layer_([0-9]+)", r"layer.\1", scope.removeprefix("bert/"))
    return f"{path.replace('/', '.')}.{LEAVES[leaf]}"


def is_transposed(name: str) -> bool:
    """Whether the variable with Google's `name` is stored transposed: every kernel, no embedding."""
    return name.endswith("/kernel")


def encoder_prefix(names: Collection[str], source: str) -> str:
    """What stands before the encoder's names: "" in BertModel, "bert." in BERT's task models, or another.

    Raises:
      UserError: `names` holds no encoder of a BERT, or several.
    """
    prefixes = sorted(
        name.removesuffix(WORDS) for name in names if name == WORDS or name.endswith("." + WORDS)
    )
    if len(prefixes) == 1:
        return prefixes[0]
    if prefixes:
        shown = " and ".join(repr(prefix) for prefix in prefixes)
        raise UserError(
            f"{source}: holds several encoders, whose names begin with {shown}; keep the variables of one"
        )
    first = ", ".join(sorted(names)[:LISTED])
    raise UserError(
        f"{source}: no variable is called {WORDS}, with or without a prefix: this is no BERT; the first "
        f"variables are {first}"
    )


def model_names(names: Collection[str], source: str) -> dict[str, str]:
    """The encoder's names as today's BertModel writes them, without a prefix, -> as they stand in the file.

    Old files write `LayerNorm.gamma` and `LayerNorm.beta`. Buffers, and what is beside the encoder, are not
    in it; all else under the encoder's prefix is, for the caller to match against what the config wants.

    Raises:
      UserError: Two of `names` mean the same variable, or as `encoder_prefix`.
    """
    prefix = encoder_prefix(names, source)
    found: dict[str, str] = {}
    for name in sorted(names):
        model_name = _encoder_name(name, prefix)
        if model_name is None or model_name in BUFFERS:
            continue
        if model_name in found:
            raise UserError(f"{source}: {found[model_name]} and {name} are the same variable")
        found[model_name] = name
    return found


def _encoder_name(name: str, prefix: str) -> str | None:
    """`name` without its prefix and in today's words; None for what is beside the encoder.

    Where the prefix is "" or "bert.", either may stand before any name.
    """
    usual = prefix in ("", USUAL)
    stem = name.removeprefix(USUAL if usual else prefix)
    if stem == name and not (usual and name.startswith(PARTS)):
        return None
    stem = re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", stem)
    return re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", stem)
