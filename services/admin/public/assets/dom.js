/**
 * Changes to the page. Everything is written as text, never as markup, and only where it differs, so
 * that a selection or a tooltip survives the next second.
 */

export function byId(id) {
  return document.getElementById(id);
}

export function setText(element, text) {
  const value = String(text);
  if (element.textContent !== value) element.textContent = value;
}

export function setTitle(element, title) {
  if (element.title !== (title ?? '')) element.title = title ?? '';
}

export function setClass(element, name) {
  if (element.className !== name) element.className = name;
}

/** Shows a value with its tooltip. */
export function show(id, text, title) {
  const element = byId(id);
  setText(element, text);
  if (title !== undefined) setTitle(element, title);
}

/** Makes `element` have exactly `count` children of a tag, reusing those that are there. */
export function resize(element, tag, count) {
  while (element.children.length > count) element.lastElementChild.remove();
  while (element.children.length < count) element.append(document.createElement(tag));
  return [...element.children];
}

/**
 * Fills a table's body. A cell is `{text, title, kind, pill, swatch, header}`; without rows one line
 * says `none`.
 */
export function fillRows(body, rows, none) {
  const columns = body.closest('table').querySelectorAll('thead th').length;
  const lines = rows.length > 0 ? rows : [[{ text: none, kind: 'none', span: columns }]];
  resize(body, 'tr', lines.length).forEach((row, at) => {
    fillRow(row, lines[at]);
  });
}

function fillRow(row, cells) {
  const shape = cells.map(({ header, pill, swatch }) => `${!!header}${!!pill}${!!swatch}`).join();
  if (row.dataset.shape !== shape) {
    row.replaceChildren(...cells.map(makeCell));
    row.dataset.shape = shape;
  }
  cells.forEach(({ text, title, kind, pill, swatch, span }, at) => {
    const cell = row.children[at];
    cell.colSpan = span ?? 1;
    setClass(cell, kind ?? '');
    setTitle(cell, title);
    if (swatch) setClass(cell.firstElementChild, `swatch ${swatch}`);
    const holder = pill || swatch ? cell.lastElementChild : cell;
    if (pill) setClass(holder, `pill ${pill}`);
    setText(holder, text);
  });
}

function makeCell({ header, pill, swatch }) {
  const cell = document.createElement(header ? 'th' : 'td');
  if (header) cell.scope = 'row';
  if (swatch) cell.append(document.createElement('span'));
  if (pill || swatch) cell.append(document.createElement('span'));
  return cell;
}
