"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const ROW = 16, TOP = 26, AXIS = 78, MARGIN = 500;

// What may be shown: [key, label, colour, on at first].
const FILTERS = [
  ["delta", "changes sent", "--blue", true], ["ask", "asks", "--violet", true], ["key", "wrapping keys", "--teal", false],
  ["beat", "heartbeats", "--faint", false], ["lost", "lost", "--red", true], ["refused", "refused", "--orange", true],
  ["merge", "merges", "--soft", true], ["step", "plan", "--ink", true], ["answer", "answers", "--ink", true],
  ["note", "keys", "--soft", true], ["routine", "routine", "--soft", false], ["refusal", "refusals", "--faint", false], ["clock", "clocks", "--teal", true],
];
const KIND_FILTER = {
  merge: "merge", step: "step", change: "step", fault: null, answer: "answer", vain: "answer", note: "note", routine: "routine", refusal: "refusal",
  silence: "refusal", clock: "clock", up: null, down: null, paused: null, resumed: null,
};
const shown = Object.fromEntries(FILTERS.map(([key, , , on]) => [key, on]));
let spaced = true, zoom = 1, picked = null, past = null, focused = false;

const E = data.entries, M = data.messages, N = data.nodes.length;
const storyEntries = new Map(), storyMessages = new Map();
data.story.forEach((sentence, at) => {
  sentence.e.forEach((place) => storyEntries.set(place, at));
  sentence.m.forEach((place) => storyMessages.set(place, at));
});

const seconds = (ms) => (ms / 1000).toFixed(3);
const letter = (state) => (state < 26 ? "" : letter(Math.floor(state / 26) - 1)) + String.fromCharCode(65 + (state % 26));
const hue = (state) => `hsl(${(state * 137.508 + 205) % 360} var(--state-s) var(--state-l))`;
const visibleEntry = (e, at) => {
  if (e.hid) return false;
  if (storyEntries.has(at)) return true;
  const filter = KIND_FILTER[e.k];
  return !filter || shown[filter];
};
const across = (at) => E[at].n === undefined || E[at].k === "failed";
const visibleMessage = (m, at) => {
  if (storyMessages.has(at)) return true;
  const lost = m.l === "lost" || m.l === "cut" || m.l === "nobody";
  if (m.c === "beat" && !shown.beat) return false;
  if (lost) return shown.lost && (m.c !== "beat" || shown.beat);
  if (m.l === "refused") return shown.refused;
  return shown[m.c];
};

// Where everything stands: a time grows by what happened in it, so that quiet times are short and busy ones can be read.
let L = null;
function layout() {
  const view = $("scroll").clientWidth || 1100;
  const lane = Math.max(N > 12 ? 34 : 118, Math.min(320, (view - AXIS - 110) / N));
  const x = (node) => AXIS + 96 + node * lane;
  const times = new Set([0, data.end]);
  E.forEach((e, at) => visibleEntry(e, at) && times.add(e.t));
  M.forEach((m, at) => { if (visibleMessage(m, at)) { times.add(m.s); if (m.a !== undefined) times.add(m.a); } });
  const byTime = new Map();
  E.forEach((e, at) => {
    if (!visibleEntry(e, at)) return;
    if (!byTime.has(e.t)) byTime.set(e.t, []);
    byTime.get(e.t).push(at);
  });
  const sorted = [...times].sort((a, b) => a - b);
  const yOf = new Map(), entryY = new Array(E.length).fill(null);
  const bottom = new Array(N).fill(TOP);
  let y = TOP, before = sorted[0];
  for (const t of sorted) {
    const dt = t - before;
    y += spaced ? Math.min(dt * 0.6, 8 + 9 * Math.log2(1 + dt / 8)) * zoom : dt * 0.09 * zoom;
    const here = byTime.get(t) || [];
    if (spaced) for (const at of here) y = Math.max(y, across(at) ? Math.max(...bottom) : bottom[E[at].n]);
    const count = new Array(N).fill(0);
    for (const at of here) {
      // What speaks of all nodes stands in a line of its own.
      const lines = across(at) ? Math.max(...count) : count[E[at].n];
      entryY[at] = y + lines * ROW;
      if (across(at)) {
        count.fill(lines + 1);
        bottom.fill(entryY[at] + ROW);
      } else {
        count[E[at].n] = lines + 1;
        bottom[E[at].n] = entryY[at] + ROW;
      }
    }
    yOf.set(t, y);
    before = t;
  }
  const at = (t) => {
    if (yOf.has(t)) return yOf.get(t);
    let low = 0, high = sorted.length - 1;
    while (low < high - 1) { const mid = (low + high) >> 1; if (sorted[mid] <= t) low = mid; else high = mid; }
    const [a, b] = [sorted[low], sorted[high]];
    return yOf.get(a) + (yOf.get(b) - yOf.get(a)) * (b === a ? 0 : (t - a) / (b - a));
  };
  const height = Math.max(...bottom, y) + 60;
  const ticks = [];
  const free = new Set();
  const tick = (t) => {
    const slot = Math.round(yOf.get(t) / 9);
    if ([slot - 1, slot, slot + 1].some((one) => free.has(one))) return;
    free.add(slot);
    ticks.push(t);
  };
  [...byTime.keys()].forEach(tick);
  sorted.forEach(tick);
  L = { lane, x, at, entryY, sorted, ticks, yOf, height, width: x(N - 1) + lane + 20, bands: bands(at, height), walls: walls(at, height) };
  $("spacer").style.height = `${height}px`;
  $("spacer").style.width = `${L.width}px`;
  $("heads").style.width = `${L.width}px`;
  $("heads").replaceChildren(...data.nodes.map((name, node) => {
    const head = document.createElement("span");
    head.textContent = name;
    head.style.left = `${x(node) - 6}px`;
    return head;
  }));
}

// For each node, spans of one state, and of being down or paused.
function bands(at, height) {
  const out = [];
  for (let node = 0; node < N; node++) {
    let state = -1, from = null, stopped = null;
    E.forEach((e) => {
      const now = e.s[node];
      if (now !== state) {
        if (from !== null) out.push({ node, state, y0: from, y1: at(e.t) });
        [state, from] = [now, at(e.t)];
      }
      if (e.n === node && e.k === "paused") stopped = at(e.t);
      if (e.n === node && (e.k === "resumed" || e.k === "down") && stopped !== null) {
        out.push({ node, paused: true, y0: stopped, y1: at(e.t) });
        stopped = null;
      }
    });
    if (from !== null) out.push({ node, state, y0: from, y1: height - 40, last: true });
  }
  return out;
}

function walls(at, height) {
  const open = new Map(), out = [];
  const close = (cut, y1) => { const one = open.get(cut); if (one) { out.push({ ...one, y1 }); open.delete(cut); } };
  E.forEach((e) => {
    if (e.k === "cut") open.set(e.cut, { y0: at(e.t), links: e.links, text: e.x });
    if (e.k === "mended") (e.cut === null ? [...open.keys()] : [e.cut]).forEach((cut) => close(cut, at(e.t)));
  });
  [...open.keys()].forEach((cut) => close(cut, height - 40));
  return out;
}

const make = (tag, attributes, text) => {
  const element = document.createElementNS(SVG, tag);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  if (text !== undefined) element.textContent = text;
  return element;
};

function dimmed(kind, at) {
  const story = kind === "e" ? storyEntries.has(at) : storyMessages.has(at);
  if (past) return !(kind === "e" ? past.entries.has(at) : past.messages.has(at));
  return focused && !story;
}

function draw() {
  const scroll = $("scroll"), svg = $("canvas");
  const [top, height] = [scroll.scrollTop, scroll.clientHeight - 30];
  const [from, to] = [top - MARGIN, top + height + MARGIN];
  svg.setAttribute("width", L.width);
  svg.setAttribute("height", height);
  const back = make("g", {}), arrows = make("g", {}), front = make("g", {}), words = make("g", {});
  const inside = (y0, y1) => y1 >= from && y0 <= to;
  drawSides(back, inside);
  drawTimes(back, from, to);
  drawBands(back, front, inside);
  if (shown.clock) drawClocks(back, from, to);
  M.forEach((m, at) => visibleMessage(m, at) && drawMessage(arrows, m, at, inside));
  E.forEach((e, at) => L.entryY[at] !== null && inside(L.entryY[at], L.entryY[at]) && drawEntry(back, front, words, e, at));
  const all = make("g", { transform: `translate(0 ${-top})` });
  all.append(back, arrows, front, words);
  svg.replaceChildren(all);
}

function drawSides(layer, inside) {
  for (const wall of L.walls) {
    if (!inside(wall.y0, wall.y1)) continue;
    const cut = new Set(wall.links.map(([a, b]) => a * 1000 + b));
    const far = [...Array(N).keys()].filter((node) => node && cut.has(node) && cut.has(node * 1000));
    for (const node of far) layer.append(make("rect", { class: "side", x: L.x(node) - 18, y: wall.y0, width: L.lane, height: wall.y1 - wall.y0 }));
    for (let node = 0; node + 1 < N; node++) {
      const [there, back] = [cut.has(node * 1000 + node + 1), cut.has((node + 1) * 1000 + node)];
      if (!there && !back) continue;
      const x = L.x(node + 1) - 24;
      const bar = there && back
        ? make("rect", { class: "wall", x: x - 2.5, y: wall.y0, width: 5, height: Math.max(4, wall.y1 - wall.y0), rx: 2 })
        : make("path", { class: "wall one", d: `M${x} ${wall.y0}V${wall.y1}` });
      hover(bar, () => wall.text);
      layer.append(bar);
    }
    for (const [a, b] of wall.links.length === 1 && Math.abs(wall.links[0][0] - wall.links[0][1]) > 1 ? wall.links : []) {
      const bar = make("path", { class: "wall one", d: `M${L.x(a) + (b > a ? 9 : -9)} ${wall.y0}V${wall.y1}` });
      hover(bar, () => wall.text);
      layer.append(bar);
    }
  }
}

function drawTimes(layer, from, to) {
  for (const t of L.ticks) {
    const y = L.yOf.get(t);
    if (y < from || y > to) continue;
    layer.append(make("text", { class: "time", x: AXIS - 18, y: y + 4 }, seconds(t)));
    layer.append(make("path", { class: "rule", d: `M${AXIS - 12} ${y}H${AXIS - 6}` }));
  }
}

function drawBands(back, front, inside) {
  for (const band of L.bands) {
    if (!inside(band.y0, band.y1)) continue;
    const x = L.x(band.node);
    if (band.paused) {
      back.append(make("rect", { x: x - 8, y: band.y0, width: 16, height: Math.max(2, band.y1 - band.y0), rx: 4, fill: "none", class: "gone" }));
    } else if (band.state < 0) {
      back.append(make("path", { class: "gone", d: `M${x} ${band.y0}V${band.y1}` }));
    } else {
      back.append(make("rect", { x: x - 4, y: band.y0, width: 8, height: Math.max(2, band.y1 - band.y0), rx: 3, style: `fill:${hue(band.state)}` }));
      const dot = make("circle", { cx: x, cy: band.y0, r: 8.5, style: `fill:${hue(band.state)}` });
      hover(dot, () => `${data.nodes[band.node]} is in state ${letter(band.state)}`);
      front.append(dot, make("text", { class: "letter", x, y: band.y0 + 3.5 }, letter(band.state)));
    }
  }
}

function drawClocks(layer, from, to) {
  for (let node = 0; node < N; node++) {
    const points = E.filter((e) => e.n === node && e.offset !== undefined).map((e) => [L.at(e.t), e.offset]);
    if (!points.some(([, offset]) => offset)) continue;
    const x = (offset) => L.x(node) - 17 + Math.sign(offset) * Math.min(9, Math.log10(1 + Math.abs(offset)) * 2.2);
    let d = "";
    points.forEach(([y, offset], at) => (d += at ? `V${y}H${x(offset)}` : `M${x(offset)} ${y}`));
    layer.append(make("path", { class: "clockline", d: `${d}V${L.height - 40}` }));
  }
}

function drawMessage(layer, m, at, inside) {
  const [x0, x1, y0] = [L.x(m.f), L.x(m.t), L.at(m.s) + 6];
  const lost = m.l === "lost" || m.l === "cut" || m.l === "nobody";
  const y1 = m.a !== undefined ? Math.max(y0 + 2, L.at(m.a) - 1) : y0 + (lost ? 16 : 30);
  if (!inside(y0, y1)) return;
  const side = Math.sign(x1 - x0) || 1;
  const wall = m.l === "cut" ? wallBefore(m, y0) : null;
  const share = !lost ? 1 : wall !== null ? (wall - side * 3 - x0) / (x1 - x0) : m.l === "nobody" ? 0.93 : 0.55;
  const [xa, xb] = [x0 + side * 9, m.f === m.t ? x0 + 26 : x0 + (x1 - x0) * share - (lost ? 0 : side * 10)];
  const yb = y0 + (y1 - y0) * share;
  const looks = `m c-${m.c} l-${m.l}${m.again ? " again" : ""}${storyMessages.has(at) ? " told" : ""}${dimmed("m", at) ? " dim" : ""}`;
  const bend = (xb - xa) * 0.35;
  const d = `M${xa} ${y0}C${xa + bend} ${y0} ${xb - bend} ${yb} ${xb} ${yb}`;
  layer.append(make("path", { class: looks, d }));
  if (lost) layer.append(make("path", { class: `lostmark${dimmed("m", at) ? " dim" : ""}`, d: `M${xb - 4} ${yb - 4}l8 8m0 -8l-8 8` }));
  else if (m.a !== undefined) layer.append(make("path", { class: `tipmark ${looks}`, d: `M${xb} ${yb}l${-side * 7} -3.5v7z` }));
  if (m.l === "refused") layer.append(make("path", { class: "lostmark", style: "stroke:var(--orange)", d: `M${xb - side * 10} ${yb - 5}v10` }));
  const hit = make("path", { class: "hit", d });
  hover(hit, () => `${data.nodes[m.f]} → ${data.nodes[m.t]} at ${seconds(m.s)} · ${m.x}`);
  hit.addEventListener("click", () => pickMessage(at));
  layer.append(hit);
}

// Where the first wall stands on the way of a message.
function wallBefore(m, y) {
  const side = Math.sign(m.t - m.f);
  for (let node = m.f; node !== m.t; node += side) {
    const next = node + side;
    for (const wall of L.walls) {
      if (y >= wall.y0 && y <= wall.y1 && wall.links.some(([a, b]) => a === node && b === next)) return L.x(Math.max(node, next)) - 24;
    }
  }
  return null;
}

const clip = (text, width) => (text.length * 5.8 <= width ? text : `${text.slice(0, Math.max(3, Math.floor(width / 5.8) - 1))}…`);

function drawEntry(back, front, words, e, at) {
  const y = L.entryY[at], told = storyEntries.has(at), dim = dimmed("e", at) ? " dim" : "";
  if (across(at)) {
    back.append(make("rect", { class: `band ${e.k}`, x: AXIS, y: y - 8, width: L.width - AXIS, height: 16, fill: "transparent" }));
    back.append(make("path", { class: `rule${dim}`, d: `M${AXIS} ${y}H${L.width}` }));
  }
  const x = e.n === undefined ? AXIS + 4 : L.x(e.n) + 13;
  const room = across(at) ? L.width - x : L.lane - 34;
  const text = clip(e.x, room);
  if (told) back.append(make("rect", { class: "halo", x: x - 4, y: y - 10, width: Math.min(room, text.length * 5.9 + 10), height: 16, rx: 5 }));
  if (picked === at) back.append(make("rect", { class: "picked", x: x - 4, y: y - 10, width: Math.min(room, text.length * 5.9 + 10), height: 16, rx: 5 }));
  const label = make("text", { class: `label k-${e.k}${dim}`, x, y: y + 2 }, text);
  hover(label, () => `${e.n === undefined ? "" : data.nodes[e.n] + " at "}${seconds(e.t)} · ${e.x}`);
  label.addEventListener("click", () => pick(at));
  if (L.lane > 60 || e.n === undefined || told) words.append(label);
  else {
    const dot = make("circle", { cx: x - 2, cy: y, r: 2.5, class: `k-${e.k}${dim}` });
    hover(dot, () => `${data.nodes[e.n]} at ${seconds(e.t)} · ${e.x}`);
    dot.addEventListener("click", () => pick(at));
    words.append(dot);
  }
}

// Everything that could have caused an entry: what its node had seen, and what the messages that it had got had seen.
function causes(place) {
  const reach = new Array(N).fill(-1);
  const node = E[place].n;
  if (node === undefined) reach.fill(place); else reach[node] = place;
  let grows = node !== undefined;
  while (grows) {
    grows = false;
    M.forEach((m) => {
      if (m.q === undefined || m.q - data.first > reach[m.t] || m.bad) return;
      const sent = m.p - data.first - 1;
      if (sent > reach[m.f]) { reach[m.f] = sent; grows = true; }
    });
  }
  const entries = new Set(), messages = new Set();
  E.forEach((e, at) => { if (e.n === undefined ? at <= place : at <= reach[e.n]) entries.add(at); });
  M.forEach((m, at) => { if (m.q !== undefined && m.q - data.first <= reach[m.t]) messages.add(at); });
  return { entries, messages };
}

function pick(at) {
  picked = at;
  past = causes(at);
  const e = E[at];
  $("selected").textContent = `${seconds(e.t)} ${e.n === undefined ? "" : data.nodes[e.n] + ": "}${e.x}. ${past.entries.size} entries and ${past.messages.size} messages could have caused it.`;
  draw();
}
function pickMessage(at) {
  const m = M[at];
  $("selected").textContent = `${data.nodes[m.f]} → ${data.nodes[m.t]}, sent at ${seconds(m.s)}: ${m.x}`;
}
function letGo() { picked = past = null; $("selected").textContent = "Click an entry: all that could have caused it lights up. Escape lets go."; draw(); }

function hover(element, text) {
  element.addEventListener("mousemove", (event) => {
    const tip = $("tip");
    tip.hidden = false;
    tip.textContent = text();
    tip.style.left = `${Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 10)}px`;
    tip.style.top = `${Math.min(event.clientY + 16, innerHeight - tip.offsetHeight - 10)}px`;
  });
  element.addEventListener("mouseleave", () => ($("tip").hidden = true));
}

function goTo(at) {
  const y = L.entryY[at] ?? L.at(E[at].t);
  $("scroll").scrollTop = y - $("scroll").clientHeight * 0.45;
}

function button(label, action, isOn) {
  const one = document.createElement("button");
  one.textContent = label;
  one.addEventListener("click", () => { action(); one.classList.toggle("on", isOn()); relay(); });
  one.classList.toggle("on", isOn());
  return one;
}
function relay() {
  const middle = $("scroll").scrollTop + 200;
  let anchor = 0;
  if (L) anchor = L.sorted.find((t) => L.yOf.get(t) >= middle) ?? data.end;
  layout();
  $("scroll").scrollTop = L.at(anchor) - 200;
  draw();
}

function furnish() {
  const failed = E.map((e) => e.k).lastIndexOf("failed");
  const bad = failed >= 0 && E[failed].x.startsWith("FAILS");
  $("verdict").textContent = bad ? "FAILED" : "HELD";
  $("verdict").classList.toggle("failed", bad);
  $("title").textContent = data.title;
  $("span").textContent = `${data.nodes.length} nodes, ${seconds(data.end)} s, ${E.length} entries, ${M.length} messages${data.omitted ? `; ${data.omitted} earlier ones are left out` : ""}`;
  $("replay").textContent = data.replay;
  $("copy").addEventListener("click", () => navigator.clipboard?.writeText(data.replay));
  for (const line of data.weather) { const one = document.createElement("span"); one.textContent = line; $("weather").append(one); }
  for (const [key, label, colour, on] of FILTERS) {
    const one = document.createElement("label"), box = document.createElement("input"), swatch = document.createElement("span");
    box.type = "checkbox"; box.checked = on;
    swatch.className = "swatch"; swatch.style.background = `var(${colour})`;
    box.addEventListener("change", () => { shown[key] = box.checked; relay(); });
    one.append(box, swatch, label);
    $("filters").append(one);
  }
  const space = document.createElement("span");
  space.className = "space";
  $("filters").append(space,
    button("even time", () => (spaced = !spaced), () => !spaced),
    button("−", () => (zoom /= 1.4), () => false), button("+", () => (zoom *= 1.4), () => false));
  if (data.story.length) $("filters").append(button("only the story", () => (focused = !focused), () => focused));
  if (bad) { const [check, ...rest] = E[failed].x.slice(6).split(": "); $("failure").innerHTML = "<b></b><br><span></span>"; $("failure").firstChild.textContent = `${check} at ${seconds(E[failed].t)} s${E[failed].n === undefined ? "" : ", " + data.nodes[E[failed].n]}`; $("failure").lastChild.textContent = rest.join(": "); }
  $("story-title").hidden = !data.story.length;
  data.story.forEach((sentence) => {
    const item = document.createElement("li");
    const [time, ...rest] = sentence.x.split("  ");
    const when = document.createElement("time");
    when.textContent = time;
    item.append(when, rest.join("  "));
    item.addEventListener("click", () => {
      document.querySelectorAll("#story li.on").forEach((one) => one.classList.remove("on"));
      item.classList.add("on");
      const first = sentence.e[0];
      if (first !== undefined) { goTo(first); picked = first; past = null; draw(); }
      else if (sentence.m.length) { $("scroll").scrollTop = L.at(M[sentence.m[0]].s) - 300; draw(); }
    });
    $("story").append(item);
  });
  legend();
  return failed;
}

function legend() {
  const sign = (inner) => `<svg width="44" height="16">${inner}</svg>`;
  const rows = [
    [`<circle cx="14" cy="8" r="7.5" style="fill:${hue(0)}"/><text class="letter" x="14" y="11.5">A</text><circle cx="32" cy="8" r="7.5" style="fill:${hue(0)}"/><text class="letter" x="32" y="11.5">A</text>`, "same letter, same state"],
    [`<path class="m c-delta" d="M2 8H36"/><path class="tipmark c-delta" d="M42 8l-7 -3.5v7z"/>`, "a message that brings changes"],
    [`<path class="m c-ask" d="M2 8H36"/><path class="tipmark c-ask" d="M42 8l-7 -3.5v7z"/>`, "one that asks, or brings records"],
    [`<path class="m l-lost" d="M2 8H30"/><path class="lostmark" d="M28 4l8 8m0 -8l-8 8"/>`, "lost on the way"],
    [`<path class="m l-refused" d="M2 8H36"/><path class="lostmark" style="stroke:var(--orange)" d="M38 3v10"/>`, "refused by its receiver"],
    [`<path class="m c-delta again" d="M2 8H42"/>`, "a copy, or sent again"],
    [`<rect class="wall" x="20" y="0" width="5" height="16" rx="2"/>`, "nothing passes; dashed: one way"],
    [`<path class="gone" d="M22 0V16"/>`, "the process is down"],
    [`<path class="clockline" d="M22 0V6H32V16"/>`, "the clock, beside true time (logarithmic)"],
    [`<rect class="halo" x="4" y="1" width="36" height="14" rx="5"/>`, "part of the story"],
  ];
  $("legend").innerHTML = rows.map(([inner, text]) => `${sign(inner)}<span>${text}</span>`).join("");
}

const failedAt = furnish();
layout();
let waiting = false;
$("scroll").addEventListener("scroll", () => { if (!waiting) { waiting = true; requestAnimationFrame(() => { waiting = false; draw(); }); } });
addEventListener("resize", relay);
addEventListener("keydown", (event) => event.key === "Escape" && letGo());
if (failedAt >= 0) $("scroll").scrollTop = (L.entryY[failedAt] ?? 0) - $("scroll").clientHeight * 0.75;
draw();
