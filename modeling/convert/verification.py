"""A converted folder in our encoder, against tf-models-official's encoder with the weights of the source."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from centrabert.errors import UserError
from centrabert.modeling.config import BertConfig
from centrabert.modeling.convert.pretrained import Pretrained
from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.layers.encoder import embed, encode, pool_first

# Of the largest value. Rounding cost 6e-7 in MiniLM, 2e-6 in a random BERT-base; the wrong one of two gelus
# costs up to 1e-3 a layer of a real BERT, and 6e-5 in two layers of small random weights.
TOLERANCE = 2e-5
ROWS, WORDS = 6, 24
Outputs = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]  # [tokens, hidden], [rows, hidden]
# Parts of Google's names, and of those that tf-models-official gives its variables.
PARTS = {
    "bert/embeddings/word_embeddings": "word_embeddings/embeddings",
    "bert/embeddings/position_embeddings": "position_embedding/embeddings",
    "bert/embeddings/token_type_embeddings": "type_embeddings/embeddings",
    "bert/embeddings/LayerNorm": "embeddings/layer_norm",
    "bert/pooler/dense": "pooler_transform",
    "bert/encoder": "transformer",
    "attention/self": "self_attention",
    "attention/output/dense": "self_attention/attention_output",
    "attention/output/LayerNorm": "self_attention_layer_norm",
    "intermediate/dense": "intermediate",
    "output/dense": "output",
    "output/LayerNorm": "output_layer_norm",
}
PART = re.compile("|".join(map(re.escape, PARTS)))  # of two that begin alike, the longer stands first


@dataclass(frozen=True)
class Difference:
    """The largest difference of two encoders, as a share of the largest value; real tokens only."""

    sequence_output: float
    pooled_output: float

    def __str__(self) -> str:
        return f"sequence_output {self.sequence_output:.1e}, pooled_output {self.pooled_output:.1e}"


def verify(source: Pretrained, converted: Pretrained, folder: Path) -> Difference:
    """Runs both encoders on sample texts made of the vocabulary, one of them as long as positions allow.

    It sees what these texts reach: every position, layer and the pooler, but not every word embedding.

    Args:
      source: What was read, and is computed by tf-models-official.
      converted: What was read back from the folder that was written, and is computed by our encoder.
      folder: Its name, for messages.

    Raises:
      UserError: They differ by more than TOLERANCE, or tf-models-official is not installed.
    """
    ids, segments = sample_rows(source)
    real = ids != source.tokenizer.padding_id
    theirs = _official_outputs(source, ids, segments, real)
    ours = _our_outputs(converted, ids, segments, real)
    difference = Difference(*(_largest(*pair) for pair in zip(ours, theirs, strict=True)))
    if not max(difference.sequence_output, difference.pooled_output) <= TOLERANCE:
        raise UserError(
            f"{folder}: does not compute what tf-models-official does with the source: largest differences "
            f"{difference}, tolerance {TOLERANCE:.0e} of the largest value"
        )
    return difference


def sample_rows(bert: Pretrained) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Ids and segments, int32 [ROWS, length], of words from all over the vocabulary, some in pairs."""
    words = bert.tokenizer.words or ["a"]
    mixed = [words[place] for place in np.random.default_rng(0).permutation(len(words))]
    length = bert.config.max_position_embeddings
    parts = [mixed[row * WORDS : (row + 1) * WORDS] or words[:WORDS] for row in range(2 * ROWS)]
    text_a = [" ".join(part) for part in parts[:ROWS]]
    text_a[0] = " ".join((mixed * length)[:length])  # at least a piece a word
    has_pairs = bert.tokenizer.layout.second_segment < bert.config.type_vocab_size
    text_b = [" ".join(part) if has_pairs and row % 2 else "" for row, part in enumerate(parts[ROWS:])]
    ids, segments = bert.tokenizer.encode(text_a, text_b, length)
    return ids.numpy(), segments.numpy()


def official_name(name: str) -> str:
    """The name that tf-models-official's BertEncoderV2 gives the variable with Google's `name`."""
    return PART.sub(lambda part: PARTS[part[0]], name)


def _official_outputs(
    bert: Pretrained, ids: npt.NDArray[np.int32], segments: npt.NDArray[np.int32], real: npt.NDArray[np.bool_]
) -> Outputs:
    encoder = _official_encoder(bert.config)
    rows = {"input_word_ids": ids, "input_mask": real.astype(np.int32), "input_type_ids": segments}
    encoder(rows)  # makes the variables
    weights = {official_name(name): tensor for name, tensor in bert.tensors.items()}
    for variable in encoder.weights:
        name = variable.name.removeprefix(f"{encoder.name}/").removesuffix(":0")
        variable.assign(weights.pop(name).reshape(variable.shape))
    if weights:
        raise ValueError(f"tf-models-official's encoder has no {', '.join(weights)}")
    outputs = encoder(rows)
    return outputs["sequence_output"].numpy()[real], outputs["pooled_output"].numpy()


def _official_encoder(config: BertConfig) -> Any:
    try:
        from official.nlp.modeling.networks import BertEncoderV2
    except ImportError as error:
        raise UserError(
            f"verifying needs tf-models-official: {error}; pip install tf-models-official"
        ) from None
    activations = {
        "gelu": lambda x: tf.nn.gelu(x, approximate=True),
        "gelu_exact": lambda x: tf.nn.gelu(x, approximate=False),
        "relu": tf.nn.relu,
    }
    return BertEncoderV2(
        vocab_size=config.vocab_size,
        hidden_size=config.hidden_size,
        num_layers=config.num_hidden_layers,
        num_attention_heads=config.num_attention_heads,
        max_sequence_length=config.max_position_embeddings,
        type_vocab_size=config.type_vocab_size,
        inner_dim=config.intermediate_size,
        inner_activation=activations[config.hidden_act],
        name="official",
    )


def _our_outputs(
    bert: Pretrained, ids: npt.NDArray[np.int32], segments: npt.NDArray[np.int32], real: npt.NDArray[np.bool_]
) -> Outputs:
    config = bert.config
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        fed_ids, fed_segments = (tf.compat.v1.placeholder(tf.int32, [None, None]) for _ in range(2))
        mask = attention_mask(fed_ids, bert.tokenizer.padding_id)
        x = encode(embed(fed_ids, fed_segments, config), mask, config, range(config.num_hidden_layers))
        first = pool_first(x, config)
        starts = {variable.op.name: variable.initializer for variable in tf.compat.v1.global_variables()}
        weights = {start.inputs[1]: bert.tensors[name] for name, start in starts.items()}
        session.run(list(starts.values()), weights)
        sequence, pooled = session.run([x, first], {fed_ids: ids, fed_segments: segments})
    return sequence[real], pooled


def _largest(ours: npt.NDArray[np.float32], theirs: npt.NDArray[np.float32]) -> float:
    """NaN if there is any."""
    return float(np.abs(ours - theirs).max() / max(1.0, np.abs(theirs).max()))
