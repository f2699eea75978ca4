"""Which hyper-parameters a training on texts has, and what they mean there."""

CHECKPOINT_STEPS = 500  # between two checkpoints, where --save_checkpoints_steps is 0
# Those that say nothing of texts: there are no labels, no dev set and no layers that stand still.
UNUSED = (
    *("eval_batch_size", "early_stopping_patience", "class_weights", "label_smoothing"),
    *("lora_rank", "lora_alpha", "lora_matrices"),
)
# Of all others, by name of the flag.
HELP_TEXTS = {
    "learning_rate": "Peak learning rate, reached after the warm-up; then it falls linearly to 0.",
    "train_batch_size": "Number of texts in a training batch.",
    "num_train_epochs": "Number of passes over the texts; fractions are allowed.",
    "warmup_proportion": "Fraction of training steps in which the learning rate rises from 0 to its peak.",
    "save_checkpoints_steps": "Number of steps between two checkpoints; an interrupted run goes on from the "
    f"last of them. 0 means {CHECKPOINT_STEPS}. What is written is the BERT of the last step.",
    "seed": "Random seed of the order of the texts, and dropout.",
    "bias_correction": "Correct the bias of Adam's moments, which start at 0. BERT does not, so its first "
    "steps are up to six times as large.",
    "bfloat16": "Multiply matrices in bfloat16 in the smaller BERT while it is trained; its weights and what "
    "the larger one says stay float32. On a processor with AMX training is faster, on any other it can be "
    "several times slower.",
}
