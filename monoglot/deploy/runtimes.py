"""Runtimes that serve an encoder: each imports its library, opens a model, and answers.

The library is imported by the function that names the runtime, so that memory before and after can
be told apart.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from monoglot.deploy.timing import Answer

Open = Callable[[Path], Answer]


def torch_runtime(device: str, precision: str, threads: int) -> Open:
    """Import PyTorch and transformers; return what opens a checkpoint on `device` (cpu, cuda).

    `precision` is fp32 or bf16. An answer is timed from ids in the machine's memory to states on
    the device, which is waited for.
    """
    import torch

    from monoglot.deploy.encoder import load_encoder

    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)

    def open_checkpoint(checkpoint: Path) -> Answer:
        dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
        model = load_encoder(checkpoint).to(device, dtype)

        def answer(ids: np.ndarray) -> torch.Tensor:
            with torch.inference_mode():
                ids = torch.from_numpy(ids).to(device)
                found = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
            if device == "cuda":
                torch.cuda.synchronize()
            return found

        return answer

    return open_checkpoint


def onnx_runtime(threads: int) -> Open:
    """Import onnxruntime; return what opens a graph on the CPU."""
    import onnxruntime

    def open_graph(graph: Path) -> Answer:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        opened = onnxruntime.InferenceSession(str(graph), options, ["CPUExecutionProvider"])

        def answer(ids: np.ndarray) -> np.ndarray:
            return opened.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0]

        return answer

    return open_graph
