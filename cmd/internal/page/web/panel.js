// The side panel: one galaxy, all that is known of it, and its nearest neighbours.
import { el, percent, position, utc, known, hue, bar } from "./format.js";
import { tile } from "./tiles.js";

export class Panel {
  constructor(node) {
    Object.assign(this, { node, trail: [], opener: null, request: null });
    document.addEventListener("keydown", (e) => {
      if (e.key === "Escape" && !node.hidden) this.close();
    });
  }

  // open shows an item. opener gets the focus back when the panel closes.
  open(item, opener) {
    if (this.node.hidden) {
      this.opener = opener;
      this.trail = [];
    }
    this.trail.push(item);
    this.draw();
  }

  back() {
    if (this.trail.length > 1) this.trail.pop();
    this.draw();
  }

  close() {
    this.request?.abort();
    this.node.hidden = true;
    this.trail = [];
    if (this.opener?.isConnected) this.opener.focus();
    else document.getElementById("galaxies").focus();
  }

  draw() {
    const item = this.trail.at(-1);
    const kin = el("div", {}, el("p", { class: "hint" }, "Looking for its neighbours…"));
    this.node.replaceChildren(
      el("div", { class: "tools" },
        this.trail.length > 1 ? el("button", { type: "button", class: "ghost", on: { click: () => this.back() } }, "Back") : el("span"),
        el("button", { type: "button", class: "ghost", on: { click: () => this.close() } }, "Close")),
      el("div", { class: item.hasThumb ? "lead" : "lead bare" },
        item.hasThumb ? el("img", { class: "big", src: `/thumb/${encodeURIComponent(item.id)}.png`, alt: `Picture of ${item.objectId}`, on: { error: (e) => e.currentTarget.parentNode.classList.add("bare") || e.currentTarget.remove() } }) : null,
        el("div", {},
          el("h2", { id: "panel-title" }, item.label),
          el("p", { class: "sureness" }, percent(item.probability), el("small", {}, "probable")),
          el("p", { class: "object" }, item.objectId || "unnamed object"),
          item.hasPosition ? el("p", { class: "quiet" }, position(item.ra, item.dec)) : null,
          el("p", { class: "quiet" }, utc(item.observedAt)))),
      el("h3", {}, "Nearest neighbours"),
      kin,
      el("h3", {}, "What the model made of it"),
      probabilities(item),
      el("h3", {}, "Where it comes from"),
      facts(item));
    this.node.hidden = false;
    this.node.scrollTop = 0;
    this.node.focus({ preventScroll: true });
    this.neighbours(item, kin);
  }

  async neighbours(item, box) {
    this.request?.abort();
    this.request = new AbortController();
    try {
      const answer = await fetch(`/api/neighbours?k=12&id=${encodeURIComponent(item.id)}`, { signal: this.request.signal });
      if (!answer.ok) throw new Error((await answer.text()).trim());
      const items = await answer.json();
      box.replaceChildren(items.length
        ? el("ul", { class: "kin" }, ...items.map((n) => el("li", {}, tile(n, (i) => this.open(i), true))))
        : el("p", { class: "hint" }, "None yet: the index has only this galaxy."));
    } catch (e) {
      if (e.name === "AbortError") return;
      const text = e instanceof TypeError ? "The run cannot be reached, so its neighbours cannot be looked up." : `No neighbours: ${e.message}.`;
      box.replaceChildren(el("p", { class: "hint" }, text));
    }
  }
}

function probabilities(item) {
  const order = item.probabilities.map((p, i) => ({ p, i })).sort((a, b) => b.p - a.p);
  return el("ul", { class: "probs" }, ...order.map(({ p, i }) => el("li", { class: i === item.class ? "first" : "" },
    el("span", { title: item.classes[i] }, item.classes[i] ?? `class ${i}`), bar(p, hue(i)), el("span", {}, `${(p * 100).toFixed(1)}%`))));
}

function facts(item) {
  const rows = [
    ["Survey", item.survey],
    ["Position", item.hasPosition ? `${position(item.ra, item.dec)}` : "unknown"],
    ["", item.hasPosition ? `${item.ra.toFixed(5)}, ${item.dec >= 0 ? "+" : ""}${item.dec.toFixed(5)} deg, ICRS` : ""],
    ["Observed", utc(item.observedAt)],
    ["Classified", known(item.processedAt) ? utc(item.processedAt) : ""],
    ["Observation", item.observationId, "mono"],
    ["Origin", item.origin, "mono"],
    ["Record", item.id, "mono"],
    ["Remarks", item.flags ? item.flags.replaceAll("_", " ").replaceAll(",", ", ") : "none"],
  ];
  return el("dl", { class: "facts" }, ...rows.filter(([, v]) => v).flatMap(([k, v, cls]) => [el("dt", {}, k), el("dd", { class: cls }, v)]));
}
