// Lights up what belongs together: a relationship's row, edge and evidence; an entity's row, node and mentions.
"use strict";
function light(selector, wanted) {
  for (const one of document.querySelectorAll(selector)) one.classList.toggle("kg-lit", wanted(one));
}
function show(edge, node) {
  light("[data-edge]", (one) => edge !== undefined && one.dataset.edge === edge);
  light("[data-evidence]", (one) => edge !== undefined && one.dataset.evidence.split(" ").includes(edge));
  light("[data-node]", (one) => node !== undefined && one.dataset.node === node);
  light("[data-entity]", (one) => node !== undefined && one.dataset.entity === node);
  const first = document.querySelector(".text .kg-lit");
  if (first) first.scrollIntoView({ block: "nearest" });
}
function pick(event) {
  const one = event.target.closest("[data-edge], [data-node]");
  if (one) show(one.dataset.edge, one.dataset.node);
}
document.addEventListener("click", pick);
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" || event.key === " ") pick(event);
});
