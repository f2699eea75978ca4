"""Where the words of a text stand, in its text and among its word pieces: the columns of an int32 table.

A row has such a table, [words, COLUMNS]; behind its last word everything is PADDING.
"""

# How a text becomes words, see `words.py`.
BY_WHITESPACE, BY_CHARACTERS, BY_BERT = SPLITS = ("whitespace", "characters", "bert")
COLUMNS = 5
# The first piece of the word in its row of ids, 0 for a word without pieces; where it begins and ends in the
# text, counted in characters (code points) and in bytes of UTF-8.
FIRST_PIECE, CHARACTER_START, CHARACTER_END, BYTE_START, BYTE_END = range(COLUMNS)
CHARACTERS, BYTES = slice(CHARACTER_START, CHARACTER_END + 1), slice(BYTE_START, BYTE_END + 1)
PADDING = -1
