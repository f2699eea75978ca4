"""The serving graph, its signatures and the SavedModel that holds them."""
