"""Hugging Face's names of BERT's variables, and Google's; a kernel of one is the transpose of the other's."""

import re
from collections.abc import Collection

from centrabert.errors import UserError

# What a Hugging Face file holds besides the encoder: buffers, and the heads of its task models.
DROPPED = re.compile(
    r"(bert\.)?embeddings\.(position_ids|token_type_ids)"
    r"|cls\.(predictions|seq_relationship)\..+"
    r"|(classifier|qa_outputs)\.(weight|bias)"
)
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


def model_names(names: Collection[str], source: str) -> dict[str, str]:
    """The names as today's BertModel writes them, without `bert.`, -> as they stand in the file.

    Old files write `LayerNorm.gamma` and `LayerNorm.beta`. Names that DROPPED matches are left out; whatever
    else is in `names` stays, for the caller to match against what the config wants.

    Raises:
      UserError: Two of `names` mean the same variable.
    """
    found: dict[str, str] = {}
    for name in sorted(names):
        if DROPPED.fullmatch(name):
            continue
        model_name = _without_history(name)
        if model_name in found:
            raise UserError(f"{source}: {found[model_name]} and {name} are the same variable")
        found[model_name] = name
    return found


def _without_history(name: str) -> str:
    name = name.removeprefix("bert.")
    name = re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", name)
    return re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", name)
