"""From raw text to words: Google's BasicTokenizer as TensorFlow ops."""

import tensorflow.compat.v1 as tf
import tensorflow_text as tf_text

from centrabert.modeling.tokenization.normalization import Normalization

# Character classes of BERT's tokenization.py, in RE2's syntax.
_CJK = (
    r"\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{20000}-\x{2A6DF}\x{2A700}-\x{2B73F}"
    r"\x{2B740}-\x{2B81F}\x{2B820}-\x{2CEAF}\x{F900}-\x{FAFF}\x{2F800}-\x{2FA1F}"
)
_PUNCTUATION = r"!-/:-@\[-`{-~\p{P}"
INVALID = r"[\x{0}-\x{8}\x{B}\x{C}\x{E}-\x{1F}\x{7F}-\x{9F}\p{Cf}\x{FFFD}]+"  # Cc but \t \n \r, Cf, U+FFFD
ACCENTS = r"\p{Mn}+"
WHITESPACE = r"[\t\n\r\p{Z}]"  # Zs, and U+2028 and U+2029 at which Python's split() parts words too


def standing_alone(normalization: Normalization) -> str:
    """What matches the characters that are words of their own."""
    return f"[{_PUNCTUATION}{_CJK if normalization.tokenize_chinese_chars else ''}]"


def basic_tokenize(text: tf.Tensor, normalization: Normalization, one_space: bool = True) -> tf.RaggedTensor:
    """Cleans text and splits it at white space, around punctuation and around CJK characters.

    Equal to BasicTokenizer, where `normalization` is Google's, except that each carries its own Unicode
    tables: here categories are of Unicode 15, lower-casing of 13, NFD of 16; in Python 3.10 to 3.13 all are
    of 13 to 15.1. So of all characters at most 222 (Python 3.10), 125 (3.11) or 60 (3.12, 3.13) are treated
    differently, each first assigned or changed in Unicode 14 or later (2021), most of them in scripts that
    no vocabulary of Google's covers. Unlike Python's, the outcome depends on no version of Python.

    Args:
      text: string [batch]; bytes that are not UTF-8 are ignored, as in Google's `convert_to_unicode`.
      one_space: Whether white space of any length parts words once, or leaves empty words.

    Returns:
      string [batch, (words)], where some words may be empty.
    """
    text = tf.strings.unicode_transcode(text, "UTF-8", "UTF-8", errors="ignore")
    text = normalize(text, normalization, one_space)
    return tf.strings.split(text, sep=" ", result_type="RaggedTensor")  # [batch, (words)]


def normalize(text: tf.Tensor, normalization: Normalization, one_space: bool) -> tf.Tensor:
    """Valid UTF-8 in, words with spaces between them out.

    Without `one_space` a text becomes what its characters become one by one, but for the order of marks on
    one letter, and for the capital sigma, which is another small letter, of as many bytes, where a word ends.

    Args:
      one_space: White space of any length becomes one space, and not as many.
    """
    text = tf.strings.regex_replace(text, INVALID, "")  # first: tf.strings.lower stops at a NUL
    if normalization.do_lower_case:
        text = _lower(text)
    if normalization.strips_accents:
        text = tf.strings.regex_replace(tf_text.normalize_utf8(text, "NFD"), ACCENTS, "")
    text = tf.strings.regex_replace(text, f"{WHITESPACE}+" if one_space else WHITESPACE, " ")
    return tf.strings.regex_replace(text, standing_alone(normalization), r" \0 ")


def _lower(text: tf.Tensor) -> tf.Tensor:
    """str.lower() in every locale: a Turkish one would make a dotless i of "I", so that goes first."""
    return tf.strings.lower(tf.strings.regex_replace(text, "I", "i"), encoding="utf-8")
