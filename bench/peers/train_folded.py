"""The tuned trainer with the two first layers folded into one: there is no activation between them."""

from collections.abc import Sequence

import torch
import train_tuned
from torch import Tensor
from torch.nn import functional


def logits(parameters: Sequence[Tensor], features: Tensor) -> Tensor:
    """The reference network through W2·W1 [128, 40]; autograd unfolds the gradient to W1, b1, W2 and b2."""
    w1, b1, w2, b2, w3, b3 = parameters
    hidden = functional.linear(features, w2 @ w1, torch.addmv(b2, w2, b1)).relu()
    return (hidden * w3).sum(1) + b3


if __name__ == "__main__":
    train_tuned.main("folded", __doc__, logits)
