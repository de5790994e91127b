"""What a record says of the GPU, if there is one."""

import torch


def name() -> str | None:
    """Return the GPU's name."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def peak_memory_bytes() -> int | None:
    """Return the most memory of the GPU that this process has used so far."""
    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None
