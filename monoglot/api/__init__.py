"""The Python interface: operations as functions on models and tokenizers in memory.

They take what transformers loads and return new objects; arguments stay as they are. `monoglot`
has all their names.
"""

MODULES = {
    "UserError": "monoglot.errors",
    "Evaluation": "monoglot.api.measures",
    "adapt": "monoglot.api.training",
    "distill": "monoglot.api.training",
    "evaluate_mlm": "monoglot.api.measures",
    "parameters": "monoglot.api.measures",
    "prune_ffn": "monoglot.api.smaller",
    "reduce_hidden": "monoglot.api.smaller",
    "select_layers": "monoglot.api.smaller",
    "trim_vocab": "monoglot.api.smaller",
}
"""Where each public name is; `monoglot/__init__.pyi` says the same to type checkers."""
