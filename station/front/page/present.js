// Ways to present: the tray, the webcam, a picture, a typed number, a USB scanner plugged into this computer.

import { $, Refused, both, el, icon, say, send, sendJson } from "./dom.js";
import { CODES } from "./keycodes.js";

const HELD_UP = 2.5, REST = 4.7, FRAMES_A_SECOND = 6, FRAME_WIDTH = 640;
const ORDER = ["pass", "warn", "unverified", "repeat", "wrong-code", "fault", ""];
const ELSEWHERE = ["Dành cho cổng khác", "For another gate"];
const FIRST = {
  twice: ["Tự giơ hai lần", "Held up twice by itself"],
  cut: ["Cắt mạng trước", "Cuts the network first"],
  full: ["Làm đầy thẻ nhớ trước", "Fills the card first"],
};
const DIFFERS = ["Mạng đang cắt hoặc thẻ nhớ đầy: các thẻ khác sẽ ra kết quả khác.", "With the network cut or the card full, other cards come to something else."];
const ALONE = ["Không thẻ nào giơ lên ra được, chỉ khi trạm hỏng", "Not to be held up: only a station in trouble says"];
let taking = 0;

export function preparePresenting(facts, words) {
  const ways = { ...facts.ways, tray: facts.tray.length > 0 };
  const tabs = [...document.querySelectorAll("[role=tab]")];
  for (const tab of tabs) tab.hidden = !ways[tab.dataset.way];
  const there = tabs.filter((tab) => !tab.hidden);
  $("present").hidden = there.length === 0;
  $("guard").hidden = !ways.buttons;
  prepareTabs(there);
  prepareTray(facts.tray, facts.not_held_up, words);
  prepareWebcam();
  preparePictures(ways.camera);
  prepareTyping();
  prepareKeys();
  for (const choice of ["admitted", "turned-away"]) $(`press-${choice}`).addEventListener("click", () => send("POST", `/press/${choice}`).catch(() => {}));
}

// ---- tabs

function prepareTabs(tabs) {
  const choose = (chosen, focus = false) => {
    for (const tab of tabs) {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      $(tab.getAttribute("aria-controls")).hidden = tab !== chosen;
    }
    if (focus) chosen.focus();
  };
  for (const [at, tab] of tabs.entries()) {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (step) choose(tabs[(at + step + tabs.length) % tabs.length], true);
    });
  }
  if (tabs.length) choose(tabs[0]);
}

// ---- what the lens sees

function holdUp(address, seconds = HELD_UP) {
  const held = $("held"), mine = ++taking;
  held.src = address;
  held.hidden = false;
  $("eye").dataset.seeing = "code";
  setTimeout(() => {
    if (mine !== taking) return;
    held.hidden = true;
    $("eye").dataset.seeing = "nothing";
  }, seconds * 1000);
}

// ---- the tray

function prepareTray(people, alone, words) {
  const groups = ORDER.map((outcome) => [outcome, people.filter((person) => person.outcome === outcome)]);
  const note = el("p", { id: "tray-note", role: "status", hidden: "" }, ...both(DIFFERS));
  $("pane-tray").replaceChildren(note, ...groups.filter(([, inside]) => inside.length).map(([outcome, inside]) =>
    el("section", { "data-outcome": outcome },
      el("h3", {}, icon(inside[0].shape || "none"), el("span", {}, ...both(outcome ? words.outcomes[outcome] : ELSEWHERE))),
      el("ul", {}, ...inside.map((person) => el("li", {}, card(person, words)))))),
  el("section", { class: "alone" },
    el("h3", {}, el("span", {}, ...both(ALONE))),
    el("ul", {}, ...alone.map((reason) => el("li", {}, ...both(words.reasons[reason]))))));
}

function card(person, words) {
  const made = el("button", { class: "person", "data-name": person.name, "data-outcome": person.outcome, title: words.kinds[person.kind]?.join(" · ") });
  made.append(el("b", {}, person.vi), el("span", { lang: "en" }, person.en));
  if (person.first) made.append(el("em", {}, ...both(FIRST[person.first])));
  const rest = person.first === "twice" ? 2 * REST : REST;
  made.addEventListener("click", async () => {
    if (made.getAttribute("aria-disabled") === "true") return;
    made.style.setProperty("--rest", `${rest}s`);
    made.setAttribute("aria-disabled", "true"); // the camera takes it for the same showing until it was away
    setTimeout(() => made.removeAttribute("aria-disabled"), rest * 1000);
    try {
      if (person.first === "cut") await sendJson("PUT", "/network", { whole: false });
      if (person.first === "full") await sendJson("PUT", "/card", { full: true });
      await show(person.name, HELD_UP);
      if (person.first !== "twice") return;
      await new Promise((later) => setTimeout(later, REST * 1000));
      await show(person.name, HELD_UP);
    } catch { /* the station's own line says that it does not answer */ }
  });
  return made;
}

function show(name, seconds) {
  holdUp(`/tray/${encodeURIComponent(name)}.png`, seconds);
  return send("POST", `/present/tray/${encodeURIComponent(name)}?seconds=${seconds}`);
}

// ---- the webcam

function prepareWebcam() {
  let stream = null;
  const button = $("webcam-switch"), video = $("webcam"), canvas = document.createElement("canvas");

  const stop = () => {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    video.hidden = true;
    video.srcObject = null;
    $("eye").dataset.seeing = "nothing";
    show(false);
    send("DELETE", "/present/picture").catch(() => {});
  };
  const show = (on) => {
    button.setAttribute("aria-pressed", String(on));
    button.replaceChildren(el("b", {}, on ? "Tắt webcam" : "Bật webcam"), el("span", { lang: "en" }, on ? "Switch off" : "Switch on"));
  };
  const sendFrame = async () => {
    canvas.width = FRAME_WIDTH;
    canvas.height = Math.round((FRAME_WIDTH * video.videoHeight) / video.videoWidth) || 480;
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    const frame = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
    if (stream && frame) await send("POST", "/present/picture?seconds=0.6", frame, "image/jpeg");
  };
  const run = async (mine) => {
    while (stream === mine) {
      const begun = performance.now();
      try {
        if (video.videoWidth) await sendFrame();
        say($("webcam-said"), ["Máy ảnh của trạm đang nhìn", "The station's camera is looking"]);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        say($("webcam-said"), [error.vi, error.en], true);
      }
      await new Promise((done) => setTimeout(done, Math.max(20, 1000 / FRAMES_A_SECOND - (performance.now() - begun))));
    }
  };
  button.addEventListener("click", async () => {
    if (stream) return stop();
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 }, facingMode: "environment" } });
    } catch {
      return say($("webcam-said"), ["Trình duyệt không cho dùng webcam", "The browser gives no webcam"], true);
    }
    video.srcObject = stream;
    video.hidden = false;
    $("eye").dataset.seeing = "webcam";
    show(true);
    await video.play();
    run(stream);
  });
}

// ---- pictures

function preparePictures(possible) {
  if (!possible) return;
  const present = async (file) => {
    if (!file) return;
    const address = URL.createObjectURL(file);
    holdUp(address);
    try {
      await send("POST", `/present/picture?seconds=${HELD_UP}`, file, file.type || "application/octet-stream");
      say($("picture-said"), ["Đã đưa ảnh trước máy ảnh", "Held up to the camera"]);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      say($("picture-said"), [error.vi, error.en], true);
    }
    setTimeout(() => URL.revokeObjectURL(address), 5000);
  };
  $("file").addEventListener("change", () => { present($("file").files[0]); $("file").value = ""; });
  addEventListener("paste", ({ clipboardData }) => present(clipboardData.files[0]));
  addEventListener("dragover", (event) => { event.preventDefault(); $("drop").classList.add("over"); });
  addEventListener("dragleave", () => $("drop").classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    $("drop").classList.remove("over");
    present(event.dataTransfer.files[0]);
  });
}

// ---- a typed number

function prepareTyping() {
  $("pane-text").addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await sendJson("POST", "/present/text", { text: $("number").value });
      say($("text-said"), ["Đã tra", "Looked up"]);
      $("number").select();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      say($("text-said"), [error.vi, error.en], true);
    }
  });
}

// ---- a USB scanner: what it types is sent key by key, as the station's own USB port would see it

function prepareKeys() {
  const field = $("capture");
  let waiting = [], sending = false, strokes = 0;
  const pass = async () => {
    if (sending) return;
    sending = true;
    while (waiting.length) {
      const keys = waiting.splice(0, 500);
      await sendJson("POST", "/present/keys", keys).catch((error) => say($("keys-said"), [error.vi, error.en], true));
    }
    sending = false;
  };
  const take = (value) => (event) => {
    if (event.code === "Escape") return field.blur();
    event.preventDefault(); // also Tab and Enter: scanners end a code with them
    const code = CODES[event.code];
    if (!code || event.repeat) return;
    waiting.push([code, value]);
    if (value) $("strokes").textContent = "•".repeat((strokes = ["Enter", "Tab", "NumpadEnter"].includes(event.code) ? 0 : strokes + 1) % 24);
    pass();
  };
  field.addEventListener("keydown", take(1));
  field.addEventListener("keyup", take(0));
}
