// The graph as two tables, for screen readers, keyboards and whoever likes lists. Knows nothing about the service.

// Return the tables; `onSelect` is told what the picture's is told.
export function makeLists(entities, relationships, onSelect) {
  const [entityRows, relationshipRows] = [entities.tBodies[0], relationships.tBodies[0]];

  return {
    clear() {
      entityRows.replaceChildren();
      relationshipRows.replaceChildren();
    },

    addEntity(entity, colour) {
      const swatch = document.createElement("span");
      swatch.className = `swatch ${colour}`;
      const label = document.createElement("td");
      label.append(swatch, entity.labels);
      const row = entityRows.insertRow();
      row.dataset.id = entity.id;
      row.append(head(entity.name, () => onSelect({ kind: "entity", id: entity.id })), label, cell(entity.mentions.length));
    },

    addRelationship(relationship, index, name) {
      const row = relationshipRows.insertRow();
      row.dataset.source = relationship.source;
      row.dataset.target = relationship.target;
      const select = () => onSelect({ kind: "relationship", index });
      row.append(cell(name(relationship.source)), head(relationship.type, select), cell(name(relationship.target)), cell(percent(relationship.confidence)));
    },

    select(selected, isHidden) {
      for (const row of entityRows.rows) {
        row.hidden = isHidden(row.dataset.id);
        row.ariaCurrent = String(selected?.id === row.dataset.id);
      }
      for (const [index, row] of [...relationshipRows.rows].entries()) {
        row.hidden = isHidden(row.dataset.source) || isHidden(row.dataset.target);
        row.ariaCurrent = String(selected?.index === index);
      }
    },
  };
}

// Write a share of 1 as people do.
export function percent(share) {
  return `${Math.round(100 * share)} %`;
}

function cell(value) {
  const made = document.createElement("td");
  made.textContent = String(value);
  return made;
}

function head(value, onClick) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain";
  button.textContent = value;
  button.addEventListener("click", onClick);
  const made = document.createElement("th");
  made.scope = "row";
  made.append(button);
  return made;
}
