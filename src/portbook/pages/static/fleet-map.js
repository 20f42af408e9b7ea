// The map of the fleet: says which port the pointer is at and how many hosts use it, and opens its
// page with a click. Without it the picture, the tables and the form say and do the same.

import { SIDE, placesOf } from "./map-curve.js";

const root = document.getElementById("fleetmap");
if (root) begin();

async function begin() {
  const picture = document.getElementById("fleetmap-picture");
  const status = document.getElementById("fleetmap-status");
  const said = new Map(
    [...root.querySelector("template").content.querySelectorAll("[data-say]")].map((each) => [
      each.dataset.say,
      each.textContent,
    ]),
  );
  status.hidden = false;
  let hosts;
  try {
    hosts = await load();
  } catch {
    status.textContent = said.get("failed");
    return;
  }
  const { portAt } = placesOf(root.dataset.layout);
  const written = new Intl.NumberFormat(document.documentElement.lang);
  const portOf = (event) => {
    const box = picture.getBoundingClientRect();
    const cell = (at, size) => Math.min(SIDE - 1, Math.max(0, Math.floor((at / size) * SIDE)));
    const x = cell(event.clientX - box.left, box.width);
    return portAt[cell(event.clientY - box.top, box.height) * SIDE + x];
  };
  picture.classList.add("ready");
  picture.addEventListener("pointermove", (event) => {
    const port = portOf(event);
    const text = said.get(hosts[port] ? "used" : "unused").replace("{port}", port);
    status.textContent = text.replace("{hosts}", written.format(hosts[port]));
  });
  picture.addEventListener("click", (event) => {
    location.assign(`${root.dataset.base}fleet/port/${portOf(event)}`);
  });
}

/** The number of hosts of every port. */
async function load() {
  const reply = await fetch(root.dataset.document, { cache: "no-store" });
  if (!reply.ok) throw new Error(reply.statusText);
  const hosts = new Uint32Array(SIDE * SIDE);
  for (const run of (await reply.json()).runs) hosts.fill(run.hosts, run.first, run.last + 1);
  return hosts;
}
