"""Where the parts of a figure stand."""

from itertools import pairwise, product

import pytest

from monoglot.figures.canvas import Layout


@pytest.mark.parametrize(("down", "across"), [(1, 1), (1, 2), (1, 3), (3, 2)])
def test_parts_stand_below_one_another_and_panels_apart(down, across):
    layout = Layout(down, across, ["one", "two"], "A title", "A note " * 40)
    panels = [layout.panel(row, column) for row, column in product(range(down), range(across))]
    lowest = min(bottom for _, bottom, _, _ in panels)
    highest = max(bottom + height for _, bottom, _, height in panels)
    assert 0 < layout.note_top < layout.legend_middle < lowest < highest < layout.title_top < 1
    for left, _, width, _ in panels:
        assert 0 < left < left + width < 1
    for one, other in pairwise(panels[:across]):
        assert one[0] + one[2] < other[0]
    for one, other in pairwise(panels[::across]):
        assert other[1] + other[3] < one[1]


def test_a_legend_that_needs_two_lines_fills_both():
    def columns(count: int, length: int) -> int:
        return Layout(1, 1, ["x" * length] * count, "", "").legend_columns

    assert columns(4, 3) == 4
    assert columns(4, 12) == 2
    assert columns(1, 500) == 1
