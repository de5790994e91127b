"""Masked-language-model masking, drawn from an explicit generator."""

import torch

IGNORED = -100  # label of the positions that are not predicted; the default of cross_entropy
MASK_SHARE, RANDOM_SHARE = 0.8, 0.1  # the rest of the chosen tokens stay as they are


def mask_tokens(
    ids: torch.Tensor,
    special: torch.Tensor,
    mask_id: int,
    vocab_size: int,
    probability: float,
    generator: torch.Generator,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Choose tokens to predict; replace 80 % of them by the mask, 10 % by a random piece.

    This is the masking of BERT (Devlin et al. 2019, section 3.1). Random pieces come from the
    whole vocabulary, special tokens included, as in Hugging Face's collator, which the paper used.
    Numbers are drawn on the generator's device, so that a CPU generator gives the same masks
    whatever device `ids` are on.

    Args:
        ids: token ids, int64, shape [batch, length].
        special: true where a token must not be chosen (special tokens and padding), bool, same
            shape.
        mask_id: id of the mask token.
        vocab_size: random pieces have ids below it.
        probability: chance of any other token to be chosen, 0 to 1.
        generator: the source of chance; it advances by the same amount for equal shapes.

    Returns:
        New ids, and labels: the old id where a token was chosen, -100 elsewhere.
    """
    device = generator.device
    draw = torch.rand(ids.shape, generator=generator, device=device).to(ids.device)
    pieces = torch.randint(vocab_size, ids.shape, generator=generator, device=device).to(ids.device)
    # One uniform number decides both whether a token is chosen and what becomes of it.
    chosen = (draw < probability) & ~special
    masked = chosen & (draw < probability * MASK_SHARE)
    random = chosen & ~masked & (draw < probability * (MASK_SHARE + RANDOM_SHARE))
    labels = ids.masked_fill(~chosen, IGNORED)
    return torch.where(random, pieces, ids.masked_fill(masked, mask_id)), labels
