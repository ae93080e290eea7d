// The grid of newest galaxies. Tiles keep their places: a new galaxy takes the place of the oldest, so
// that what a person looks at does not move away.
import { el, percent, hue, bar, utc } from "./format.js";

const noPicture = () => el("span", { class: "noshot" }, "no picture");

// picture is loaded at once, wherever it is on the page: the run keeps only the newest.
const picture = (item) => el("img", {
  src: `/thumb/${encodeURIComponent(item.id)}.png`, alt: "", decoding: "async",
  on: { error: (e) => e.currentTarget.replaceWith(noPicture()) },
});

export function tile(item, open, similarity = false) {
  const shot = el("span", { class: "shot" },
    item.hasThumb ? picture(item) : noPicture(),
    item.flags ? el("span", { class: "flagged", title: item.flags }) : null,
    similarity ? null : el("span", { class: "where" }, item.objectId || item.id, el("br"), item.origin, el("br"), utc(item.observedAt)));
  const figure = similarity ? `${item.similarity.toFixed(3)}` : percent(item.probability);
  const spoken = similarity
    ? `${item.label}, similarity ${figure}, ${item.objectId}`
    : `${item.label}, ${figure}, ${item.objectId}${item.flags ? `, remarks: ${item.flags}` : ""}`;
  return el("button", { type: "button", class: "tile", "aria-label": spoken, on: { click: (e) => open(item, e.currentTarget) } },
    shot,
    el("span", { class: "label" }, el("b", { title: item.label }, item.label)),
    el("span", { class: "sure" }, bar(similarity ? item.similarity : item.probability, hue(item.class)), el("span", {}, figure)));
}

export class Grid {
  constructor(list, empty, shown, open) {
    Object.assign(this, { list, empty, shown, open, slots: [], seen: new Set(), next: 0, filter: null });
  }

  // size is how many tiles fill about three screens of the list's width.
  size() {
    const columns = getComputedStyle(this.list).gridTemplateColumns.split(" ").length;
    return Math.max(12, columns * (columns > 4 ? 5 : 7));
  }

  setFilter(name) {
    this.filter = name;
    this.slots = [];
    this.seen.clear();
    this.next = 0;
    this.list.replaceChildren();
  }

  // take shows what is new among items (newest first), at most few at a time once the grid is full.
  take(items, few) {
    const size = this.size();
    let fresh = items.filter((i) => !this.seen.has(i.id) && (!this.filter || i.label === this.filter));
    const room = Math.max(0, size - this.slots.length);
    fresh = fresh.slice(0, room + few).reverse();
    for (const item of fresh) this.put(item, size);
    this.empty.hidden = this.slots.length > 0;
    this.empty.textContent = this.filter ? `No ${this.filter} among the newest.` : "Waiting for the first galaxy.";
    this.shown.textContent = this.filter ? `only ${this.filter}` : "";
    return fresh.length;
  }

  put(item, size) {
    const fresh = tile(item, this.open);
    if (this.slots.length < size) {
      this.seen.add(item.id);
      fresh.classList.add("new");
      const node = el("li", {}, fresh);
      this.list.append(node);
      this.slots.push({ item, node });
      return;
    }
    for (let tries = 0; tries < this.slots.length; tries++) {
      const slot = this.slots[this.next];
      this.next = (this.next + 1) % this.slots.length;
      if (slot.node.matches(":hover") || slot.node.contains(document.activeElement)) continue; // someone is looking
      this.seen.delete(slot.item.id);
      this.seen.add(item.id);
      slot.item = item;
      dissolve(slot.node, fresh);
      return;
    }
  }
}

const still = matchMedia("(prefers-reduced-motion: reduce)");

// dissolve lays a new tile over the one in a place, once its picture is there, and then takes the old one
// away.
function dissolve(place, fresh) {
  const go = () => {
    const held = place.contains(document.activeElement);
    for (const old of place.children) old.inert = true;
    place.append(fresh);
    if (held) fresh.focus({ preventScroll: true });
    const settle = () => place.replaceChildren(fresh);
    if (still.matches) return settle();
    fresh.classList.add("new");
    fresh.addEventListener("animationend", settle, { once: true });
  };
  const img = fresh.querySelector("img");
  if (img) img.decode().then(go, go);
  else go();
}
