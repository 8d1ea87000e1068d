"use strict";
// Shows the values under the pointer and filters rows. All data is in the page: nothing is fetched,
// and no text of the history is inserted as markup.
(() => {
  const FINE = 10000, INSET = 0.06;

  // Integers, each as the difference from the one before; see `differences` in bench/site/benchmark.py.
  function unpack(text) {
    let last = 0;
    return text.split(",").map((word) => (word === "" ? NaN : (last += Number(word))));
  }

  function read(section) {
    const data = {};
    for (const name of ["minutes", "commit", "ratio", "low", "high", "seconds", "rsd"]) data[name] = unpack(section.dataset[name]);
    return data;
  }

  function time(seconds) {
    for (const [factor, unit] of [[1, "s"], [1e3, "ms"], [1e6, "\u00b5s"]]) {
      if (seconds * factor >= 1) return `${(seconds * factor).toPrecision(4)} ${unit}`;
    }
    return `${(seconds * 1e9).toPrecision(4)} ns`;
  }

  function valuesText(data, night) {
    const parts = [];
    const ratio = data.ratio[night] / FINE;
    if (!Number.isNaN(ratio)) {
      const low = ratio - data.low[night] / FINE, high = ratio + data.high[night] / FINE;
      parts.push(Number.isNaN(low) ? `ratio ${ratio.toFixed(4)}` : `ratio ${ratio.toFixed(4)} (${low.toFixed(4)} to ${high.toFixed(4)})`);
    }
    if (!Number.isNaN(data.seconds[night])) {
      const spread = data.rsd[night] / FINE * 100;
      parts.push(time(Math.exp(data.seconds[night] / FINE)) + (Number.isNaN(spread) ? "" : ` \u00b1${spread.toFixed(1)}%`));
    }
    return parts.join(", ");
  }

  // The distance of a value from the top of a chart, in percent; see bench/report/charts/scale.py.
  function height(plot, value) {
    const low = Number(plot.dataset.low), high = Number(plot.dataset.high);
    const share = Math.min(1, Math.max(0, Math.log(value / low) / Math.log(high / low)));
    return 100 * (1 - INSET - (1 - 2 * INSET) * share);
  }

  // The nights that a chart shows, in order.
  function shown(data, plot) {
    const values = data[plot.dataset.kind], first = plot.dataset.first / 60, last = plot.dataset.last / 60;
    const nights = [];
    data.minutes.forEach((minute, night) => {
      if (minute >= first && minute <= last && !Number.isNaN(values[night])) nights.push(night);
    });
    return nights;
  }

  // The index in `nights` of the night nearest to a moment.
  function nearest(data, nights, minute) {
    let low = 0, high = nights.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (data.minutes[nights[middle]] < minute) low = middle + 1; else high = middle;
    }
    const before = nights[low - 1];
    return before !== undefined && minute - data.minutes[before] < data.minutes[nights[low]] - minute ? low - 1 : low;
  }

  function activate(section, commits, root) {
    const readout = section.querySelector(".readout");
    let data = null;

    function showNight(night) {
      const name = commits[data.commit[night]];
      readout.classList.add("is-on");
      readout.textContent = `${new Date(data.minutes[night] * 60000).toISOString().slice(0, 10)}, `;
      if (name) {
        const link = document.createElement("a");
        link.className = "commit";
        link.href = `${root}commit/${encodeURIComponent(name)}.html`;
        link.textContent = name;
        readout.append(link, ": ");
      }
      readout.append(valuesText(data, night));
      return readout.querySelector("a");
    }

    for (const plot of section.querySelectorAll(".plot")) {
      const cursor = plot.querySelector(".cursor");
      let nights = null, at = -1, link = null, isPinned = false;

      function show(place) {
        at = place;
        const first = plot.dataset.first / 60, last = plot.dataset.last / 60;
        for (const other of section.querySelectorAll(".cursor")) other.hidden = other !== cursor;
        cursor.style.left = `${100 * (data.minutes[nights[at]] - first) / (last - first)}%`;
        const value = data[plot.dataset.kind][nights[at]] / FINE;
        cursor.style.setProperty("--top", `${height(plot, plot.dataset.kind === "seconds" ? Math.exp(value) : value)}%`);
        link = showNight(nights[at]);
      }

      function load() {
        data = data || read(section);
        nights = nights || shown(data, plot);
        return nights.length > 0;
      }

      function follow(event) {
        if (!load()) return;
        const box = plot.getBoundingClientRect();
        const share = (event.clientX - box.left) / box.width;
        const first = plot.dataset.first / 60, last = plot.dataset.last / 60;
        show(nearest(data, nights, first + share * (last - first)));
      }

      plot.addEventListener("pointermove", (event) => { if (!isPinned) follow(event); });
      // A click pins a night, so that the pointer can go to its commit; another click unpins it.
      plot.addEventListener("click", (event) => {
        isPinned = !isPinned;
        // A touch has not moved a pointer before.
        if (!isPinned || event.pointerType !== "mouse") follow(event);
      });
      plot.addEventListener("keydown", (event) => {
        if (!load()) return;
        const end = nights.length - 1;
        const start = at < 0 ? end : at;
        const places = { ArrowLeft: at < 0 ? end : Math.max(0, at - 1), ArrowRight: Math.min(end, start + 1), Home: 0, End: end };
        if (event.key in places) {
          event.preventDefault();
          isPinned = true;
          show(places[event.key]);
        } else if (event.key === "Enter" && link) link.click();
        else if (event.key === "Escape") isPinned = false;
      });
    }
  }

  function addFilter(board) {
    const rows = [...board.querySelectorAll("tbody tr[data-name]")];
    const search = board.querySelector(".search"), moved = board.querySelector(".moved"), shownHere = board.querySelector(".shown");

    function filter() {
      const text = search.value.trim().toLowerCase(), only = moved.getAttribute("aria-pressed") === "true";
      let count = 0;
      for (const row of rows) {
        row.hidden = !row.dataset.name.toLowerCase().includes(text) || (only && !("moved" in row.dataset));
        count += row.hidden ? 0 : 1;
      }
      shownHere.textContent = text || only ? `${count} of ${rows.length} benchmarks` : "";
    }

    search.addEventListener("input", filter);
    search.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      search.value = "";
      filter();
    });
    moved.addEventListener("click", () => {
      moved.setAttribute("aria-pressed", String(moved.getAttribute("aria-pressed") !== "true"));
      filter();
    });
  }

  const main = document.querySelector("main[data-commits]");
  if (main) for (const section of main.querySelectorAll("section.series")) activate(section, main.dataset.commits.split(","), main.dataset.root);
  for (const board of document.querySelectorAll("[data-board]")) addFilter(board);
})();
