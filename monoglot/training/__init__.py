"""Masked-language-model training and distillation: batches, losses, the loop, and its state."""
