// The page as a whole: it follows the run's events, turns the tiles over and opens the panel.
import { show, banners, pill } from "./state.js";
import { Grid } from "./tiles.js";
import { Panel } from "./panel.js";

const byId = (id) => document.getElementById(id);
const panel = new Panel(byId("panel"));
const grid = new Grid(byId("grid"), byId("empty"), byId("shown"), (item, opener) => panel.open(item, opener));

let last = null; // the last status
let paused = false;
let lost = false; // the run cannot be reached
let busy = false; // a request for the newest is under way
let written = -1; // what had been written when the newest were last asked for

function choose(name) {
  grid.setFilter(grid.filter === name ? null : name);
  written = -1;
  if (last) show(last, grid.filter, choose);
  newest(true);
}

async function newest(now = false) {
  if (busy || lost || (paused && !now) || !last) return;
  if (!now && last.account.written === written) return;
  busy = true;
  written = last.account.written;
  try {
    const answer = await fetch(`/api/newest?n=${grid.filter ? 500 : 80}`);
    if (answer.ok) grid.take(await answer.json(), 3);
  } catch {
    written = -1; // the event stream tells of a lost connection
  } finally {
    busy = false;
  }
}

byId("pause").addEventListener("click", (e) => {
  paused = !paused;
  e.currentTarget.setAttribute("aria-pressed", String(paused));
  e.currentTarget.textContent = paused ? "Resume" : "Pause";
});

const events = new EventSource("/api/events");

events.addEventListener("status", (e) => {
  lost = false;
  last = JSON.parse(e.data);
  show(last, grid.filter, choose);
  if (written < 0) newest(true);
});

events.addEventListener("end", (e) => {
  events.close();
  last = JSON.parse(e.data);
  show(last, grid.filter, choose);
  clearInterval(turning);
  newest(true);
});

events.addEventListener("error", () => {
  if (last?.ended) return;
  lost = true;
  byId("flow").classList.remove("moving");
  pill("lost", "Connection lost");
  banners([{ text: "The run cannot be reached. This page keeps what it last saw and tries again by itself.", bad: true }]);
});

const turning = setInterval(() => newest(), 1200);
