"""The rows of Table 2 that are made by other ways than the paper's own, and what is to be said of each."""

from dataclasses import dataclass

from benchmarks.paper.training import ADAPTERS, LORA, MT_DNN, MT_DNN_LOO

STUDENT_EPOCHS, LONG_EPOCHS = 5.0, 15.0
SMALL = 6  # layers of the small models of Table 2


@dataclass(frozen=True)
class Method:
    """A way to distil.

    Attributes:
      name: Of the method of distillation, as `--method`; "" is fine-tuning.
      whole: Whether it makes a whole model of `SMALL` layers from full fine-tuning, or a branch's students.
      note: What the page says of the row.
      texts: How a smaller BERT is made from texts first, as `compress --method`; "" for none.
      teacher_seeds: How many trainings, which differ in their seeds, are the teacher together.
      unlabelled: Whether texts without a label are trained on besides, as the teacher answers them.
      num_train_epochs: Of a branch's students.
    """

    name: str
    whole: bool
    note: str
    texts: str = ""
    settings: tuple[tuple[str, object], ...] = ()
    teacher_seeds: int = 1
    unlabelled: bool = False
    num_train_epochs: float = STUDENT_EPOCHS


LOGITS_ALONE = (("attention_weight", 0.0), ("value_weight", 0.0), ("hidden_weight", 0.0))
NO_MASKED_WORDS = "as the encoder has no head for masked words"
FROM_TEXTS = "a smaller BERT of every second layer, trained on the texts of all training rows"
LAST_LAYER = "squared errors of the logits and of the last layer's hidden states, and minilm's relations"
UNLABELLED = (
    "besides on 10,000 texts without a label: what the task's training file has beyond the rows trained on, "
    "then what those of the other tasks have"
)
VANILLA = Method("vanilla_kd", whole=False, note="")
METHODS = {
    "kd_whole": Method("vanilla_kd", whole=True, note="vanilla distillation into the lowest six layers"),
    "bert_pkd": Method("bert_pkd", whole=True, note="into the lowest six layers"),
    "theseus": Method("theseus", whole=True, note="six modules of two layers are replaced by one layer each"),
    "distilbert": Method(
        "",
        whole=True,
        texts="distilbert",
        note=f"{FROM_TEXTS} by the cosine of hidden states alone, {NO_MASKED_WORDS}; then fine-tuned",
    ),
    "pd_bert": Method(
        "vanilla_kd",
        whole=True,
        texts="distilbert",
        note=f"vanilla distillation into distilbert's smaller BERT, which stands for a pretrained small one, "
        f"{NO_MASKED_WORDS}",
    ),
    "tinybert": Method(
        "tinybert",
        whole=True,
        texts="tinybert",
        note=f"{FROM_TEXTS} by hidden states and attention; then on the task's rows by all layers, and by "
        "the answers; no augmentation, for there is no masked model",
    ),
    "minilm": Method(
        "",
        whole=True,
        texts="minilm",
        note=f"{FROM_TEXTS} by the last layer's attention and value relations; then fine-tuned",
    ),
    "kd_long": Method(
        "vanilla_kd",
        whole=False,
        num_train_epochs=LONG_EPOCHS,
        note=f"vanilla distillation of a branch, {LONG_EPOCHS:g} epochs",
    ),
    "last_layer_kd": Method("last_layer_kd", whole=False, note=LAST_LAYER),
    "logit_kd": Method(
        "last_layer_kd",
        whole=False,
        settings=LOGITS_ALONE,
        note="squared error of the logits, and the labels",
    ),
    "logit_kd_long": Method(
        "last_layer_kd",
        whole=False,
        settings=LOGITS_ALONE,
        num_train_epochs=LONG_EPOCHS,
        note=f"logit_kd, {LONG_EPOCHS:g} epochs",
    ),
    "logit_kd_texts": Method(
        "last_layer_kd",
        whole=False,
        settings=LOGITS_ALONE,
        unlabelled=True,
        note=f"logit_kd, {UNLABELLED}",
    ),
    "logit_kd_texts_long": Method(
        "last_layer_kd",
        whole=False,
        settings=LOGITS_ALONE,
        unlabelled=True,
        num_train_epochs=LONG_EPOCHS,
        note=f"logit_kd_texts, {LONG_EPOCHS:g} epochs",
    ),
    "last_layer_kd_seeds": Method(
        "last_layer_kd", whole=False, teacher_seeds=3, note="last_layer_kd from three teachers, seeds 0, 1, 2"
    ),
    "last_layer_kd_texts": Method(
        "last_layer_kd", whole=False, unlabelled=True, note="last_layer_kd, on texts as logit_kd_texts"
    ),
}
LORA_RANK, ADAPTER_SIZE = 8, 64
NOTES = {
    LORA: f"updates of rank {LORA_RANK} of the best teacher's layers, merged into them at the end",
    ADAPTERS: f"adapters of width {ADAPTER_SIZE} in all layers, which share parameters and no computation",
    MT_DNN: "all eight tasks trained together, judged by the mean of their metrics",
    MT_DNN_LOO: "all but the column's task trained together, then its head alone",
    **{row: method.note for row, method in METHODS.items()},
}
