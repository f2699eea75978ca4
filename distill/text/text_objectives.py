"""What a smaller BERT learns from a larger one on texts: states of layers that go together, and their loss.

DistilBERT is trained to guess masked words besides. Nothing here is, for that takes the head that guesses
them, which a BERT folder need not have.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from centrabert.distill.comparison.layer_pairs import even_depths
from centrabert.modeling.layers.layer_states import ATTENTION_SCORES, HIDDEN, VALUE, LayerState

COSINE, SQUARE, DIVERGENCE, PRODUCTS = "cosine", "square", "divergence", "products"


@dataclass(frozen=True)
class Comparison:
    """Two states that should be alike.

    Attributes:
      loss: How they are compared: the hidden states by COSINE (1 - it) or SQUARE (the squared error), scores
        of attention by SQUARE or DIVERGENCE (KL), values by the divergence of their PRODUCTS.
    """

    student: LayerState
    teacher: LayerState
    loss: str


def _distilbert(student: int, teacher: int) -> Sequence[Comparison]:
    return [Comparison(LayerState(HIDDEN, student), LayerState(HIDDEN, teacher), COSINE)]


def _minilm(student: int, teacher: int) -> Sequence[Comparison]:
    return [
        Comparison(LayerState(kind, student), LayerState(kind, teacher), loss)
        for kind, loss in ((ATTENTION_SCORES, DIVERGENCE), (VALUE, PRODUCTS))
    ]


def _tinybert(student: int, teacher: int) -> Sequence[Comparison]:
    embeddings = LayerState(HIDDEN, 0)
    return [
        Comparison(embeddings, embeddings, SQUARE),
        *(
            Comparison(LayerState(kind, own), LayerState(kind, other), SQUARE)
            for own, other in even_depths(student, teacher)
            for kind in (HIDDEN, ATTENTION_SCORES)
        ),
    ]


# By name: number of layers of student and teacher -> what is compared.
OBJECTIVES = {
    "distilbert": _distilbert,  # Sanh et al. 2019, its cosine alone
    "minilm": _minilm,  # Wang et al. 2020
    "tinybert": _tinybert,  # Jiao et al. 2020, general distillation
}


def states_of(comparisons: Sequence[Comparison]) -> tuple[list[LayerState], list[LayerState]]:
    """Those of the student, and those of the teacher."""
    return [each.student for each in comparisons], [each.teacher for each in comparisons]
