// The page of the map: a canvas instead of the picture, choices without a new page, mouse, touch
// and keyboard. Without it the page shows the picture, and its links do the choosing.

import { PORTS, SIDE, placesOf } from "./map-curve.js";
import { codesBy, loadHere, loadNames, loadPorts, matches, rangeOf } from "./map-data.js";
import { listen } from "./map-input.js";
import { View } from "./map-view.js";

const root = document.getElementById("portmap");
const part = (name) => document.getElementById(`map-${name}`);
const view = new View(part("canvas"));
const said = new Map(
  [...root.querySelector("template").content.querySelectorAll("[data-say]")].map((each) => [
    each.dataset.say,
    each.textContent,
  ]),
);
const bands = root.dataset.bands.split(" ").map(Number);
const dark = matchMedia("(prefers-color-scheme: dark)");

const state = {
  by: root.dataset.by,
  layout: root.dataset.layout,
  only: null,
  numbers: true,
  port: null, // the chosen one
  shown: null, // the one in the status line
  matches: [],
};
let ports = null;
let names = null;
let here = null;

function say(name, values = {}) {
  return Object.entries(values).reduce(
    (text, [key, value]) => text.replace(`{${key}}`, value),
    said.get(name),
  );
}

function legend(by) {
  return root.querySelector(`table[data-by=${by}]`);
}

function kindName(by, code) {
  return legend(by).querySelector(`tr[data-code="${code}"] .name`).textContent;
}

function codes() {
  if (state.by === "here") return here.codes;
  return codesBy(state.by, ports, bands);
}

/** Colour everything: the colours are those of the style sheet, in the scheme of the moment. */
function color() {
  const style = getComputedStyle(legend(state.by));
  const rows = legend(state.by).querySelectorAll("tr[data-code]");
  const colors = [...rows].map((_, code) => style.getPropertyValue(`--k${code}`));
  const page = getComputedStyle(document.documentElement);
  view.color({
    codes: codes(),
    colors,
    places: placesOf(state.layout),
    few: state.by === "here" ? here.held : [],
    names,
    only: state.only,
    numbers: state.numbers,
    ink: page.getPropertyValue("--ink").trim(),
    paper: page.getPropertyValue("--sheet").trim(),
  });
}

/** Tell about a port in the status line. */
function tell(port, note = "") {
  if (port === state.shown && !note) return;
  state.shown = port;
  const line = part("status");
  const number = document.createElement("strong");
  number.textContent = port;
  const facts = [kindName("life", ports.life[port])];
  if (ports.dated(port)) facts.push(say("year", { year: ports.year[port] }));
  else if (ports.named(port)) facts.push(say("undated"));
  facts.push(say("range", { range: kindName("range", rangeOf(port)) }));
  if (state.by === "here") facts.unshift(kindName("here", here.codes[port]));
  const called = ports.named(port) ? (names?.[port] || "").replaceAll(" ", ", ") : say("unnamed");
  const lines = [facts.join(" · "), note].filter(Boolean).map(lineOf);
  line.replaceChildren(number, ` ${called} `, ...lines);
  const link = part("open");
  link.href = address(port);
  link.textContent = say("open", { port });
  link.hidden = false;
}

function lineOf(text) {
  const span = document.createElement("span");
  span.textContent = text;
  return span;
}

function remark(text) {
  state.shown = null;
  part("status").textContent = text;
  part("open").hidden = true;
}

function address(port) {
  return `${root.dataset.base}${port}${root.dataset.ext}`;
}

function open(port, aside) {
  // Who comes back finds the map where it was.
  state.port = port;
  remember();
  if (aside) window.open(address(port), "_blank", "noopener");
  else location.assign(address(port));
}

/** Go to a port: the ring, the status line, and the part of the map that is seen. */
function choose(port, note = "") {
  state.port = port;
  view.chosen = placesOf(state.layout).cellOf[port];
  view.pointed = null;
  view.reveal(view.chosen);
  tell(port, note);
}

function point(cell) {
  view.pointed = cell;
  view.redraw();
  if (cell !== null) tell(placesOf(state.layout).portAt[cell]);
  else if (state.port !== null) tell(state.port);
}

function filled(pattern) {
  return pattern.replaceAll("{by}", state.by).replaceAll("{layout}", state.layout);
}

function choiceAddress(by, layout) {
  if (by === "life" && layout === "hilbert") return root.dataset.start;
  return root.dataset.address.replace("{by}", by).replace("{layout}", layout);
}

/** Show what was chosen everywhere on the page, and in its address. */
function show() {
  root.dataset.by = state.by;
  root.dataset.layout = state.layout;
  for (const link of root.querySelectorAll("a[data-by], a[data-layout]")) {
    const by = link.dataset.by || state.by;
    const layout = link.dataset.layout || state.layout;
    link.href = choiceAddress(by, layout);
    const current = by === state.by && layout === state.layout;
    if (current) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  for (const table of root.querySelectorAll("table[data-by]")) table.hidden = table.dataset.by !== state.by;
  for (const note of root.querySelectorAll("[data-for]")) note.hidden = note.dataset.for !== state.by;
  for (const link of document.querySelectorAll("a[data-href]")) link.href = filled(link.dataset.href);
  for (const button of legend(state.by).querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.code) === state.only));
  }
  view.chosen = state.port === null ? null : placesOf(state.layout).cellOf[state.port];
  view.pointed = null;
  color();
  if (state.shown !== null) {
    const port = state.shown;
    state.shown = null;
    tell(port);
  }
}

function remember() {
  const address = new URL(choiceAddress(state.by, state.layout), location.href);
  if (state.port !== null) address.searchParams.set("port", state.port);
  try {
    history.replaceState(null, "", address);
  } catch {
    // A browser may refuse to do it too often, and for a file; the page is the same.
  }
  for (const link of document.querySelectorAll("a[hreflang]")) {
    const other = new URL(link.href);
    other.pathname = other.pathname.replace(/[^/]*$/, address.pathname.split("/").pop());
    other.search = address.search;
    link.href = other;
  }
}

async function see() {
  const table = legend("here");
  here = await loadHere(root.dataset.here, (kind) =>
    Number(table.querySelector(`tr[data-kind="${kind}"]`).dataset.code),
  );
  const written = new Intl.NumberFormat(document.documentElement.lang);
  for (const row of table.querySelectorAll("tr[data-kind]")) {
    row.querySelector(".n").textContent = written.format(here.counts[row.dataset.kind]);
  }
  part("gaps").hidden = !here.incomplete;
}

async function chosen(event) {
  const link = event.currentTarget;
  if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const by = link.dataset.by || state.by;
  if (by === "here" && !root.dataset.here) return; // the server says how to get in
  event.preventDefault();
  if (by === "here") {
    try {
      await see();
    } catch {
      location.assign(link.href);
      return;
    }
  }
  if (by !== state.by) state.only = null;
  state.by = by;
  state.layout = link.dataset.layout || state.layout;
  show();
  if (view.chosen !== null) view.reveal(view.chosen);
  remember();
}

async function find(event) {
  event.preventDefault();
  const text = part("q").value.trim();
  if (/^\d+$/.test(text)) {
    if (Number(text) >= PORTS) remark(say("outside"));
    else choose(Number(text));
  } else if (text) {
    await wantNames();
    state.matches = names ? matches(names, text) : [];
    if (!state.matches.length) {
      remark(say("missing"));
      return;
    }
    const at = state.matches.indexOf(state.port) + 1;
    const next = at < state.matches.length ? at : 0;
    const many = state.matches.length > 1;
    choose(state.matches[next], many ? say("found", { at: next + 1, count: state.matches.length }) : "");
  }
  remember();
}

let asked = null;

/** The names are loaded when somebody first looks closer: they are the larger part. */
function wantNames() {
  asked ||= loadNames(`${root.dataset.files}names.json`).then(
    (loaded) => {
      names = loaded;
      color();
      const port = state.shown;
      state.shown = null;
      if (port !== null) tell(port);
    },
    () => {
      asked = null;
    },
  );
  return asked;
}

function only(event) {
  const code = Number(event.currentTarget.dataset.code);
  state.only = state.only === code ? null : code;
  show();
}

function legendButtons() {
  for (const row of root.querySelectorAll("tr[data-code]")) {
    const name = row.querySelector(".name");
    const button = document.createElement("button");
    button.type = "button";
    button.title = say("only");
    button.dataset.code = row.dataset.code;
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", only);
    name.replaceWith(button);
    button.append(name);
  }
}

const DO = {
  in: () => view.zoom(2, ...view.middle(view.chosen)),
  out: () => view.zoom(0.5),
  all: () => view.showAll(),
  left: () => view.move(view.size / 4, 0),
  right: () => view.move(-view.size / 4, 0),
  up: () => view.move(0, view.size / 4),
  down: () => view.move(0, -view.size / 4),
  numbers: (button) => {
    state.numbers = !state.numbers;
    button.setAttribute("aria-pressed", String(state.numbers));
    color();
  },
};

/** There is nowhere to move to while everything is seen. */
function whole(is) {
  for (const name of ["left", "right", "up", "down", "out", "all"]) {
    part("tools").querySelector(`[data-do=${name}]`).disabled = is;
  }
}

function fit() {
  view.resize(Math.min(part("canvas").parentElement.clientWidth, 1280));
}

/** Draw anew when the window comes to a screen with other pixels. */
function sharpen() {
  matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`).addEventListener(
    "change",
    () => {
      fit();
      sharpen();
    },
    { once: true },
  );
}

function asksFor() {
  const wanted = new URLSearchParams(location.search).get("port") ?? location.hash.slice(1);
  return /^\d{1,5}$/.test(wanted) && Number(wanted) < PORTS ? Number(wanted) : null;
}

async function start() {
  [ports] = await Promise.all([
    loadPorts(`${root.dataset.files}ports.bin`),
    state.by === "here" ? see() : null,
  ]);
  view.changed = whole;
  legendButtons();
  part("picture").hidden = true;
  for (const name of ["canvas", "tools", "find", "told", "alone", "help"]) part(name).hidden = false;
  fit();
  show();
  listen(view, {
    choose,
    point,
    wantNames,
    port: () => state.port,
    places: () => placesOf(state.layout),
    open,
  });
  for (const link of root.querySelectorAll("a[data-by], a[data-layout]")) link.addEventListener("click", chosen);
  for (const button of part("tools").children) {
    button.addEventListener("click", () => DO[button.dataset.do](button));
  }
  part("find").addEventListener("submit", find);
  dark.addEventListener("change", color);
  new ResizeObserver(fit).observe(part("canvas").parentElement);
  sharpen();
  if (asksFor() !== null) {
    wantNames();
    choose(asksFor());
  }
}

start().catch(() => {
  part("told").hidden = false;
  remark(say("failed"));
});
