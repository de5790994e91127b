"""The forms in which an encoder is served, and their files."""

from dataclasses import dataclass
from pathlib import Path

from monoglot.checkpoints import TOKENIZER_FILES
from monoglot.deploy.onnx_names import GRAPHS


@dataclass(frozen=True)
class Form:
    """A runtime and a precision, with the file of the weights, what else it needs, and devices."""

    runtime: str
    precision: str
    weights: Path
    others: tuple[Path, ...]
    devices: tuple[str, ...] = ("cpu",)

    @property
    def name(self) -> str:
        return f"{self.runtime}-{self.precision}"

    @property
    def model(self) -> Path:
        """What the runtime opens: a graph's file, or the checkpoint's folder."""
        return self.weights if self.runtime == "onnx" else self.weights.parent

    def disk(self) -> dict[str, int]:
        """Return the bytes of the weights, and of all files that serving takes."""
        weights = self.weights.stat().st_size
        others = sum(file.stat().st_size for file in self.others)
        return {"weights_bytes": weights, "folder_bytes": weights + others}


def forms(checkpoint: Path, graphs: Path, gpu: bool) -> list[Form]:
    """Return the forms of a checkpoint whose graphs lie in the folder `graphs`.

    A checkpoint's weights hold the masked-LM head too, which graphs lack.
    """
    needed = ("config.json", *TOKENIZER_FILES)
    ours = tuple(checkpoint / name for name in needed)
    weights = checkpoint / "model.safetensors"
    found = [Form("torch", "fp32", weights, ours, ("cpu", "cuda") if gpu else ("cpu",))]
    if gpu:
        found.append(Form("torch", "bf16", weights, ours, ("cuda",)))
    theirs = tuple(graphs / name for name in needed)
    return found + [Form("onnx", kind, graphs / name, theirs) for kind, name in GRAPHS.items()]
