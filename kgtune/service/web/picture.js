// The graph as a picture, by Cytoscape. Knows nothing about the service or the text.

const SPACING = 70; // pixels between entities that nothing holds together yet
const ANIMATED_NODES = 60;

// `onSelect` is told {kind: "relationship", index}, {kind: "entity", id} or null.
export function makePicture(container, onSelect) {
  const cy = window.cytoscape({ container, style: style(), minZoom: 0.1, maxZoom: 2.5, boxSelectionEnabled: false });
  cy.on("tap", "edge", (event) => onSelect({ kind: "relationship", index: event.target.data("index") }));
  cy.on("tap", "node", (event) => onSelect({ kind: "entity", id: event.target.id() }));
  cy.on("tap", (event) => event.target === cy && onSelect(null));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => cy.style(style()));
  new ResizeObserver(() => {
    cy.resize();
    if (container.clientWidth) fit(cy); // it has no size while the table is shown
  }).observe(container);

  return {
    clear: () => cy.elements().remove(),

    addEntity(entity, colour) {
      const number = cy.nodes().length;
      const angle = number * 2.4; // the golden angle: a sunflower has room for one more at any time
      const position = { x: SPACING * Math.sqrt(number) * Math.cos(angle), y: SPACING * Math.sqrt(number) * Math.sin(angle) };
      cy.add({ data: { id: entity.id, name: entity.name, colour: value(`--${colour}`) }, position });
      fit(cy);
    },

    addRelationship(relationship, index) {
      const { source, target, type } = relationship;
      cy.add({ data: { id: `relationship ${index}`, source, target, type, index } });
    },

    // Give everything its place, before one's eyes if there is not too much of it.
    arrange() {
      cy.resize();
      const num = cy.nodes().length;
      const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      const before = new Map(cy.nodes().map((node) => [node.id(), { ...node.position() }]));
      cy.layout({
        name: "cose",
        animate: false,
        fit: false,
        randomize: false,
        numIter: num > ANIMATED_NODES ? 300 : 1000,
        idealEdgeLength: () => 80,
        nodeRepulsion: () => 9000,
        componentSpacing: 50,
      }).run();
      const after = lying(cy.nodes());
      cy.nodes().positions((node) => before.get(node.id()));
      cy.layout({
        name: "preset", positions: (node) => after.get(node.id()), animate: num <= ANIMATED_NODES && !calm, animationDuration: 400, padding: 24, fit: true,
      }).run();
    },

    select(selected, isHidden) {
      cy.batch(() => {
        cy.elements().removeClass("selected beside hidden");
        cy.nodes().filter((node) => isHidden(node.id())).addClass("hidden");
        if (selected === null) return;
        const chosen = selected.kind === "entity" ? cy.getElementById(selected.id) : cy.getElementById(`relationship ${selected.index}`);
        chosen.addClass("selected");
        const near = selected.kind === "entity" ? chosen.closedNeighborhood() : chosen.union(chosen.connectedNodes());
        cy.elements().not(near).addClass("beside");
      });
    },
  };
}

// Return places by id, turned so that the longest way through the graph lies: windows and names are wide.
function lying(nodes) {
  const places = nodes.map((node) => [node.id(), node.position()]);
  const mean = (of) => places.reduce((sum, [, place]) => sum + of(place), 0) / places.length;
  const [x, y] = [mean((place) => place.x), mean((place) => place.y)];
  const spread = mean((place) => (place.x - x) ** 2 - (place.y - y) ** 2);
  const angle = Math.atan2(2 * mean((place) => (place.x - x) * (place.y - y)), spread) / 2;
  const [cos, sin] = [Math.cos(-angle), Math.sin(-angle)];
  return new Map(places.map(([id, place]) => [id, { x: 1.25 * ((place.x - x) * cos - (place.y - y) * sin), y: (place.x - x) * sin + (place.y - y) * cos }]));
}

function fit(cy) {
  cy.fit(undefined, 40);
  if (cy.zoom() > 1.2) {
    cy.zoom(1.2);
    cy.center();
  }
}

function value(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function style() {
  const [ink, page, line, accent] = ["--ink", "--card", "--edge", "--accent"].map(value);
  const text = { "font-family": "system-ui, sans-serif", color: ink, "text-outline-color": page, "text-outline-width": 2 };
  return [
    {
      selector: "node",
      style: {
        ...text, label: "data(name)", "background-color": "data(colour)", width: 28, height: 28, "font-size": 14, "font-weight": 600,
        "text-valign": "bottom", "text-margin-y": 5, "text-wrap": "ellipsis", "text-max-width": 210, "min-zoomed-font-size": 6,
        "border-width": 2, "border-color": page,
      },
    },
    {
      selector: "edge",
      style: {
        ...text, label: "data(type)", "font-size": 11, "curve-style": "bezier", width: 2, "line-color": line, "min-zoomed-font-size": 7,
        "target-arrow-color": line, "target-arrow-shape": "triangle", "text-rotation": "autorotate", "overlay-padding": 6,
      },
    },
    { selector: "node.selected", style: { "border-color": accent, "border-width": 4 } },
    { selector: "edge.selected", style: { "line-color": accent, "target-arrow-color": accent, width: 4, "font-size": 13, color: accent } },
    { selector: ".beside", style: { opacity: 0.3 } },
    { selector: ".hidden", style: { display: "none" } },
  ];
}
