// Sorts tables and marks the section being read. Without it the page has the same contents.
"use strict";

for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];

  const key = (row, column) => {
    const cell = row.cells[column];
    const text = cell.dataset.sort ?? cell.textContent.trim().replace(/,/g, "").replace(/−/g, "-");
    if (text === "" || text === "–") return null;
    const number = Number(text.replace(/[^\d.eE+-]+$/, ""));
    return Number.isNaN(number) ? text : number;
  };

  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b), undefined, { numeric: true });
  };

  const sort = (column) => {
    const next = { none: "ascending", ascending: "descending", descending: "none" };
    const order = next[heads[column].getAttribute("aria-sort") ?? "none"];
    for (const head of heads) head.removeAttribute("aria-sort");
    if (order === "none") return body.append(...original);
    heads[column].setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    const keyed = original.map((row) => [key(row, column), row]);
    keyed.sort(([a], [b]) => {
      // What is missing stands last in either order.
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * compare(a, b);
    });
    body.append(...keyed.map(([, row]) => row));
  };

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(column));
    head.append(button);
  });
}

const links = new Map(
  [...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link])
);
const reading = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const link of links.values()) link.removeAttribute("aria-current");
      links.get(entry.target.id)?.setAttribute("aria-current", "true");
    }
  },
  { rootMargin: "-20% 0px -70% 0px" }
);
for (const section of document.querySelectorAll("main > section")) reading.observe(section);

// On paper no figure is folded away.
addEventListener("beforeprint", () => {
  for (const one of document.querySelectorAll("details.more")) one.open = true;
});
