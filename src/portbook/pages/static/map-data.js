// The facts that the map shows: life and year of every port, their names, what this machine holds.
// The form of the files is described in portmap/assets.py.

import { PORTS } from "./map-curve.js";

const UNREGISTERED = 0;
const UNDATED = 1;
const EPOCH = 1900;
const FIRST_USER = 1024;
const FIRST_DYNAMIC = 49152;
const FEW = 2000; // ports that can have a dot each

async function fetched(address, options) {
  const response = await fetch(address, options);
  if (!response.ok) throw Object.assign(new Error(address), { status: response.status });
  return response;
}

/** The life (a code of its scheme) and the year (0: no service, 1: no date) of every port. */
export async function loadPorts(address) {
  const bytes = new Uint8Array(await (await fetched(address)).arrayBuffer());
  const life = new Uint8Array(PORTS);
  const year = new Uint16Array(PORTS);
  let port = 0;
  for (let at = 0; at < bytes.length; ) {
    const kind = bytes[at];
    const since = bytes[at + 1];
    let length = 0;
    at += 2;
    for (let shift = 0; ; shift += 7, at += 1) {
      length += (bytes[at] & 0x7f) << shift;
      if (bytes[at] < 0x80) break;
    }
    at += 1;
    life.fill(kind, port, port + length);
    year.fill(since > UNDATED ? since + EPOCH : since, port, port + length);
    port += length;
  }
  if (port !== PORTS) throw new Error(`${address}: ${port} ports`);
  return { life, year, dated: (at) => year[at] > UNDATED, named: (at) => year[at] !== UNREGISTERED };
}

/** The names of every port, separated by spaces. */
export async function loadNames(address) {
  const names = new Array(PORTS).fill("");
  let port = 0;
  for (const each of await (await fetched(address)).json()) {
    if (typeof each === "string") {
      names[port] = each;
      port += 1;
    } else if (each < 0) {
      port -= each;
    } else {
      names.fill(names[port - 1], port, port + each);
      port += each;
    }
  }
  return names;
}

/** What this machine holds: the code of every port, the ports that are held if they are few, the
    counts, and whether something is missing. `codeOf` knows the code of a kind. */
export async function loadHere(address, codeOf) {
  const told = await (await fetched(address, { cache: "no-store" })).json();
  const codes = new Uint8Array(PORTS);
  for (const run of told.runs) codes.fill(codeOf(run.kind), run.first, run.last + 1);
  const held = [...codes.keys()].filter((port) => codes[port]);
  return { codes, held: held.length <= FEW ? held : [], counts: told.counts, incomplete: told.incomplete.length > 0 };
}

/** The codes of a scheme that needs no more than life and year; `bands` are last years. */
export function codesBy(by, ports, bands) {
  if (by === "life") return ports.life;
  if (by === "range") return Uint8Array.from({ length: PORTS }, (_, port) => rangeOf(port));
  return Uint8Array.from(ports.year, (year) =>
    year > UNDATED ? UNDATED + 1 + bands.findIndex((last) => year <= last) : year,
  );
}

/** The code of a port's range, as in its scheme: dynamic, user, system. */
export function rangeOf(port) {
  if (port >= FIRST_DYNAMIC) return 0;
  return port >= FIRST_USER ? 1 : 2;
}

/** The ports whose names hold `text`: equal names first, then those that begin with it. */
export function matches(names, text) {
  const wanted = text.toLowerCase();
  const found = [[], [], []];
  names.forEach((said, port) => {
    const each = said.toLowerCase().split(" ");
    if (!said) return;
    if (each.includes(wanted)) found[0].push(port);
    else if (each.some((name) => name.startsWith(wanted))) found[1].push(port);
    else if (said.toLowerCase().includes(wanted)) found[2].push(port);
  });
  return found.flat();
}
