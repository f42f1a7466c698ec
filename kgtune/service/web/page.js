// The page: what is typed, asked, shown, filtered, selected and saved. Everything else stands in the files it imports.
// What a text or an answer says is only ever put into text nodes, or drawn on a canvas.

import { makeLists, percent } from "./lists.js";
import { makePicture } from "./picture.js";
import { mark, places } from "./reading.js";
import { Refused, events, formats, health, inFormat } from "./stream.js";
import { EXAMPLES, current, say, speak } from "./words.js";

const NUM_COLOURS = 12;
const HEALTH_EVERY_MS = 5000;
const PROGRESS_EVERY_MS = 1000;
const SUFFIXES = { json: "json", stix: "stix.json", graphml: "graphml", cypher: "cypher", raw: "raw.txt" };
const NAMES = { stix: "STIX 2.1", graphml: "GraphML", cypher: "Cypher", raw: "Raw" };

const $ = (id) => document.getElementById(id);
const state = { text: "", at: (offset) => offset, entities: new Map(), relationships: [], colours: new Map(), hidden: new Set(), selected: null, asking: null };
const picture = makePicture($("picture"), select);
const lists = makeLists($("entities"), $("relationships"), select);
let status = ["", {}];
let [announcedAt, announcing] = [0, 0];

// --- asking

async function extract() {
  const text = $("text").value;
  if (!text.trim()) return complain(say("nothing"), $("text"));
  stop();
  begin(text);
  const asking = new AbortController();
  state.asking = asking;
  showAsking();
  const begun = performance.now();
  try {
    for await (const [name, value] of events(text, $("key").value.trim(), asking.signal)) {
      if (name === "done") finish(value, begun);
      else if (name === "entity") addEntity(value);
      else addRelationship(value);
    }
  } catch (error) {
    if (state.asking === asking) fail(error);
  } finally {
    if (state.asking === asking) {
      state.asking = null;
      showAsking();
    }
  }
}

function begin(text) {
  Object.assign(state, { text, at: places(text), entities: new Map(), relationships: [], colours: new Map(), hidden: new Set(), selected: null });
  picture.clear();
  lists.clear();
  $("filter").replaceChildren($("filter").querySelector("legend"));
  $("filter").hidden = $("downloads").hidden = $("alert").hidden = true;
  $("empty").hidden = true;
  edit(false);
  announce("reads");
  redraw();
}

function finish(summary, begun) {
  announce("done", { ...counts(), seconds: ((performance.now() - begun) / 1000).toFixed(1) });
  const notes = [summary.is_truncated && say("truncated"), summary.num_dropped > 0 && say("dropped", { number: summary.num_dropped })];
  if (notes.some(Boolean)) complain(notes.filter(Boolean).join(" "));
  $("downloads").hidden = false;
  picture.arrange();
}

function fail(error) {
  if (error.name === "AbortError") {
    announce("stopped");
    picture.arrange();
    return;
  }
  announce(state.entities.size ? "writes" : "", counts());
  refuse(error);
  if (!state.entities.size && error.status !== 0) edit(true);
}

function refuse(error) {
  if (!(error instanceof Refused)) throw error;
  if (error.status === 401) askForKey();
  else if (error.status === 0) complain(say(error.message || "unreachable"));
  else complain(error.message);
}

function askForKey() {
  const isFirst = $("key-row").hidden;
  $("key-row").hidden = false;
  edit(true);
  complain(say(isFirst || !$("key").value ? "needsKey" : "wrongKey"), $("key"));
  $("key").select();
}

function stop() {
  state.asking?.abort();
}

// Not with every item: a screen reader reads out each change.
function announceProgress() {
  const rest = announcedAt + PROGRESS_EVERY_MS - performance.now();
  if (rest > 0) {
    clearTimeout(announcing);
    announcing = setTimeout(redraw, rest);
  } else {
    announcedAt = performance.now();
    announce("writes", counts());
  }
}

function complain(message, element = null) {
  $("alert").textContent = message;
  $("alert").hidden = false;
  element?.focus();
}

function announce(word, values = {}) {
  status = [word, values];
  $("live").textContent = word ? say(word, values) : "";
}

function counts() {
  return { entities: state.entities.size, relationships: state.relationships.length };
}

// --- the graph

function addEntity(entity) {
  if (!state.colours.has(entity.labels)) {
    state.colours.set(entity.labels, `c${state.colours.size % NUM_COLOURS}`);
    addFilter(entity.labels);
  }
  const colour = state.colours.get(entity.labels);
  state.entities.set(entity.id, entity);
  picture.addEntity(entity, colour);
  lists.addEntity(entity, colour);
  redraw();
}

function addRelationship(relationship) {
  const index = state.relationships.push(relationship) - 1;
  picture.addRelationship(relationship, index);
  lists.addRelationship(relationship, index, (id) => state.entities.get(id).name);
  redraw();
}

function addFilter(label) {
  const [box, swatch, made] = [document.createElement("input"), document.createElement("span"), document.createElement("label")];
  box.type = "checkbox";
  box.checked = true;
  box.value = label;
  box.addEventListener("change", () => {
    if (box.checked) state.hidden.delete(label);
    else state.hidden.add(label);
    if (state.selected && isHiddenSelection()) state.selected = null;
    redraw();
  });
  swatch.className = `swatch ${state.colours.get(label)}`;
  made.append(box, swatch, label);
  $("filter").append(made);
  $("filter").hidden = false;
}

function isHidden(id) {
  return state.hidden.has(state.entities.get(id).labels);
}

function isHiddenSelection() {
  if (state.selected.kind === "entity") return isHidden(state.selected.id);
  const { source, target } = state.relationships[state.selected.index];
  return isHidden(source) || isHidden(target);
}

function select(selected) {
  state.selected = selected;
  redraw();
}

// Go to the next relationship that is shown, or to the one before.
function step(by) {
  const shown = state.relationships.map((_, index) => index).filter((index) => !isHidden(state.relationships[index].source) && !isHidden(state.relationships[index].target));
  if (!shown.length) return;
  const at = state.selected?.kind === "relationship" ? shown.indexOf(state.selected.index) : by > 0 ? -1 : 0;
  select({ kind: "relationship", index: shown[(at + by + shown.length) % shown.length] });
}

// --- drawing: at most once a frame, however fast items come

let isDrawing = false;

function redraw() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    draw();
  });
}

function draw() {
  if (state.asking && state.entities.size) announceProgress();
  $("picture").ariaLabel = say("pictureOf", counts());
  picture.select(state.selected, isHidden);
  lists.select(state.selected, isHidden);
  drawDetail();
  if (!$("reading").hidden) mark($("reading"), state.text, names(), evidence());
}

function names() {
  const spans = [];
  for (const entity of state.entities.values()) {
    if (isHidden(entity.id)) continue;
    const [colour, isLit] = [state.colours.get(entity.labels), isChosen(entity.id)];
    for (const { start, end } of entity.mentions) spans.push({ start: state.at(start), end: state.at(end), colour, title: entity.labels, isLit });
  }
  return spans;
}

function isChosen(id) {
  if (state.selected?.kind === "entity") return state.selected.id === id;
  const edge = state.relationships[state.selected?.index];
  return edge !== undefined && (edge.source === id || edge.target === id);
}

function evidence() {
  const place = state.relationships[state.selected?.index]?.evidence_at;
  return place ? { start: state.at(place.start), end: state.at(place.end) } : null;
}

function drawDetail() {
  const parts = state.selected === null ? [] : state.selected.kind === "entity" ? entityDetail() : relationshipDetail();
  $("detail").replaceChildren(...parts);
  $("detail").hidden = !parts.length;
  $("picture-help").hidden = parts.length > 0;
}

function relationshipDetail() {
  const edge = state.relationships[state.selected.index];
  const [source, target] = [edge.source, edge.target].map((id) => state.entities.get(id).name);
  const parts = [element("h3", `${source} → ${edge.type} → ${target}`), element("p", `${say("confidence")}: ${percent(edge.confidence)}`)];
  if (!edge.evidence.trim()) return [...parts, element("p", say("noEvidence"))];
  const quote = element("blockquote", edge.evidence);
  return edge.evidence_at ? [...parts, quote] : [...parts, quote, element("p", say("elsewhere"))];
}

function entityDetail() {
  const entity = state.entities.get(state.selected.id);
  const parts = [element("h3", entity.name), element("p", entity.labels)];
  if (entity.description) parts.push(element("p", entity.description));
  return entity.mentions.length ? parts : [...parts, element("p", say("unmentioned"))];
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

// --- the text

function edit(isEditing) {
  const hadFocus = document.activeElement === $("edit") || document.activeElement === $("text");
  $("text").hidden = !isEditing;
  $("reading").hidden = isEditing;
  $("edit").hidden = isEditing || state.asking !== null;
  if (hadFocus) (isEditing ? $("text") : $("reading")).focus();
}

function showAsking() {
  const hadFocus = [$("extract"), $("stop")].includes(document.activeElement);
  $("stop").hidden = state.asking === null;
  $("edit").hidden = state.asking !== null || $("reading").hidden;
  $("extract").disabled = state.asking !== null;
  if (hadFocus) $(state.asking ? "stop" : "extract").focus();
}

async function open(file) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    put(text);
  } catch {
    complain(say("notText", { file: file.name }));
  }
}

function put(text) {
  stop();
  $("text").value = text;
  $("alert").hidden = true;
  edit(true);
  $("text").focus();
}

// --- saving

async function addDownloads() {
  for (const format of await formats()) {
    const button = element("button", NAMES[format] ?? format.toUpperCase());
    button.type = "button";
    button.dataset.format = format;
    button.addEventListener("click", () => download(format));
    $("downloads").append(button);
  }
}

async function download(format) {
  const before = status;
  try {
    announce("again", { format: NAMES[format] ?? format });
    const content = format === "json" ? graphAsJson() : await inFormat(state.text, format, $("key").value.trim());
    const file = `graph.${SUFFIXES[format] ?? format}`;
    save(content, file);
    announce("saved", { file });
  } catch (error) {
    announce(...before);
    refuse(error);
  }
}

// The graph that is shown needs no second extraction: the contract's keys, in their order.
function graphAsJson() {
  const entities = [...state.entities.values()].map(({ labels, id, name, description }) => ({ labels, id, name, description }));
  const relationships = state.relationships.map(({ type, source, target, confidence, evidence: quote }) => ({ type, source, target, confidence, evidence: quote }));
  return new Blob([JSON.stringify({ entities, relationships }, null, 2)], { type: "application/json" });
}

function save(content, file) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = file;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// --- beginning

function show(view) {
  for (const name of ["picture", "table"]) {
    $(`as-${name}`).ariaPressed = String(name === view);
    $(`${name}-view`).hidden = name !== view;
  }
}

async function watchHealth() {
  const found = await health();
  $("health").dataset.state = found;
  $("health").textContent = say(found);
  setTimeout(watchHealth, HEALTH_EVERY_MS * (found === "ready" ? 6 : 1));
}

function change(language) {
  speak(language);
  localStorage.setItem("language", current());
  announce(...status);
  if ($("health").dataset.state) $("health").textContent = say($("health").dataset.state);
  redraw();
}

function listen() {
  $("form").addEventListener("submit", (event) => {
    event.preventDefault();
    extract();
  });
  $("text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) extract();
  });
  $("picture").addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (by) step(by);
    else if (event.key === "Escape") select(null);
    else return;
    event.preventDefault();
  });
  $("stop").addEventListener("click", stop);
  $("edit").addEventListener("click", () => edit(true));
  $("example").addEventListener("click", () => put(EXAMPLES[current()]));
  $("file").addEventListener("change", () => $("file").files[0] && open($("file").files[0]));
  $("as-picture").addEventListener("click", () => show("picture"));
  $("as-table").addEventListener("click", () => show("table"));
  for (const button of document.querySelectorAll("[data-language]")) button.addEventListener("click", () => change(button.dataset.language));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    const text = event.dataTransfer.getData("text/plain");
    if (file) open(file);
    else if (text) put(text);
  });
}

listen();
change(new URLSearchParams(location.search).get("lang") ?? localStorage.getItem("language") ?? (navigator.language.startsWith("zh") ? "zh" : "en"));
watchHealth();
addDownloads();
