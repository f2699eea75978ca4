"""Makes a BERT with fewer layers from a pretrained one, by what that one says of texts without labels.

The smaller BERT starts as evenly spaced layers of the larger one and is written to OUTPUT_DIR/bert, a
folder like any other pretrained BERT: to be fine-tuned, or to be the start of a student by `centrabert
distill --student_bert_dir`. If the script was interrupted, run the same command again to resume.
"""

from dataclasses import dataclass
from pathlib import Path

from centrabert import command
from centrabert.distill.text.text_hyperparameters import HELP_TEXTS, UNUSED
from centrabert.distill.text.text_objectives import OBJECTIVES
from centrabert.errors import UserError
from centrabert.flag_fields import define, flag, flag_group, read
from centrabert.modeling.task import shortest_length
from centrabert.modeling.training.hyperparameters import Hyperparameters
from centrabert.training_flags import BertFlags


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the flags ask for."""

    text_files: tuple[Path, ...] = flag("Files of texts, one in each line, separated by commas.")
    num_hidden_layers: int = flag("Number of layers of the smaller BERT.")
    method: str = flag(
        "What the smaller BERT learns of each text: distilbert takes the direction of the last hidden "
        "states; minilm the attention of the last layer and the relations of its values; tinybert the "
        "embeddings, and hidden states and attention scores of evenly spaced layers. None of them guesses "
        "masked words.",
        "minilm",
        choices=tuple(OBJECTIVES),
    )
    bert: BertFlags = flag_group()
    do_lower_case: bool | None = flag(
        "Whether to lower-case the text. By default what tokenizer_config.json beside vocab.txt says, else "
        "true, as in BERT.",
        None,
    )
    max_seq_length: int = flag("Maximum number of word pieces in a text; longer ones are truncated.", 128)
    hyperparameters: Hyperparameters = flag_group(HELP_TEXTS, without=UNUSED)
    output_dir: Path = flag("Folder to write into.")

    def __post_init__(self) -> None:
        if not self.text_files:
            raise UserError("--text_files names no file; give one or more, with a text in each line")
        if self.max_seq_length < (least := shortest_length(pair=False)):
            raise UserError(
                f"--max_seq_length={self.max_seq_length} is below {least}: a text has [CLS], a word "
                f"piece and [SEP]; give {least} or more"
            )


FLAGS = define(Run)


def main() -> None:
    run(read(Run, FLAGS))


def run(run: Run) -> None:
    """Reads the texts, trains the smaller BERT and writes its folder."""
    from centrabert.distill.text.text_distillation import TextDistillation, distil_texts
    from centrabert.distill.text.texts import encoded_texts
    from centrabert.modeling.bert_folder import BertFolder

    bert = BertFolder(*run.bert.files)
    tokenizer = bert.tokenizer(run.do_lower_case)
    if run.max_seq_length > (most := bert.config().max_position_embeddings):
        raise UserError(
            f"--max_seq_length={run.max_seq_length} is above {most}, the max_position_embeddings of "
            f"{bert.config_file}"
        )
    rows = encoded_texts(run.text_files, tokenizer, run.max_seq_length)
    distil_texts(
        TextDistillation(
            bert,
            tokenizer,
            run.num_hidden_layers,
            run.method,
            rows,
            run.hyperparameters,
            run.output_dir,
        )
    )


if __name__ == "__main__":
    command.run(main, FLAGS)
