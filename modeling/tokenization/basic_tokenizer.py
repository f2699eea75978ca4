"""From raw text to words: Google's BasicTokenizer as TensorFlow ops."""

import tensorflow.compat.v1 as tf
import tensorflow_text as tf_text

# Character classes of BERT's tokenization.py, in RE2's syntax.
_CJK = (
    r"\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{20000}-\x{2A6DF}\x{2A700}-\x{2B73F}"
    r"\x{2B740}-\x{2B81F}\x{2B820}-\x{2CEAF}\x{F900}-\x{FAFF}\x{2F800}-\x{2FA1F}"
)
_PUNCTUATION = r"!-/:-@\[-`{-~\p{P}"
INVALID = r"[\x{0}-\x{8}\x{B}\x{C}\x{E}-\x{1F}\x{7F}-\x{9F}\p{Cf}\x{FFFD}]+"  # Cc but \t \n \r, Cf, U+FFFD
ACCENTS = r"\p{Mn}+"
WHITESPACE = r"[\t\n\r\p{Z}]+"  # Zs, and U+2028 and U+2029 at which Python's split() parts words too
ALONE = f"[{_PUNCTUATION}{_CJK}]"


def basic_tokenize(text: tf.Tensor, do_lower_case: bool) -> tf.RaggedTensor:
    """Cleans text and splits it at white space, around punctuation and around CJK characters.

    Equal to BasicTokenizer, except that each carries its own Unicode tables: here categories are of Unicode
    15, lower-casing of 13, NFD of 16; in Python 3.10 to 3.13 all are of 13 to 15.1. So of all characters at
    most 222 (Python 3.10), 125 (3.11) or 60 (3.12, 3.13) are treated differently, each first assigned or
    changed in Unicode 14 or later (2021), most of them in scripts that no vocabulary of Google's covers.
    Unlike Python's, the outcome depends on no version of Python.

    Args:
      text: string [batch]; bytes that are not UTF-8 are ignored, as in Google's `convert_to_unicode`.
      do_lower_case: Whether to lower-case and strip accents.

    Returns:
      string [batch, (words)], where some words may be empty.
    """
    text = tf.strings.unicode_transcode(text, "UTF-8", "UTF-8", errors="ignore")
    text = tf.strings.regex_replace(text, INVALID, "")  # first: tf.strings.lower stops at a NUL
    if do_lower_case:
        text = _strip_accents(_lower(text))
    text = tf.strings.regex_replace(text, WHITESPACE, " ")
    text = tf.strings.regex_replace(text, ALONE, r" \0 ")
    return tf.strings.split(text, sep=" ", result_type="RaggedTensor")  # [batch, (words)]


def _lower(text: tf.Tensor) -> tf.Tensor:
    """str.lower() in every locale: a Turkish one would make a dotless i of "I", so that goes first."""
    return tf.strings.lower(tf.strings.regex_replace(text, "I", "i"), encoding="utf-8")


def _strip_accents(text: tf.Tensor) -> tf.Tensor:
    return tf.strings.regex_replace(tf_text.normalize_utf8(text, "NFD"), ACCENTS, "")
