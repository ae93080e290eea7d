// The figures of the run: flow diagram, classes, latency, lag, account and sinks.
import { el, count, rate, millis, elapsed, hue, bar } from "./format.js";

const byId = (id) => document.getElementById(id);
const keep = 80; // samples in a sparkline: forty seconds at two a second
const history = new Map(); // stage name -> rates

function spark(values) {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  svg.setAttribute("class", "spark");
  svg.setAttribute("viewBox", "0 0 100 30");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const top = Math.max(1, ...values) * 1.1;
  const step = 100 / (Math.max(12, values.length) - 1), x0 = 100 - step * (values.length - 1);
  const line = values.length < 2 ? "" : values.map((v, i) => `${i ? "L" : "M"}${(x0 + i * step).toFixed(2)} ${(29 - (v / top) * 27).toFixed(2)}`).join("");
  for (const [d, cls] of line ? [[`${line}L100 30L${x0.toFixed(2)} 30Z`, "area"], [line, ""]] : []) {
    const path = document.createElementNS(ns, "path");
    path.setAttribute("d", d);
    if (cls) path.setAttribute("class", cls);
    svg.append(path);
  }
  return svg;
}

function flow(status) {
  let fastest = 0;
  const nodes = status.stages.map((s) => {
    const values = history.get(s.name) ?? [];
    if (values.length > 0 || s.rate > 0) values.push(s.rate); // the first status has no rate yet
    if (values.length > keep) values.shift();
    history.set(s.name, values);
    fastest = Math.max(fastest, s.rate);
    return el("li", { class: "stage number" },
      el("h3", {}, s.name, el("span", { title: s.detail }, s.detail)),
      el("p", { class: "rate" }, rate(s.rate), el("small", {}, "/s")),
      el("p", { class: "total" }, `${count(s.count)} in all`),
      spark(values));
  });
  const list = byId("flow");
  list.replaceChildren(...nodes);
  list.classList.toggle("moving", fastest > 0 && !status.ended);
}

// The flow's dashes move at one of three paces; setting it only when it changes keeps them from jumping.
function drift(status) {
  const fastest = Math.max(0, ...status.stages.map((s) => s.rate));
  const pace = fastest > 200 ? "0.5s" : fastest > 20 ? "0.9s" : "1.8s";
  if (byId("flow").style.getPropertyValue("--drift") !== pace) byId("flow").style.setProperty("--drift", pace);
}

const classButtons = [];

function classes(status, filter, choose) {
  const names = status.model.classes, counts = status.classCount;
  const list = byId("classes");
  if (classButtons.length !== names.length) {
    classButtons.length = 0;
    names.forEach((name, i) => {
      const number = el("span"), line = bar(0, hue(i));
      const button = el("button", { type: "button", "aria-pressed": "false", vars: { "--hue": hue(i) }, title: `Show only ${name}`, on: { click: () => choose(name) } },
        el("span", { class: "dot" }), el("span", {}, name), number, line);
      classButtons.push({ name, button, number, fill: line.firstChild });
    });
    list.replaceChildren(...classButtons.map((c) => el("li", {}, c.button)));
  }
  const most = Math.max(1, ...counts);
  classButtons.forEach((c, i) => {
    c.number.textContent = count(counts[i] ?? 0);
    c.fill.style.transform = `scaleX(${(counts[i] ?? 0) / most})`;
    c.button.setAttribute("aria-pressed", String(c.name === filter));
  });
}

function figure(name, [value, unit]) {
  return el("div", {}, el("dt", {}, name), el("dd", {}, value, unit ? el("small", {}, unit) : null));
}

function lags(status) {
  const rows = status.lags.map((l) => el("li", {},
    el("span", { class: "name", title: `${l.topic}/${l.partition}` }, `${l.topic}/${l.partition}`),
    el("span", {}, l.lag < 0 ? "unknown" : l.lag === 0 ? "up to date" : `${count(l.lag)} behind`),
    l.fault ? el("span", { class: "note warn" }, l.fault) : null));
  byId("lags").replaceChildren(...(rows.length ? rows : [el("li", {}, el("span", { class: "name" }, "No partition assigned yet"))]));
}

const parts = [
  ["written", "written", "var(--good)"], ["duplicates", "duplicates", "var(--blue)"],
  ["quarantined", "quarantined", "var(--bad)"], ["givenBack", "given back", "var(--faint)"], ["inFlight", "in flight", "var(--gold)"],
];

function account(status) {
  const a = status.account, total = Math.max(1, a.received);
  const split = el("div", { class: "split", "aria-hidden": "true" },
    ...parts.map(([key, , colour]) => el("i", { vars: { width: `${(100 * a[key]) / total}%`, background: colour } })));
  const rows = parts.filter(([key]) => a[key] > 0 || key === "written" || key === "quarantined").map(([key, name]) =>
    el("li", {}, el("span", { class: "name" }, name), el("span", {}, count(a[key]))));
  const short = a.received - parts.reduce((sum, [key]) => sum + a[key], 0);
  const verdict = a.holds
    ? el("p", { class: "verdict ok" }, `${count(a.received)} received, none unexplained`)
    : el("p", { class: "verdict failed" }, `${count(a.received)} received, ${count(Math.abs(short))} ${short > 0 ? "unexplained" : "too many"}`);
  byId("account").replaceChildren(split, el("ul", { class: "rows" }, ...rows), verdict);
}

function sinks(status) {
  const words = { ok: "writing", retrying: "retrying", failed: "failed" };
  byId("sinks").replaceChildren(...status.sinks.map((s) => el("li", {},
    el("span", { class: "name" }, s.name), el("span", { class: s.state in words ? s.state : "" }, words[s.state] ?? s.state),
    el("span", { class: s.state === "ok" ? "note" : "note warn" }, `${count(s.written)} written${s.detail ? ` · ${s.detail}` : ""}`))));
}

function summary(status) {
  const a = status.account;
  byId("summary-note").textContent = status.endNote || "The server has stopped; this page keeps what it last saw.";
  byId("summary-figures").replaceChildren(
    figure("ran for", [elapsed(status.startedAt, status.now), ""]), figure("received", [count(a.received), ""]),
    figure("written", [count(a.written), ""]), figure("duplicates", [count(a.duplicates), ""]),
    figure("quarantined", [count(a.quarantined), ""]), figure("given back", [count(a.givenBack), ""]),
    figure("latency, 99th percentile", millis(status.latency.p99)), figure("conservation", [a.holds ? "holds" : "broken", ""]));
  byId("summary").hidden = false;
}

export function banners(list) {
  const box = byId("banners");
  const text = JSON.stringify(list);
  if (box.dataset.shown === text) return; // do not make a screen reader repeat itself
  box.dataset.shown = text;
  box.replaceChildren(...list.map((b) => el("p", { class: b.bad ? "banner bad" : "banner" }, b.text)));
}

export function pill(state, text) {
  const p = byId("state");
  if (p.textContent !== text) p.textContent = text;
  p.dataset.state = state;
}

// show draws a status. choose is called with the class a person picks in the legend.
export function show(status, filter, choose) {
  const m = status.model;
  if (status.title) {
    byId("title").textContent = status.title;
    document.title = status.title;
  }
  byId("model").textContent = [m.name && `${m.name} ${m.version}`.trim(), m.hash && `model ${m.hash.slice(0, 10)}`, m.recipe && `recipe ${m.recipe.slice(0, 10)}`].filter(Boolean).join("  ·  ");
  byId("model").title = m.hash;
  byId("elapsed").textContent = elapsed(status.startedAt, status.now);
  flow(status);
  drift(status);
  classes(status, filter, choose);
  byId("latency").replaceChildren(figure("median", millis(status.latency.p50)), figure("99th percentile", millis(status.latency.p99)));
  lags(status);
  account(status);
  sinks(status);
  const faults = status.faults.map((text) => ({ text }));
  if (!status.account.holds) faults.push({ text: "The account of messages does not add up: see “Every message accounted for”.", bad: true });
  banners(faults);
  if (status.ended) {
    pill("ended", "Run ended");
    summary(status);
  } else {
    byId("summary").hidden = true;
    pill(faults.length ? "fault" : "live", faults.length ? "Live, fault" : "Live");
  }
}
