"""Which L and which l: the choice among branches that are trained."""
