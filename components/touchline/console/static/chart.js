// One price over the last minutes as a small step chart, with a sentence that says the same for those who cannot see it.

const KEEP_MS = 5 * 60 * 1000;
const KEEP_POINTS = 2000;
const SVG = "http://www.w3.org/2000/svg";

export class History {
  constructor() {
    this.series = new Map();
  }

  /** Remember every selection's price of a market at this moment. */
  note(market, now) {
    for (const [selection, price] of Object.entries(market.sel)) {
      const key = `${market.id}/${selection}`;
      const value = market.status === "Open" && price ? Number(price) : null;
      const points = this.series.get(key) ?? [];
      if (points.length === 0 || points[points.length - 1].value !== value) points.push({ at: now, value });
      while (points.length > KEEP_POINTS || (points.length > 1 && points[1].at < now - KEEP_MS)) points.shift();
      this.series.set(key, points);
    }
  }

  forget(id) {
    for (const key of this.series.keys()) if (key.startsWith(`${id}/`)) this.series.delete(key);
  }

  points(id, selection) {
    return this.series.get(`${id}/${selection}`) ?? [];
  }
}

export function drawChart(svg, text, points, now) {
  const priced = points.filter((point) => point.value !== null);
  svg.toggleAttribute("hidden", priced.length === 0);
  svg.replaceChildren();
  if (priced.length === 0) {
    text.textContent = "";
    return;
  }
  const from = Math.max(points[0].at, now - KEEP_MS);
  const span = Math.max(now - from, 1000);
  const low = Math.min(...priced.map((point) => point.value));
  const high = Math.max(...priced.map((point) => point.value));
  const x = (at) => 4 + (Math.max(at - from, 0) / span) * 272;
  const y = (value) => (high === low ? 60 : 108 - ((value - low) / (high - low)) * 96);
  let path = "";
  points.forEach((point, i) => {
    const end = i + 1 < points.length ? points[i + 1].at : now;
    if (point.value === null) {
      add(svg, "rect", { x: x(point.at), y: 4, width: Math.max(x(end) - x(point.at), 1), height: 112, class: "shut" });
      return;
    }
    const joined = i > 0 && points[i - 1].value !== null;
    path += `${joined ? "L" : "M"}${x(point.at)} ${y(point.value)}L${x(end)} ${y(point.value)}`;
  });
  add(svg, "path", { d: path, class: "line" });
  for (const value of high === low ? [high] : [high, low]) add(svg, "text", { x: 280, y: y(value) + 4 }).textContent = value.toFixed(2);
  const last = priced[priced.length - 1].value;
  const minutes = Math.max(1, Math.round(span / 60000));
  text.textContent = `${last.toFixed(2)} now; between ${low.toFixed(2)} and ${high.toFixed(2)} in the last ${minutes === 1 ? "minute" : `${minutes} minutes`}.`;
}

function add(svg, name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  svg.append(element);
  return element;
}
