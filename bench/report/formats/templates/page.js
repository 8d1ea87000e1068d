"use strict";
// Sort, filter and open rows. The page has all data already: this script fetches nothing, computes
// no figures, and never reads a text of the report as markup.
(() => {
  const ORDER = ["slower", "faster", "undecided", "equivalent"];

  function value(body, key) {
    if (key === "verdict") return ORDER.indexOf(body.dataset.verdict);
    return key === "name" ? body.dataset.name : Number(body.dataset[key]);
  }

  function compare(a, b) {
    if (typeof a === "string") return a.localeCompare(b, "en", { numeric: true });
    return a === b ? 0 : a < b ? -1 : 1;
  }

  function sort(table, head, key) {
    const back = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of table.tHead.querySelectorAll("[aria-sort]")) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", back === 1 ? "ascending" : "descending");
    const bodies = [...table.querySelectorAll("tbody.benchmark")];
    bodies.sort((a, b) => back * compare(value(a, key), value(b, key)) || compare(a.dataset.name, b.dataset.name));
    table.append(...bodies);
  }

  function open(body, isOpen) {
    body.querySelector(".open").setAttribute("aria-expanded", String(isOpen));
    body.querySelector(".detail").hidden = !isOpen;
  }

  function addHandlers(section) {
    const table = section.querySelector("table.sortable");
    if (!table) return;
    const bodies = [...table.querySelectorAll("tbody.benchmark")];
    const filters = [...section.querySelectorAll(".filter")];
    const search = section.querySelector(".search");
    const shown = section.querySelector(".shown");
    const all = section.querySelector(".all");

    function filter() {
      const verdicts = filters.filter((button) => button.getAttribute("aria-pressed") === "true").map((button) => button.dataset.verdict);
      const words = search.value.trim().toLowerCase();
      let count = 0;
      for (const body of bodies) {
        const fits = (!verdicts.length || verdicts.includes(body.dataset.verdict)) && body.dataset.name.toLowerCase().includes(words);
        body.hidden = !fits;
        count += fits ? 1 : 0;
      }
      shown.textContent = verdicts.length || words ? `${count} of ${bodies.length} benchmarks` : "";
    }

    for (const button of table.querySelectorAll(".sort")) {
      button.addEventListener("click", () => sort(table, button.closest("th"), button.dataset.sort));
    }
    for (const button of filters) {
      button.addEventListener("click", () => {
        button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
        filter();
      });
    }
    search.addEventListener("input", filter);
    search.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      search.value = "";
      filter();
    });
    for (const body of bodies) {
      const button = body.querySelector(".open");
      button.addEventListener("click", () => open(body, button.getAttribute("aria-expanded") !== "true"));
    }
    all.addEventListener("click", () => {
      const isOpen = all.getAttribute("aria-expanded") !== "true";
      all.setAttribute("aria-expanded", String(isOpen));
      all.textContent = isOpen ? "Hide all blocks" : "Show all blocks";
      for (const body of bodies) open(body, isOpen);
    });
  }

  for (const section of document.querySelectorAll("[data-results]")) addHandlers(section);
})();
