"""A BERT of one task as ONNX Runtime's own optimiser leaves it: its fused operators, float32.

What a user would serve with ONNX Runtime; `onnx_speed` compares. Sources: the operators
EmbedLayerNormalization, Attention, SkipLayerNormalization and FastGelu of com.microsoft in ONNX Runtime's
ContribOperators.md.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from centrabert.modeling.config import BertConfig

Weights = Mapping[str, npt.NDArray[np.float32]]
DOMAIN = "com.microsoft"
EPSILON = 1e-12


def onnx_bert(weights: Weights, config: BertConfig) -> bytes:
    """int32 [batch, length] input_ids, segment_ids, mask to float32 [batch, classes] probabilities.

    Args:
      weights: A full model of one task by BERT's names.
    """
    return _Builder(weights, config).model().SerializeToString()


class _Builder:
    def __init__(self, weights: Weights, config: BertConfig) -> None:
        self._weights = weights
        self._config = config
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def model(self) -> onnx.ModelProto:
        x = self._embeddings()
        for layer in range(self._config.num_hidden_layers):
            x = self._layer(x, f"bert/encoder/layer_{layer}")
        first = self._node("Gather", [x, self._constant("zero", np.array(0, np.int64))], axis=1)
        pooled = self._node("Tanh", [self._gemm(first, *self._named("bert/pooler/dense", "kernel", "bias"))])
        head = self._constant("head", self._weights["output_weights"].T.copy())
        logits = self._gemm(pooled, head, self._named("", "output_bias")[0])
        self._node("Softmax", [logits], "probabilities", axis=-1)
        shape: list[str | int] = ["batch", "length"]
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT32, shape)
            for name in ("input_ids", "segment_ids", "mask")
        ]
        outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", None])]
        graph = helper.make_graph(self._nodes, "bert", inputs, outputs, self._constants)
        versions = [helper.make_opsetid("", 17), helper.make_opsetid(DOMAIN, 1)]
        return helper.make_model(graph, opset_imports=versions, ir_version=9)

    def _embeddings(self) -> str:
        tables = ("word_embeddings", "position_embeddings", "token_type_embeddings")
        names = self._named("bert/embeddings", *tables, "LayerNorm/gamma", "LayerNorm/beta")
        inputs = ["input_ids", "segment_ids", *names, "mask"]
        return self._node("EmbedLayerNormalization", inputs, "embedded", "mask_index", epsilon=EPSILON)

    def _layer(self, x: str, scope: str) -> str:
        kernel, bias = (self._side_by_side(scope, what) for what in ("kernel", "bias"))
        heads = self._config.num_attention_heads
        context = self._node("Attention", [x, kernel, bias, "mask"], num_heads=heads)
        x = self._added(context, x, f"{scope}/attention/output")
        kernel, bias = self._named(f"{scope}/intermediate/dense", "kernel", "bias")
        wide = self._node("FastGelu", [self._node("MatMul", [x, kernel]), bias])
        return self._added(wide, x, f"{scope}/output")

    def _side_by_side(self, scope: str, what: str) -> str:
        """Of query, key and value, as Attention wants them."""
        arrays = [
            self._weights[f"{scope}/attention/self/{each}/{what}"] for each in ("query", "key", "value")
        ]
        return self._constant(f"{scope}/qkv_{what}", np.concatenate(arrays, -1))

    def _added(self, x: str, skip: str, scope: str) -> str:
        """Dense, residual, layer norm."""
        kernel, bias = self._named(f"{scope}/dense", "kernel", "bias")
        norm = self._named(f"{scope}/LayerNorm", "gamma", "beta")
        inputs = [self._node("MatMul", [x, kernel]), skip, *norm, bias]
        return self._node("SkipLayerNormalization", inputs, epsilon=EPSILON)

    def _gemm(self, x: str, kernel: str, bias: str) -> str:
        return self._node("Gemm", [x, kernel, bias])

    def _named(self, scope: str, *names: str) -> list[str]:
        paths = [f"{scope}/{name}" if scope else name for name in names]
        return [self._constant(path, self._weights[path]) for path in paths]

    def _constant(self, name: str, value: npt.NDArray[np.generic]) -> str:
        self._constants.append(numpy_helper.from_array(value, name))
        return name

    def _node(self, kind: str, inputs: list[str], *outputs: str, **attributes: float) -> str:
        names = list(outputs) or [f"{kind}_{len(self._nodes)}"]
        plain = ("Gather", "Tanh", "Softmax", "MatMul", "Gemm")
        domain = "" if kind in plain else DOMAIN
        self._nodes.append(helper.make_node(kind, inputs, names, domain=domain, **attributes))
        return names[0]
