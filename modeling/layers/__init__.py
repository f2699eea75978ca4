"""The layers of one BERT as functions that build a graph."""
