"""Distillation on texts without labels: from a pretrained BERT to one with fewer layers."""
