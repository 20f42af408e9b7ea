// Mouse, touch, pen and keyboard on the map. What they do is told to `actions`.

import { PORTS, SIDE } from "./map-curve.js";

const STILL = 5; // CSS pixels that a click may wander
const LEAP = 4096; // ports: a square of the net, or a band of 16 rows
const STRIDE = 16; // cells, with Shift
const TYPING = 1500; // milliseconds between the digits of one number
const WHEEL = 0.0018; // how much a pixel of the wheel zooms
const LINE = 16; // pixels of a wheel that counts lines

export function listen(view, actions) {
  pointer(view, actions);
  wheel(view);
  keyboard(view, actions);
}

function pointer(view, actions) {
  const { canvas } = view;
  const down = new Map();
  let moved = false;
  let touched = false;

  canvas.addEventListener("pointerdown", (event) => {
    touched = event.pointerType === "touch";
    if (!down.size) moved = false;
    else moved = true; // a second finger: no click
    down.set(event.pointerId, { x: event.clientX, y: event.clientY, from: [event.clientX, event.clientY] });
    canvas.setPointerCapture(event.pointerId);
    actions.wantNames();
  });

  canvas.addEventListener("pointermove", (event) => {
    const finger = down.get(event.pointerId);
    if (!finger) {
      if (event.pointerType !== "touch") actions.point(view.cellAt(event.clientX, event.clientY));
      return;
    }
    const before = [...down.values()].map(({ x, y }) => ({ x, y }));
    const [x, y] = [event.clientX - finger.x, event.clientY - finger.y];
    if (Math.hypot(event.clientX - finger.from[0], event.clientY - finger.from[1]) > STILL) moved = true;
    if (!moved) return;
    finger.x = event.clientX;
    finger.y = event.clientY;
    if (down.size === 1) {
      canvas.classList.add("dragged");
      view.move(x, y);
    } else if (down.size === 2) {
      pinch(view, before, [...down.values()]);
    }
  });

  const up = (event) => {
    down.delete(event.pointerId);
    if (!down.size) canvas.classList.remove("dragged");
  };
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
  canvas.addEventListener("pointerleave", () => actions.point(null));
  canvas.addEventListener("pointerenter", actions.wantNames);

  canvas.addEventListener("click", (event) => {
    const cell = moved ? null : view.cellAt(event.clientX, event.clientY);
    if (cell === null) return;
    const port = actions.places().portAt[cell];
    // A finger hides what it points at: the first touch chooses, one more on the same port opens.
    if (touched && port !== actions.port()) actions.choose(port);
    else actions.open(port, event.ctrlKey || event.metaKey || event.shiftKey);
  });
}

function pinch(view, before, after) {
  const box = view.canvas.getBoundingClientRect();
  const apart = ([one, other]) => Math.hypot(one.x - other.x, one.y - other.y);
  const middle = ([one, other]) => [(one.x + other.x) / 2 - box.left, (one.y + other.y) / 2 - box.top];
  const [was, is] = [middle(before), middle(after)];
  view.move(is[0] - was[0], is[1] - was[1]);
  view.zoom(apart(after) / Math.max(apart(before), 1), ...is);
}

function wheel(view) {
  view.canvas.addEventListener(
    "wheel",
    (event) => {
      if (event.deltaY > 0 && view.whole && !event.ctrlKey) return; // then the page scrolls
      event.preventDefault();
      const box = view.canvas.getBoundingClientRect();
      const pixels = event.deltaY * (event.deltaMode ? LINE : 1) * (event.ctrlKey ? 4 : 1);
      view.zoom(Math.exp(-pixels * WHEEL), event.clientX - box.left, event.clientY - box.top);
    },
    { passive: false },
  );
}

function keyboard(view, actions) {
  const { canvas } = view;
  let typed = "";
  let since = 0;

  const step = (x, y, far) => {
    const cell = actions.places().cellOf[actions.port() ?? 0];
    const by = far ? STRIDE : 1;
    const within = (at) => Math.min(Math.max(at, 0), SIDE - 1);
    const [column, row] = [within((cell % SIDE) + x * by), within(Math.floor(cell / SIDE) + y * by)];
    actions.choose(actions.places().portAt[row * SIDE + column]);
  };
  const leap = (by) => actions.choose(Math.min(Math.max((actions.port() ?? 0) + by, 0), PORTS - 1));
  const zoom = (factor) => view.zoom(factor, ...view.middle(view.chosen));
  const keys = {
    ArrowLeft: (far) => step(-1, 0, far),
    ArrowRight: (far) => step(1, 0, far),
    ArrowUp: (far) => step(0, -1, far),
    ArrowDown: (far) => step(0, 1, far),
    PageUp: () => leap(-LEAP),
    PageDown: () => leap(LEAP),
    Home: () => actions.choose(0),
    End: () => actions.choose(PORTS - 1),
    Escape: () => view.showAll(),
    "+": () => zoom(1.5),
    "=": () => zoom(1.5),
    "-": () => zoom(1 / 1.5),
  };

  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      if (event.key === "Enter" && actions.port() !== null) actions.open(actions.port(), true);
      return;
    }
    if (event.key === "Enter") {
      if (actions.port() !== null) actions.open(actions.port(), event.shiftKey);
    } else if (/^\d$/.test(event.key)) {
      typed = event.timeStamp - since < TYPING ? typed + event.key : event.key;
      if (Number(typed) >= PORTS) typed = event.key;
      since = event.timeStamp;
      actions.choose(Number(typed));
    } else if (keys[event.key]) {
      typed = "";
      keys[event.key](event.shiftKey);
    } else {
      return;
    }
    event.preventDefault();
  });

  canvas.addEventListener("focus", () => {
    actions.wantNames();
    if (actions.port() === null && canvas.matches(":focus-visible")) actions.choose(0);
  });
}
