"""Where the nodes of a directed graph stand: in layers from left to right."""

from collections.abc import Mapping, Sequence
from statistics import mean

Links = Mapping[str, Sequence[str]]
"""Of each node, those that it is made from; nodes come after all that they are made from."""
SWEEPS = 4


def layers(links: Links) -> list[list[str]]:
    """Return nodes by layer: each one layer after the last of those that it is made from.

    Within a layer they are ordered so that few links cross: by the mean place of their
    neighbours, looked at from the left and from the right in turn.
    """
    depth: dict[str, int] = {}
    for node in ordered(links):
        depth[node] = 1 + max((depth[one] for one in links[node]), default=-1)
    found: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for node in links:
        found[depth[node]].append(node)
    below = {node: [one for one in links if node in links[one]] for node in links}
    for sweep in range(SWEEPS):
        beside = links if sweep % 2 == 0 else below
        for layer in found if sweep % 2 == 0 else reversed(found):
            places = {node: n for one in found for n, node in enumerate(one)}
            layer.sort(key=lambda node: _middle(node, beside, places))
    return found


def ordered(links: Links) -> list[str]:
    """Return nodes so that each comes after those it is made from; no cycle is allowed."""
    found: dict[str, None] = {}
    waiting = list(links)
    while waiting:
        ready = [node for node in waiting if all(one in found for one in links[node])]
        found |= dict.fromkeys(ready)
        waiting = [node for node in waiting if node not in found]
    return list(found)


def heights(found: Sequence[Sequence[str]], links: Links, gap: float) -> dict[str, float]:
    """Return how far down each node stands, in layers that `layers` has made.

    A node stands as high as the mean of those it is made from, at least `gap` from its neighbours;
    where there is no room for all, they are moved up and down alike. The highest stands at 0.
    """
    places: dict[str, float] = {}
    for layer in found:
        wanted = [mean([places[one] for one in links[node]] or [0]) for node in layer]
        down = list(wanted)
        for n in range(1, len(down)):
            down[n] = max(down[n], down[n - 1] + gap)
        shift = mean(w - d for w, d in zip(wanted, down, strict=True))
        places |= {node: d + shift for node, d in zip(layer, down, strict=True)}
    top = min(places.values(), default=0)
    return {node: place - top for node, place in places.items()}


def _middle(node: str, beside: Links, places: Mapping[str, int]) -> float:
    return mean([places[one] for one in beside[node]] or [places[node]])
