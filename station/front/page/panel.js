// The page: it listens to the station, shows what it is told, and passes on what is presented.

import { $, both, el, sendJson, setIcon } from "./dom.js";
import { showFace } from "./display.js";
import { playTune, prepareSound } from "./sound.js";
import { showLegend, showRows } from "./journal.js";
import { preparePresenting } from "./present.js";

const SILENT_FOR = 6000;
let heard = 0;

const [words, facts] = await Promise.all(["/words", "/facts"].map((address) => fetch(address).then((answer) => answer.json())));

$("place").textContent = facts.place || "Trạm Quét";
$("doorway").textContent = [words.gates[facts.kind], words.directions[facts.direction]].map(([vi, en]) => `${vi} (${en})`).join(" · ");
showLegend(words);
prepareSound();
preparePresenting(facts, words);
$("network").hidden = !facts.network;
$("network").addEventListener("click", () => sendJson("PUT", "/network", { whole: $("network").getAttribute("aria-checked") !== "true" }).catch(() => {}));
$("room").hidden = !facts.network;
$("room").addEventListener("click", () => sendJson("PUT", "/card", { full: $("room").getAttribute("aria-checked") === "true" }).catch(() => {}));
listen();

function listen() {
  const events = new EventSource("/events");
  const on = (name, act) => events.addEventListener(name, ({ data }) => { alive(); act(JSON.parse(data)); });
  on("face", (face) => { showFace(face); playTune(face); });
  on("verdict", showVerdict);
  on("rows", (rows) => showRows(rows, words));
  on("status", showStatus);
  on("network", showNetwork);
  on("card", showCard);
  on("crowded", () => { tell("lost", "Quá nhiều trang đang mở · too many pages open"); });
  events.onerror = () => { if (heard) tell("lost", "Mất liên lạc với trạm · station lost"); };
  setInterval(() => { if (heard && Date.now() - heard > SILENT_FOR) tell("lost", "Trạm im lặng · station silent"); }, 1000);
}

function alive() {
  heard = Date.now();
  tell("live", "Trực tiếp · live");
}

function tell(state, said) {
  if ($("line").dataset.state === state) return;
  $("line").dataset.state = state;
  $("line-words").textContent = said;
}

function showVerdict(verdict) {
  const [vi, en] = words.signs[verdict.sign], [noteVi, noteEn] = words.notes[verdict.sign];
  $("verdict").dataset.outcome = verdict.outcome;
  $("verdict").dataset.reasons = verdict.reasons.join(" ");
  $("verdict").dataset.origin = verdict.origin;
  $("verdict").dataset.count = String(Number($("verdict").dataset.count || 0) + 1);
  setIcon($("verdict-shape"), verdict.shape);
  $("verdict-vi").textContent = vi;
  $("verdict-en").textContent = en;
  const reasons = verdict.reasons.length ? verdict.reasons.map((reason) => words.reasons[reason]) : [[noteVi, noteEn]];
  $("verdict-reasons").replaceChildren(...reasons.map((pair) => el("li", {}, ...both(pair))));
  const told = [words.kinds[verdict.code_kind][0], words.sources[verdict.source][0], words.origins[verdict.origin][0], `${verdict.ms < 10 ? verdict.ms.toFixed(1) : Math.round(verdict.ms)} ms`];
  $("verdict-meta").textContent = told.join(" · ");
}

function showStatus(status) {
  const ago = status.last_contact, { median, p95 } = status.presentation_ms;
  $("backlog").textContent = String(status.backlog);
  $("oldest").textContent = status.oldest === null ? "–" : since(status.oldest, status.at);
  $("refused").textContent = String(status.refused);
  const held = status.snapshot;
  $("snapshot").textContent = held === null ? "–" : `${held.version} · ${held.usable ? since(held.as_of, status.at) : "chưa có khoá"}`;
  $("contact").textContent = ago === null ? "–" : ago < 2 ? "vừa xong" : lasting(ago);
  $("latency").textContent = median === undefined ? "–" : `${Math.round(median)}, ${Math.round(p95)} ms`;
  $("policy").textContent = status.policy_version ? `v${status.policy_version}` : "–";
  const devices = status.devices.filter(({ problem }) => problem).map(({ name, problem }) => `${name}: ${problem}`);
  const told = [status.hub_problem && `Máy chủ · hub: ${status.hub_problem}`, status.journal_problem && `Sổ ghi · journal: ${status.journal_problem}`,
    status.snapshot_problem && `Tin đã lưu · snapshot: ${status.snapshot_problem}`,
    status.named_twice && "Hai trạm cùng một tên · two stations of one name", ...devices].filter(Boolean);
  $("troubles").replaceChildren(...told.map((one) => el("li", {}, one)));
}

// A length of time in the unit that suits it.
function lasting(seconds) {
  for (const [unit, size] of [["ngày", 86400], ["giờ", 3600], ["phút", 60]]) if (seconds >= 2 * size) return `${Math.round(seconds / size)} ${unit}`;
  return `${Math.max(0, Math.round(seconds))} giây`;
}

const since = (then, now) => lasting((new Date(now) - new Date(then)) / 1000);

function showNetwork({ whole }) {
  $("network").setAttribute("aria-checked", String(whole));
  $("network-words").textContent = whole ? "đang nối · connected" : "đã cắt · cut";
  noteTray();
}

function showCard({ full }) {
  $("room").setAttribute("aria-checked", String(!full));
  $("room-words").textContent = full ? "đã đầy · full" : "còn chỗ · has room";
  noteTray();
}

function noteTray() {
  if ($("tray-note")) $("tray-note").hidden = ["network", "room"].every((name) => $(name).getAttribute("aria-checked") === "true");
}
