"""Several tasks trained together on one encoder: the way of MT-DNN, with which the paper compares its own."""
