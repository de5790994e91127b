"""Dropout whose masks are a function of a few numbers, drawn once for all seeds."""

import numpy as np
import torch
from torch import Tensor

STEPS = 1 << 16


class Dropout:
    """Draws the masks of one pass, one after another.

    The same key gives the same masks on the same kind of device. On the CPU an element is dropped
    with the probability next to p that 16 random bits can express (0.1 becomes 0.1000061), and
    what stays is scaled by exactly that; drawing them so costs a tenth of drawing floats.

    Args:
        key: numbers of 0 or more, such as seed and step.
    """

    def __init__(self, device: torch.device, *key: int) -> None:
        self.device = device
        self.bits = np.random.SFC64(np.random.SeedSequence(key))
        if device.type != "cpu":
            seed = int(self.bits.random_raw(1)[0] >> np.uint64(1))
            self.generator = torch.Generator(device).manual_seed(seed)

    def __call__(self, x: Tensor, p: float) -> Tensor:
        """Drop elements of `x` [seeds, ...], the same ones for all seeds."""
        return x if p == 0 else x * self.mask(p, x.shape[1:])

    def mask(self, p: float, shape: torch.Size) -> Tensor:
        """Return the next mask of `shape`: 0 with probability `p`, else 1 / (1 - p)."""
        if self.device.type != "cpu":
            mask = torch.empty(shape, device=self.device)
            return mask.bernoulli_(1 - p, generator=self.generator).div_(1 - p)
        drop = round(p * STEPS)
        words = self.bits.random_raw(-(-shape.numel() // 4)).view(np.int16)
        draws = torch.from_numpy(words[: shape.numel()]).view(shape)
        mask = torch.empty(shape)
        return torch.ge(draws, drop - STEPS // 2, out=mask).mul_(STEPS / (STEPS - drop))


def keep_all(x: Tensor, p: float) -> Tensor:
    """Stand in for `Dropout` where nothing is dropped."""
    return x
