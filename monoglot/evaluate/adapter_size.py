"""The size of an adapter, from the shape of the encoder that it sits in."""


def adapter_parameters(hidden_size: int, layers: int, reduction_factor: int) -> int:
    """Return the parameters of `seq_bn` adapters in all layers, heads not counted (paper, Table 5).

    Each is two linear layers with bias, from `hidden_size` to the bottleneck and back. The
    bottleneck is floor(hidden_size / reduction_factor) wide, at least 1, as in the `adapters`
    library.
    """
    width = max(1, hidden_size // reduction_factor)
    return layers * (2 * hidden_size * width + width + hidden_size)
