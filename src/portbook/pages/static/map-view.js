// The drawing of the map on a canvas: which part is seen, and how it looks. Knows no page.

import { SIDE } from "./map-curve.js";

const CLOSEST = 112; // CSS pixels per cell
const NUMBERS = 36; // from here on a cell has room for its number,
const NAMES = 72; // and from here on for a name
const BLOCKS = [64, 16, 4]; // sides of the squares that bear the number of their first port
const NARROWEST = 60; // CSS pixels of such a square
const EVEN = 5; // device pixels per cell from which uneven cells are hardly seen
const LOST = 0.1; // part of the room that may stay empty, so that all cells are equal
const DOT = 9; // CSS pixels that a port takes at least where few are shown
const FONT = 'px system-ui, "Noto Sans", sans-serif';

export class View {
  /** `paint` is set by who uses it: codes, colors, places, few, names, ... */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.ground = document.createElement("canvas");
    this.ground.width = this.ground.height = SIDE;
    this.paint = null;
    this.chosen = null; // the cell with the ring
    this.pointed = null; // the cell below the pointer
    this.size = 0;
    this.scale = 0; // CSS pixels per cell
    this.x = this.y = 0; // the cell in the top left corner
    this.asked = 0;
    this.changed = () => {}; // told whether everything is seen
  }

  /** Take `room` CSS pixels, or a little less where every cell has equally many pixels then. */
  resize(room) {
    const ratio = window.devicePixelRatio || 1;
    const most = Math.floor(room * ratio);
    const equal = most - (most % SIDE);
    const pixels = equal >= most * (1 - LOST) ? equal : most;
    const zoom = this.size ? this.scale / this.fitting : 1;
    this.size = pixels / ratio;
    this.ratio = ratio;
    this.canvas.width = this.canvas.height = pixels;
    this.canvas.style.width = this.canvas.style.height = `${this.size}px`;
    this.scale = this.fitting * zoom;
    this.clamp();
  }

  get fitting() {
    return this.size / SIDE;
  }

  get whole() {
    return this.scale <= this.fitting * 1.001;
  }

  clamp() {
    this.scale = Math.min(Math.max(this.scale, this.fitting), Math.max(CLOSEST, this.fitting));
    const most = SIDE - this.size / this.scale;
    this.x = Math.min(Math.max(this.x, 0), most);
    this.y = Math.min(Math.max(this.y, 0), most);
    this.canvas.classList.toggle("near", !this.whole);
    this.changed(this.whole);
    this.redraw();
  }

  /** Zoom so that what is at (left, top), in CSS pixels, stays there. */
  zoom(factor, left = this.size / 2, top = this.size / 2) {
    const x = this.x + left / this.scale;
    const y = this.y + top / this.scale;
    this.scale = Math.min(Math.max(this.scale * factor, this.fitting), CLOSEST);
    this.x = x - left / this.scale;
    this.y = y - top / this.scale;
    this.clamp();
  }

  move(left, top) {
    this.x -= left / this.scale;
    this.y -= top / this.scale;
    this.clamp();
  }

  showAll() {
    this.scale = this.fitting;
    this.clamp();
  }

  /** Bring a cell into view, not nearer to the edge than a few cells. */
  reveal(cell) {
    const seen = this.size / this.scale;
    const edge = Math.min(3, seen / 4);
    const x = (cell % SIDE) + 0.5;
    const y = Math.floor(cell / SIDE) + 0.5;
    const far = (from, at) => at < from - 1 || at > from + seen + 1;
    if (far(this.x, x) || far(this.y, y)) {
      this.x = x - seen / 2;
      this.y = y - seen / 2;
    } else {
      this.x = Math.min(Math.max(this.x, x + edge - seen), x - edge);
      this.y = Math.min(Math.max(this.y, y + edge - seen), y - edge);
    }
    this.clamp();
  }

  /** The middle of a cell that is seen, else of the canvas: what stays in place when zooming. */
  middle(cell) {
    if (cell !== null) {
      const [left, top] = this.corner(cell).map((at) => at + this.scale / 2);
      if (left >= 0 && top >= 0 && left <= this.size && top <= this.size) return [left, top];
    }
    return [this.size / 2, this.size / 2];
  }

  /** The cell at a place in the window, or null beside the map. */
  cellAt(clientX, clientY) {
    const box = this.canvas.getBoundingClientRect();
    const x = Math.floor(this.x + (clientX - box.left) / this.scale);
    const y = Math.floor(this.y + (clientY - box.top) / this.scale);
    return x >= 0 && y >= 0 && x < SIDE && y < SIDE ? y * SIDE + x : null;
  }

  /** Colour the cells anew: after another scheme, layout or theme. */
  color(paint) {
    this.paint = paint;
    const faded = blend(paint.paper, paint.ink, 0.1);
    const shades = paint.colors.map((color, code) => {
      if (paint.only === null) return parsed(color);
      return paint.only === code ? apart(parsed(color), faded, paint) : faded;
    });
    this.shades = shades;
    const image = new ImageData(SIDE, SIDE);
    const { cellOf } = paint.places;
    for (let port = 0; port < cellOf.length; port += 1) {
      const [red, green, blue] = shades[paint.codes[port]];
      const at = cellOf[port] * 4;
      image.data[at] = red;
      image.data[at + 1] = green;
      image.data[at + 2] = blue;
      image.data[at + 3] = 255;
    }
    this.ground.getContext("2d").putImageData(image, 0, 0);
    this.large = null;
    this.redraw();
  }

  redraw() {
    if (!this.asked && this.paint) {
      this.asked = requestAnimationFrame(() => {
        this.asked = 0;
        this.draw();
      });
    }
  }

  draw() {
    const { context } = this;
    const pixels = this.canvas.width;
    context.setTransform(1, 0, 0, 1, 0, 0);
    const perCell = this.scale * this.ratio;
    const even = perCell >= EVEN || Number.isInteger(perCell);
    context.imageSmoothingEnabled = !even;
    context.imageSmoothingQuality = "high";
    const source = even ? this.ground : this.enlarged();
    const by = source.width / SIDE;
    const seen = this.size / this.scale;
    context.drawImage(source, this.x * by, this.y * by, seen * by, seen * by, 0, 0, pixels, pixels);
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    if (this.scale < DOT) this.dots();
    if (this.scale >= NUMBERS) this.writeCells();
    else if (this.paint.numbers) this.writeBlocks();
    if (this.pointed !== null && this.pointed !== this.chosen) this.ring(this.pointed, 1);
    if (this.chosen !== null) this.ring(this.chosen, 2);
  }

  /** Four times as large, and smoothed: cells of 1.3 pixels would be uneven otherwise. */
  enlarged() {
    if (!this.large) {
      this.large = document.createElement("canvas");
      this.large.width = this.large.height = SIDE * 4;
      const context = this.large.getContext("2d");
      context.imageSmoothingEnabled = false;
      context.drawImage(this.ground, 0, 0, SIDE * 4, SIDE * 4);
    }
    return this.large;
  }

  /** Left, top of a cell in CSS pixels. */
  corner(cell) {
    return [((cell % SIDE) - this.x) * this.scale, (Math.floor(cell / SIDE) - this.y) * this.scale];
  }

  ring(cell, thick) {
    const { context, scale } = this;
    const [left, top] = this.corner(cell);
    for (const [color, width] of [[this.paint.paper, thick + 3], [this.paint.ink, thick]]) {
      context.strokeStyle = color;
      context.lineWidth = width;
      context.beginPath();
      if (scale < 10) {
        context.arc(left + scale / 2, top + scale / 2, 3.5 + 1.5 * thick, 0, 2 * Math.PI);
      } else {
        context.rect(left, top, scale, scale);
      }
      context.stroke();
    }
  }

  /** Few ports among thousands: as a dot each, or nobody would see them. */
  dots() {
    const { context, scale, paint } = this;
    for (const port of paint.few) {
      if (paint.only !== null && paint.only !== paint.codes[port]) continue;
      const [left, top] = this.corner(paint.places.cellOf[port]).map((at) => at + scale / 2);
      context.beginPath();
      context.arc(left, top, DOT / 2, 0, 2 * Math.PI);
      context.fillStyle = `rgb(${this.shades[paint.codes[port]]})`;
      context.strokeStyle = paint.ink;
      context.lineWidth = 1;
      context.fill();
      context.stroke();
    }
  }

  /** The number, and where there is room the name, of every cell that is seen. */
  writeCells() {
    const { context, scale, paint } = this;
    const last = Math.ceil(this.size / scale);
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (let row = Math.floor(this.y); row <= Math.min(this.y + last, SIDE - 1); row += 1) {
      for (let column = Math.floor(this.x); column <= Math.min(this.x + last, SIDE - 1); column += 1) {
        const cell = row * SIDE + column;
        const port = paint.places.portAt[cell];
        const [left, top] = this.corner(cell);
        context.fillStyle = readable(this.shades[paint.codes[port]]);
        const name = scale >= NAMES && paint.names ? paint.names[port] : "";
        context.font = `${Math.min(16, scale / 3.4)}${FONT}`;
        context.fillText(port, left + scale / 2, top + scale * (name ? 0.36 : 0.5));
        if (name) {
          context.font = `11${FONT}`;
          context.fillText(this.cut(name, scale - 6), left + scale / 2, top + scale * 0.66);
        }
      }
    }
    context.strokeStyle = paint.paper;
    context.lineWidth = 1;
    context.beginPath();
    for (let at = Math.ceil(this.x); at <= this.x + last; at += 1) this.line((at - this.x) * scale, true);
    for (let at = Math.ceil(this.y); at <= this.y + last; at += 1) this.line((at - this.y) * scale, false);
    context.stroke();
  }

  cut(name, room) {
    if (this.context.measureText(name).width <= room) return name;
    let length = name.length;
    while (length > 1 && this.context.measureText(`${name.slice(0, length)}…`).width > room) length -= 1;
    return `${name.slice(0, length)}…`;
  }

  line(at, upright) {
    this.context.moveTo(upright ? at : 0, upright ? 0 : at);
    this.context.lineTo(upright ? at : this.size, upright ? this.size : at);
  }

  /** A net of squares, or of bands of rows, each with its first port. */
  writeBlocks() {
    const { context, scale, paint } = this;
    const rows = paint.places.layout === "rows";
    const fits = BLOCKS.filter((side) => side * scale >= NARROWEST);
    const side = fits.length ? fits[fits.length - 1] : BLOCKS[0];
    const high = rows ? side / 4 : side;
    const wide = rows ? SIDE : side;
    context.font = `11${FONT}`;
    context.textAlign = "left";
    context.textBaseline = "top";
    for (let row = 0; row < SIDE; row += high) {
      for (let column = 0; column < SIDE; column += wide) {
        const [left, top] = this.corner(row * SIDE + column);
        const label = String(firstPort(paint.places, row, column, side, rows));
        if (left > this.size || top > this.size || left + wide * scale < 0 || top + high * scale < 0) continue;
        context.strokeStyle = paint.ink;
        context.globalAlpha = 0.45;
        context.lineWidth = 1;
        context.strokeRect(Math.round(left) + 0.5, Math.round(top) + 0.5, wide * scale, high * scale);
        const [x, y] = [Math.max(left, 0) + 1, top + 1];
        context.globalAlpha = 0.85;
        context.fillStyle = paint.paper;
        context.fillRect(x, y, context.measureText(label).width + 6, 15);
        context.globalAlpha = 1;
        context.fillStyle = paint.ink;
        context.fillText(label, x + 3, y + 2);
      }
    }
  }
}

/** The lowest port of a square: an aligned square of the curve is one run of ports. */
function firstPort(places, row, column, side, rows) {
  const port = places.portAt[row * SIDE + column];
  return rows ? port : port - (port % (side * side));
}

function parsed(color) {
  const digits = color.trim().slice(1);
  return [0, 2, 4].map((at) => parseInt(digits.slice(at, at + 2), 16));
}

function blend(under, over, part) {
  const [low, high] = [parsed(under), parsed(over)];
  return low.map((value, at) => Math.round(value + (high[at] - value) * part));
}

/** Black or white, whichever is read more easily on it. */
function readable(shade) {
  return luminance(shade) > 0.179 ? "#000" : "#fff";
}

/** A kind that is hardly told from those that have faded gets a colour between paper and ink. */
function apart(shade, faded, paint) {
  const [low, high] = [luminance(shade), luminance(faded)].sort((one, other) => one - other);
  return (high + 0.05) / (low + 0.05) < 1.6 ? blend(paint.paper, paint.ink, 0.6) : shade;
}

/** Relative luminance (WCAG 2.2). */
function luminance(shade) {
  const [red, green, blue] = shade.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
