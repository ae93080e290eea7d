// How numbers, times and positions are written, and how elements are made. Text always goes in as text
// nodes: nothing that a survey sent is ever read as markup.

export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (key === "class") node.className = value;
    else if (key === "on") for (const [event, f] of Object.entries(value)) node.addEventListener(event, f);
    else if (key === "vars") for (const [name, v] of Object.entries(value)) node.style.setProperty(name, v);
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((c) => c !== undefined && c !== null));
  return node;
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export const count = (n) => whole.format(n);

export function rate(r) {
  if (r >= 100) return whole.format(r);
  if (r >= 9.95) return r.toFixed(0);
  return r > 0 ? r.toFixed(1) : "0";
}

export const percent = (p) => (p > 0.9949 && p < 1 ? ">99%" : `${Math.round(p * 100)}%`);

// millis splits a latency into figure and unit.
export function millis(ms) {
  if (!(ms >= 0)) return ["–", ""];
  if (ms < 10) return [ms.toFixed(1), "ms"];
  if (ms < 1000) return [ms.toFixed(0), "ms"];
  if (ms < 60000) return [(ms / 1000).toFixed(1), "s"];
  return [(ms / 60000).toFixed(1), "min"];
}

export function elapsed(from, to) {
  let s = Math.max(0, Math.round((new Date(to) - new Date(from)) / 1000));
  const h = Math.floor(s / 3600), m = Math.floor((s % 3600) / 60);
  s %= 60;
  const two = (n) => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

// known is false for the zero time, which stands for an unknown one.
export const known = (time) => Boolean(time) && !time.startsWith("0001-");

export function utc(time) {
  return known(time) ? new Date(time).toISOString().replace("T", " ").replace(/\.\d+Z$/, " UTC").replace(/Z$/, " UTC") : "unknown";
}

// Right ascension in hours and declination in degrees, as astronomers write them.
export function position(ra, dec) {
  const sexagesimal = (value, digits) => {
    const unit = 10 ** digits;
    const total = Math.round(Math.abs(value) * 3600 * unit);
    const s = total / unit;
    const d = Math.floor(s / 3600), m = Math.floor((s - d * 3600) / 60), rest = s - d * 3600 - m * 60;
    const width = digits > 0 ? digits + 3 : 2;
    return [String(d).padStart(2, "0"), String(m).padStart(2, "0"), rest.toFixed(digits).padStart(width, "0")];
  };
  const [h, hm, hs] = sexagesimal((((ra % 360) + 360) % 360) / 15, 2);
  const [d, dm, ds] = sexagesimal(dec, 1);
  return `${h}h ${hm}m ${hs}s  ${dec < 0 ? "−" : "+"}${d}° ${dm}′ ${ds}″`;
}

// One hue for each class: warm for smooth and edge-on figures, cool for spirals, rose for disturbed ones.
const hues = ["#ff8fa3", "#d78bff", "#f2c879", "#e8a860", "#c98a58", "#8fb7ff", "#6fd0e8", "#7c93ff", "#8fd9a8", "#cfe07a"];

export const hue = (index) => hues[((index % hues.length) + hues.length) % hues.length];

export const bar = (share, colour) =>
  el("span", { class: "bar", "aria-hidden": "true" }, el("i", { vars: { transform: `scaleX(${Math.min(1, Math.max(0, share)) || 0})`, background: colour } }));
