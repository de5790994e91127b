"""The parts of a report, each made when the page asks for it."""

import base64
from dataclasses import dataclass
from functools import cached_property

import yaml
from markupsafe import Markup

from monoglot.pages import curves, deployment, findings, graph_drawing, size_score, svg
from monoglot.pages import numbers as written
from monoglot.pages.cost_drawing import bars
from monoglot.pages.costs import MAKING, SCORING, Costs, costs
from monoglot.pages.method import Method, machine, method
from monoglot.pages.points import panels
from monoglot.pages.retention import Retention, retention
from monoglot.pages.run import Run
from monoglot.pages.variant_graph import nodes

LARGE, SMALL = (680, 430), (390, 330)


@dataclass(frozen=True)
class Parts:
    """What the templates show of a run."""

    run: Run

    @cached_property
    def title(self) -> str:
        return findings.title(self.run)

    @cached_property
    def costs(self) -> Costs:
        return costs(self.run)

    @cached_property
    def findings(self) -> list[str]:
        return findings.findings(self.run, self.costs)

    @cached_property
    def method(self) -> Method:
        return method(self.run)

    @cached_property
    def panels(self) -> list[tuple[size_score.Drawing, Markup | None]]:
        """Drawings of size against score; the first also in a form for narrow screens."""
        found = panels(self.run)
        return [
            (
                size_score.draw(self.run, one, f"size-{number}", SMALL if number else LARGE),
                None
                if number
                else size_score.draw(self.run, one, f"size-{number}-narrow", SMALL).svg,
            )
            for number, one in enumerate(found)
        ]

    @cached_property
    def retention(self) -> list[Retention]:
        found = (retention(self.run, model) for model in self.run.models)
        return [one for one in found if one]

    @cached_property
    def distilled(self) -> list[curves.Curves]:
        return curves.curves(self.run, distilled=True)

    @cached_property
    def adapted(self) -> list[curves.Curves]:
        return curves.curves(self.run, distilled=False)

    @cached_property
    def graphs(self) -> list[tuple[str, Markup, list[list[str | written.Sortable]]]]:
        """Of each model its name, the graph of its variants, and the numbers in it."""
        found = []
        for model in self.run.graph.config["models"]:
            made = nodes(self.run, self.costs, model)
            if made:
                name = self.run.model_name(model)
                drawing = graph_drawing.draw(
                    made, f"graph-{model}", f"How {name}'s variants are made"
                )
                found.append((name, drawing, graph_drawing.rows(made)))
        return found

    @cached_property
    def rule_bars(self) -> Markup | None:
        rows = {rule: {"jobs": spent.seconds} for rule, spent in self.costs.by_rule().items()}
        if not rows:
            return None
        first = next(iter(rows))
        share = 100 * rows[first]["jobs"] / (self.costs.total.seconds or 1)
        said = f"{first} takes the most: {share:.0f} % of all time."
        return bars("time-rules", "Time by rule", said, rows, ("jobs",))

    @cached_property
    def variant_bars(self) -> list[Markup]:
        found, spent = [], self.costs.by_variant()
        for model in self.run.graph.config["models"]:
            rows = {v: spent[model, v] for v in self.run.graph.variants if (model, v) in spent}
            if rows:
                first = max(rows, key=lambda one: sum(rows[one].values()))
                said = f"{first} takes the most: {written.duration(sum(rows[first].values()))}."
                title = f"Time by variant, {self.run.model_name(model)}"
                found.append(bars(f"time-{model}", title, said, rows, (MAKING, SCORING)))
        return found

    @cached_property
    def deployed(self) -> list[deployment.Measured]:
        return deployment.measured(self.run)

    @cached_property
    def latencies(self) -> list[size_score.Drawing]:
        found = enumerate(deployment.panels(self.run, self.deployed))
        return [size_score.draw(self.run, one, f"latency-{n}", SMALL) for n, one in found]

    @cached_property
    def deployment_rows(self) -> list[list[str]]:
        return deployment.on_one_thread(self.run, self.deployed)

    @cached_property
    def all_measured(self) -> list[list[str]]:
        return deployment.rows(self.run, self.deployed)

    @cached_property
    def forms(self) -> list[str]:
        """Forms of models, as they are called in print."""
        return [deployment.FORMS.get(form, form) for form in deployment.forms(self.deployed)]

    @cached_property
    def deployment_about(self) -> dict[str, object]:
        """How it was measured: length in tokens, texts at a time, machines, their other work."""
        found = list(self.run.deployments.values())
        return {
            "length": deployment.length(self.run),
            "batch": found[0]["measuring"]["batch"],
            "machines": sorted({machine(one["hardware"]) for one in found}),
            "load": max(one["load_average_before"] for one in found),
        }

    @cached_property
    def figures(self) -> list[tuple[str, str, str]]:
        """Name, caption and picture of each figure that the run has drawn."""
        found = []
        for name, spec in self.run.graph.config["figures"].items():
            path = self.run.results / "figures" / f"{name}.png"
            if path.is_file():
                picture = base64.b64encode(path.read_bytes()).decode("ascii")
                found.append((name, spec["caption"], f"data:image/png;base64,{picture}"))
        return found

    @cached_property
    def families(self) -> list[tuple[str, Markup]]:
        """Of each model its name and its mark, for the legend."""
        return [
            (self.run.model_name(model), _legend(number))
            for number, model in enumerate(self.run.models)
        ]

    @cached_property
    def configuration(self) -> str:
        """The configuration as YAML, with all defaults filled in."""
        config = self.run.graph.config
        return yaml.dump(config, Dumper=_Whole, sort_keys=False, allow_unicode=True, width=96)


class _Whole(yaml.SafeDumper):
    """Writes what stands in two places twice, as a configuration without aliases does."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _legend(number: int) -> Markup:
    return svg.element(
        "svg", svg.mark(number, 8.0, 8.0), viewBox="0 0 16 16", class_="key", aria_hidden="true"
    )
