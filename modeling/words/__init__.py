"""The words of a text: how it is split into them, where they stand, and their word pieces."""
