"""The joke-sized BERT of the tests: every size is another number, so that no swap can hide."""

from centrabert.modeling.config import BertConfig

CONFIG = BertConfig(
    vocab_size=99,
    hidden_size=32,
    num_hidden_layers=5,
    num_attention_heads=4,
    intermediate_size=37,
    hidden_act="gelu",
    hidden_dropout_prob=0.1,
    attention_probs_dropout_prob=0.1,
    max_position_embeddings=23,
    type_vocab_size=2,
    initializer_range=0.02,
)
