"""The code that docs/take-away.md shows for an ONNX graph does what the page says."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "take-away.md"


def test_a_graph_answers_as_the_page_says(exported):
    text = PAGE.read_text(encoding="utf-8").split("### Use a graph")[1]
    code = re.search(r"```python\n(.*?)```", text, flags=re.DOTALL)[1]
    folder = "results/onnx/xlmr/mt/hidden312-vocab40k"
    assert folder in code
    found = {}
    exec(code.replace(folder, str(exported("xlm-roberta"))), found)
    assert found["states"].shape == (1, found["ids"].shape[1], 24)
