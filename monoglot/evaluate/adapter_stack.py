"""The adapters and heads of several seeds, side by side in flat tensors, and their optimiser."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from monoglot.evaluate import adapter
from monoglot.evaluate.dropout import Dropout
from monoglot.evaluate.task import Task, TuningSettings
from monoglot.evaluate.training import CLIP_NORM

Weights = dict[str, Tensor]
"""Stacked tensors by their names in the model, each [seeds, ...]."""


class AdapterStack:
    """What is trained, for one seed or several.

    Args:
        model: from `adapter.load_encoder`; it is left with a fresh adapter and head.
        task: what the heads are for.
        seeds: of the initialisation, which is the library's.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        task: Task,
        settings: TuningSettings,
        seeds: Sequence[int],
    ) -> None:
        values = []
        for seed in seeds:
            adapter.fresh_adapter(model, task, settings.reduction_factor, seed)
            values.append([value.detach() for value in adapter.trained_parameters(model).values()])
        trained = adapter.trained_parameters(model)
        self.names = {id(value): name for name, value in trained.items()}
        self.adapters, self.head = _adapters(model), list(model.heads[adapter.NAME])
        self.shapes = [
            {name: value.shape for name, value in trained.items() if (value.ndim > 1) == decayed}
            for decayed in (True, False)
        ]
        stacked = dict(zip(trained, map(torch.stack, zip(*values, strict=True)), strict=True))
        self.flat = [
            torch.cat([stacked[name].flatten(1) for name in shapes], 1)
            .to(model.device)
            .requires_grad_()
            for shapes in self.shapes
        ]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": [flat], "weight_decay": decay}
                for flat, decay in zip(self.flat, (settings.weight_decay, 0.0), strict=True)
            ],
            fused=True,
        )

    def weights(self) -> Weights:
        """Return the tensors as views, which gradients flow through."""
        found = {}
        for flat, shapes in zip(self.flat, self.shapes, strict=True):
            pieces = flat.split([math.prod(shape) for shape in shapes.values()], 1)
            for (name, shape), piece in zip(shapes.items(), pieces, strict=True):
                found[name] = piece.view(-1, *shape)
        return found

    def adapt(self, weights: Weights, layer: int, norm: nn.LayerNorm, states: Tensor) -> Tensor:
        """Return a layer's output from the sum before its last norm, [1 or seeds, tokens, hidden].

        The norm is applied before the bottleneck and again after it (`seq_bn`).
        """
        down, up = self.adapters[layer].adapter_down[0], self.adapters[layer].adapter_up
        narrow = torch.relu(self._linear(weights, down, norm(states)))
        return norm(states + self._linear(weights, up, narrow))

    def logits(self, weights: Weights, states: Tensor, drop: Dropout) -> Tensor:
        """Return the head's output [seeds, wanted, classes] for states [seeds, wanted, hidden]."""
        for module in self.head:
            if isinstance(module, nn.Dropout):
                states = drop(states, module.p)
            elif isinstance(module, nn.Linear):
                states = self._linear(weights, module, states)
            else:
                states = module(states)
        return states

    def step(self, learning_rate: float) -> None:
        """Clip each seed's gradient to norm 1, update, and forget the gradients."""
        gradients = [flat.grad for flat in self.flat]
        norms = torch.stack([torch.linalg.vector_norm(x, dim=1) for x in gradients])
        shrink = (CLIP_NORM / (torch.linalg.vector_norm(norms, dim=0) + 1e-6)).clamp(max=1)
        for gradient in gradients:
            gradient.mul_(shrink[:, None])
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate
        self.optimiser.step()
        self.optimiser.zero_grad()

    @torch.no_grad()
    def copy_to(self, model: PreTrainedModel, place: int) -> None:
        """Write the weights of the seed at `place` of the stack into the model's modules."""
        weights = self.weights()
        for name, value in adapter.trained_parameters(model).items():
            value.copy_(weights[name][place])

    def _linear(self, weights: Weights, module: nn.Linear, x: Tensor) -> Tensor:
        weight = weights[self.names[id(module.weight)]]
        bias = weights[self.names[id(module.bias)]]
        return torch.baddbmm(bias[:, None], x.expand(len(weight), -1, -1), weight.mT)


def _adapters(model: PreTrainedModel) -> list[nn.Module]:
    """Return the adapter of each layer."""
    return [
        (layer.output.adapters if hasattr(layer, "output") else layer.output_adapters.adapters)[
            adapter.NAME
        ]
        for _, layer in model.iter_layers()
    ]
