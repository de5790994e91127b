"""Where a run's adapter or tuned model is kept, and in which files; this imports no torch."""

from pathlib import Path

from monoglot.checkpoints import FILES as CHECKPOINT_FILES

ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter.safetensors"
HEAD_CONFIG = "head_config.json"
HEAD_WEIGHTS = "model_head.safetensors"

FILES = {
    "adapter": (ADAPTER_CONFIG, ADAPTER_WEIGHTS, HEAD_CONFIG, HEAD_WEIGHTS),
    "full": CHECKPOINT_FILES,
}
"""By what was tuned: an adapter and its head, or a whole model with its tokenizer."""


def kept(folder: Path, seed: int, tuning: str) -> list[Path]:
    """Return the files that one run leaves in the folder of its job's adapters."""
    return [folder / f"seed{seed}" / name for name in FILES[tuning]]
