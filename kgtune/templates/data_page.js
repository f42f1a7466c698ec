"use strict";
(() => {
  const all = (selector, inside = document) => inside.querySelectorAll(selector);

  const filter = () => {
    const wanted = [...all("select[data-filter]")].filter((select) => select.value !== "");
    let shown = 0;
    for (const card of all("article")) {
      const fits = (select) => card.dataset[select.dataset.filter].split(" ").includes(select.value);
      card.hidden = !wanted.every(fits);
      shown += card.hidden ? 0 : 1;
    }
    for (const place of all("[data-shown]")) place.textContent = String(shown);
  };

  // Light up the evidence and the ends of every relationship that is pointed at, focused or clicked.
  const light = (card) => {
    const chosen = [...all("[data-relationship]", card)].filter((item) =>
      item.matches(":hover, :focus-visible, [aria-pressed=true]"));
    const numbers = new Set(chosen.map((item) => item.dataset.relationship));
    const ends = new Set(chosen.flatMap((item) => [item.dataset.source, item.dataset.target]));
    for (const part of all(".whole [data-evidence]", card)) {
      part.classList.toggle("kg-lit", part.dataset.evidence.split(" ").some((number) => numbers.has(number)));
    }
    for (const part of all(".whole [data-entity]", card)) {
      part.classList.toggle("kg-lit", ends.has(part.dataset.entity));
    }
  };

  document.addEventListener("click", (event) => {
    const item = event.target.closest("[data-relationship]");
    if (item) {
      item.setAttribute("aria-pressed", String(item.getAttribute("aria-pressed") !== "true"));
      light(item.closest("article"));
    }
  });
  for (const name of ["mouseover", "mouseout", "focusin", "focusout"]) {
    document.addEventListener(name, (event) => {
      const item = event.target.closest("[data-relationship]");
      if (item) light(item.closest("article"));
    });
  }
  for (const select of all("select[data-filter]")) select.addEventListener("change", filter);
  filter(); // a reload keeps what was selected
})();
