"""CPU time and memory of the distillation loss on all logits, forward and backward.

Two embedding matrices of XLM-R's size and random hidden states; `--naive` makes the logits. Each
call measures one way, since a process remembers its highest memory.
"""

import argparse
import resource
import sys
import time
from pathlib import Path

import torch
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parents[1]))

from monoglot.operations.losses import logit_mse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--positions", type=int, default=4096, help="tokens of a batch")
    parser.add_argument("--vocabulary", type=int, default=250_002)
    parser.add_argument("--hidden", type=int, default=768, help="of student and teacher")
    parser.add_argument("--naive", action="store_true", help="make all logits")
    args = parser.parse_args()

    student, teacher = side(args, 1), side(args, 2)
    for tensor in student:
        tensor.requires_grad_()
    before, started = peak(), time.process_time()
    if args.naive:
        loss = F.mse_loss(F.linear(*student), F.linear(*teacher))
    else:
        loss = logit_mse(*student, *teacher)
    loss.backward()
    seconds, memory = time.process_time() - started, (peak() - before) / 2**20
    print(f"loss {loss.item():.6f}: {seconds:.1f} CPU seconds, {memory:.1f} GB more at the highest")


def side(args: argparse.Namespace, seed: int) -> list[torch.Tensor]:
    """Hidden states before the decoder, its weight and its bias."""
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(args.positions, args.hidden, generator=generator)
    weight = torch.randn(args.vocabulary, args.hidden, generator=generator) * 0.02
    return [hidden, weight, torch.zeros(args.vocabulary)]


def peak() -> int:
    """Highest memory of this process so far, in KiB (Linux)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
