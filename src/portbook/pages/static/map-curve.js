// Where a port is on the map: Hilbert's curve, and rows. The same arithmetic as portmap/curve.py.

export const SIDE = 256;
export const PORTS = SIDE * SIDE;

/** The cell of a step of Hilbert's curve, as y * SIDE + x. */
function step(number) {
  let x = 0;
  let y = 0;
  for (let size = 1; size < SIDE; size *= 2) {
    const right = 1 & (number >> 1);
    const down = 1 & (number ^ right);
    if (!down) {
      if (right) [x, y] = [size - 1 - x, size - 1 - y];
      [x, y] = [y, x];
    }
    x += size * right;
    y += size * down;
    number >>= 2;
  }
  return y * SIDE + x;
}

const made = {};

/** The cell of every port, and the port of every cell, in a layout. */
export function placesOf(layout) {
  if (!made[layout]) {
    const cellOf = new Uint16Array(PORTS);
    const portAt = new Uint16Array(PORTS);
    for (let port = 0; port < PORTS; port += 1) {
      cellOf[port] = layout === "rows" ? port : step(port);
      portAt[cellOf[port]] = port;
    }
    made[layout] = { layout, cellOf, portAt };
  }
  return made[layout];
}
