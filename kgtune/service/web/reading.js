// The report with its names and the selected evidence marked. Knows nothing about the service or the picture.
// Everything that a text says goes through text nodes.

// Return a function from an offset in code points, as the service counts, to one in UTF-16, as strings count.
export function places(text) {
  if (!/[\ud800-\udfff]/.test(text)) return (offset) => offset;
  const found = [0];
  for (const character of text) found.push(found.at(-1) + character.length);
  return (offset) => found[Math.min(offset, found.length - 1)];
}

// Return spans that do not overlap, in their order; where two do, the earlier and then the longer one stays.
function apart(spans) {
  const kept = [];
  let end = 0;
  for (const span of spans.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    if (span.start < end) continue;
    kept.push(span);
    end = span.end;
  }
  return kept;
}

// Fill `element` with the text. `names` are spans {start, end, colour, title, isLit}, `evidence` is {start, end} or null.
export function mark(element, text, names, evidence) {
  const spans = apart(names);
  const cuts = [0, text.length, ...spans.flatMap((span) => [span.start, span.end])];
  if (evidence) cuts.push(evidence.start, evidence.end);
  const ordered = [...new Set(cuts)].sort((a, b) => a - b);
  const parts = [];
  let next = 0;
  for (let index = 0; index + 1 < ordered.length; index += 1) {
    const [start, end] = [ordered[index], ordered[index + 1]];
    while (next < spans.length && spans[next].end <= start) next += 1;
    const name = next < spans.length && spans[next].start <= start ? spans[next] : null;
    const isEvidence = evidence !== null && evidence.start <= start && end <= evidence.end;
    parts.push(part(text.slice(start, end), name, isEvidence));
  }
  element.replaceChildren(...parts);
  const shown = element.querySelector("mark") ?? element.querySelector(".lit");
  if (shown) element.scrollTop += shown.getBoundingClientRect().top - element.getBoundingClientRect().top - element.clientHeight / 3;
}

function part(text, name, isEvidence) {
  if (!name && !isEvidence) return document.createTextNode(text);
  const element = document.createElement(isEvidence ? "mark" : "span");
  element.textContent = text;
  if (name) {
    element.classList.add("mention", name.colour);
    element.classList.toggle("lit", name.isLit);
    element.title = name.title;
  }
  return element;
}
