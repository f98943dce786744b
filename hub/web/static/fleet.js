// Keeps the wall, or a station's page, as the hub sees it now.  Without this file the page loads itself again.

const rows = document.getElementById("stations");
const station = document.getElementById("station");
const map = document.getElementById("map");
const line = document.getElementById("line");
const asked = new URLSearchParams(location.search);
const page = (text) => new DOMParser().parseFromString(text, "text/html");

// What is drawn anew while a button is being pressed waits until it is let go of: the click would find another one.
// News that come while the whole is fetched wait for it: it may have been drawn before them.
let pressed = false;
let fetching = false;
let newest = "";
const waiting = [];
function drain() {
  if (pressed || fetching) return;
  if (newest) putWhole(page(newest));
  newest = "";
  for (const act of waiting.splice(0)) act();
}
function calmly(act) {
  waiting.push(act);
  drain();
}
addEventListener("pointerdown", ({ button }) => { pressed = button === 0; });
for (const end of ["pointerup", "pointercancel", "contextmenu", "blur"]) {
  addEventListener(end, () => setTimeout(() => { pressed = false; drain(); })); // the click comes first
}

// Whether an order is filled in and not sent yet, or is told what is wrong with it.
const differs = (field) => (field.tagName === "SELECT"
  ? field.selectedIndex !== Math.max(0, [...field.options].findIndex((each) => each.defaultSelected))
  : field.tagName === "INPUT" && field.value !== field.defaultValue);
const underway = (form) => form.querySelector("[role=alert]") || [...form.elements].some(differs);

// Puts a part in another's place; whoever was at one of its buttons or links stays there, what was open stays open, and
// an order that somebody is at stays as it is.
function swap(old, fresh) {
  if (!old || !fresh) return;
  const at = old.contains(document.activeElement) ? document.activeElement : null;
  const open = [...old.querySelectorAll("details[open]")].map((each) => each.id);
  old.replaceWith(document.adoptNode(fresh));
  for (const each of fresh.querySelectorAll("details")) each.open = open.includes(each.id);
  for (const { parentElement: form } of [...old.querySelectorAll(".command")].filter(underway)) document.getElementById(form.id)?.replaceWith(form);
  if (!at) return;
  if (at.isConnected) return at.focus();
  if (at.tagName === "SUMMARY") return document.getElementById(at.parentElement.id)?.querySelector("summary").focus();
  const same = (each) => (at.id ? each.id === at.id : at.value ? each.value === at.value : each.href && each.href === at.href);
  [...fresh.querySelectorAll("a, button")].find(same)?.focus();
}

// One at a time: an answer that was drawn earlier must not come later.
let anew = false;
async function whole() {
  anew = true;
  if (fetching) return;
  fetching = true;
  while (anew) {
    anew = false;
    newest = await fetched().catch(() => "") || newest;
  }
  fetching = false;
  drain();
}

async function fetched() {
  const answer = await fetch(location.href, { signal: AbortSignal.timeout(30_000) });
  if (answer.redirected) location.reload(); // signed out meanwhile
  return answer.ok ? answer.text() : "";
}

function putWhole(fresh) {
  for (const id of station ? ["station"] : map ? ["map", "sums"] : ["stations", "sums", "alarms"]) {
    const part = document.getElementById(id);
    if (id === "station" && part?.querySelector(".command :is(input, select):focus")) return; // somebody is filling in an order
    if (part && id === "stations") {
      const at = document.activeElement, own = at.closest?.("#stations tr")?.id; // whoever was at a station stays there
      const open = [...part.querySelectorAll("tr:has(details[open])")].map((each) => each.id);
      part.replaceChildren(...document.adoptNode(fresh.getElementById(id)).children);
      for (const each of open) document.getElementById(each)?.querySelector("details").setAttribute("open", "");
      if (own) document.getElementById(own)?.querySelector(at.tagName)?.focus();
    }
    else swap(part, fresh.getElementById(id));
  }
}

const admits = (row) => ["district", "place", "kind"].every((name) => !asked.get(name) || asked.get(name) === row.dataset[name])
  && (asked.get("trouble") !== "1" || row.dataset.troubled);

function place(row) {
  const old = document.getElementById(row.id);
  const focused = old?.contains(document.activeElement) ? document.activeElement.tagName : "";
  if (old?.querySelector("details[open]")) row.querySelector("details").open = true;
  old?.remove();
  if (!admits(row)) return;
  const after = [...rows.children].find((each) => each.dataset.rank > row.dataset.rank) ?? null;
  rows.insertBefore(document.adoptNode(row), after);
  if (focused) row.querySelector(focused)?.focus();
}

function put(news) {
  const fresh = page(`<table><tbody>${(news.rows ?? []).join("")}</tbody></table>${news.sums ?? ""}${news.alarms ?? ""}`);
  for (const row of [...fresh.querySelectorAll("tr[data-rank]")]) place(row);
  while (rows.children.length > Number(rows.dataset.most)) rows.lastElementChild.remove();
  for (const id of ["sums", "alarms"]) swap(document.getElementById(id), fresh.getElementById(id));
}

function told(key) {
  if (line && line.textContent !== line.dataset[key]) line.textContent = line.dataset[key];
}

// The map is drawn by the hub: asked for anew once for all that comes within some seconds.
let asking = 0;
function soon() {
  asking ||= setTimeout(() => { asking = 0; whole(); }, 3000 + Math.random() * 2000);
}

function listen(address) {
  const events = new EventSource(address);
  const later = () => setTimeout(whole, Math.random() * 1500); // not every browser at the same moment
  events.addEventListener("open", () => told("live"));
  events.addEventListener("error", () => told("lost"));
  events.addEventListener("begun", whole); // whatever changes from here on is told
  events.addEventListener("whole", later);
  events.addEventListener("over", () => location.reload());
  events.addEventListener("news", (event) => {
    const news = JSON.parse(event.data);
    if (rows) calmly(() => put(news));
    else if (map) soon();
    else if (news.names?.includes(document.getElementById("station").dataset.name) || news.alarms) whole();
  });
}

// What a station answers to an order is no news of its health: while one is under way the page asks.
async function again() {
  await whole();
  setTimeout(again, Number(document.getElementById("station").dataset.again) * 1000);
}

// The lamp and the last outcomes of a gate, as long as its page is looked at.
function face(address) {
  const events = new EventSource(address);
  events.addEventListener("face", (event) => calmly(() => swap(document.getElementById("face"), page(JSON.parse(event.data).face).getElementById("face"))));
  events.addEventListener("over", () => location.reload());
}

// j and k go from station to station, Enter opens one as it does any link; the rest is in the list that ? shows.
const links = () => [...(rows ? rows.querySelectorAll("th a") : map.querySelectorAll("ol a"))];
function step(by) {
  const all = links();
  const at = all.indexOf(document.activeElement);
  all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))]?.focus();
}
const keys = {
  j: () => step(1),
  k: () => step(-1),
  a: () => document.querySelector("#alarms button")?.focus(),
  b: () => { const next = new URLSearchParams(location.search); next.get("kiosk") === "1" ? next.delete("kiosk") : next.set("kiosk", "1"); location.search = next; },
  "/": () => { const filter = document.querySelector(".fleet-filter"); if (filter) { filter.open = true; filter.querySelector("select").focus(); } },
  m: () => document.querySelector(".fleet-choice a")?.click(),
  "?": () => document.getElementById("keys")?.showModal(),
};
if (rows || map) {
  const hint = document.getElementById("keys-hint");
  if (hint && matchMedia("(hover: hover)").matches) hint.hidden = false;
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, select, textarea, dialog[open]");
    if (typing || event.ctrlKey || event.altKey || event.metaKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
}

listen((rows ?? map ?? station).dataset.live);
if (station) face(document.getElementById("face-card").dataset.live);
if (station) setTimeout(again, Number(station.dataset.again) * 1000);
