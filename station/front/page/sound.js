// The buzzer: each tune is played once, as a piezo would, as soon as the browser may make a sound.

import { $, setIcon } from "./dom.js";

const KEPT = "front-panel-muted";
let context = null, tuneSeq = null, playing = null, muted = localStorage.getItem(KEPT) === "yes";

export function prepareSound() {
  $("mute").addEventListener("click", () => {
    muted = audible() ? !muted : false;
    localStorage.setItem(KEPT, muted ? "yes" : "no");
    wake();
    describe();
  });
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, wake, { capture: true });
  describe();
}

export function playTune({ tune, tune_seq: seq }) {
  const known = tuneSeq !== null; // what was played before this page was opened is over
  if (seq === tuneSeq) return;
  tuneSeq = seq;
  if (known && tune.length) sound(tune);
}

const audible = () => context?.state === "running";

function wake() {
  context ??= new AudioContext();
  if (context.state === "suspended") context.resume().then(describe);
  describe();
}

function describe() {
  const [vi, en] = !audible() ? ["Còi: bấm để nghe", "Buzzer: click to hear"]
    : muted ? ["Còi: đang tắt tiếng", "Buzzer: muted"] : ["Còi: đang bật", "Buzzer: on"];
  $("mute-words").textContent = vi;
  $("mute-words-en").textContent = en;
  $("mute").setAttribute("aria-pressed", String(muted));
  setIcon($("mute").querySelector("use"), muted || !audible() ? "muted" : "sound");
}

function sound(tune) {
  const seconds = tune.reduce((sum, [, length]) => sum + length, 0);
  $("mute").classList.add("sounding");
  $("mute").dataset.played = String(Number($("mute").dataset.played || 0) + 1);
  setTimeout(() => $("mute").classList.remove("sounding"), seconds * 1000);
  if (muted || !audible()) return;
  playing?.stop(); // a newer tune cuts in
  const voice = new OscillatorNode(context, { type: "square" }), volume = new GainNode(context, { gain: 0 });
  voice.connect(volume).connect(context.destination);
  let at = context.currentTime + 0.02;
  voice.start(at);
  for (const [hertz, length] of tune) {
    if (hertz) voice.frequency.setValueAtTime(hertz, at);
    volume.gain.setValueAtTime(hertz ? 0.06 : 0, at);
    at += length;
  }
  volume.gain.setValueAtTime(0, at);
  voice.stop(at + 0.02);
  playing = voice;
}
