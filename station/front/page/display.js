// The 128×64 display pixel for pixel, and the lamp in its colour, shape and rhythm.

import { $, setIcon } from "./dom.js";

const LIT = [214, 240, 255], DARK = [6, 9, 11];
const COLOURS = {
  off: "Đèn tắt · lamp off", green: "Đèn xanh lá · green lamp", amber: "Đèn vàng · amber lamp", red: "Đèn đỏ · red lamp",
  blue: "Đèn xanh dương · blue lamp", white: "Đèn trắng · white lamp",
};
const pen = $("display").getContext("2d");
const still = matchMedia("(prefers-reduced-motion: reduce)");
let lampSeq = -1, rhythm = null;

export function showFace(face) {
  drawPixels(face.pixels);
  $("display").setAttribute("aria-label", `Màn hình: ${face.text}`);
  if (face.shape && face.colour !== "off") setIcon($("lamp-shape"), face.shape); // the lamp is lit before the page turns
  if (face.lamp_seq !== lampSeq) {
    lampSeq = face.lamp_seq;
    lightUp(face);
  }
}

function drawPixels(pixels) {
  const bits = atob(pixels), image = pen.createImageData(128, 64);
  for (let at = 0; at < 128 * 64; at++) {
    const lit = bits.charCodeAt(at >> 3) & (0x80 >> (at & 7));
    image.data.set(lit ? LIT : DARK, at * 4);
    image.data[at * 4 + 3] = 255;
  }
  pen.putImageData(image, 0, 0);
}

function lightUp({ colour, blink }) {
  const [on, off, times] = blink, lamp = $("lamp"), blinks = off > 0 && colour !== "off";
  lamp.dataset.colour = colour;
  lamp.dataset.blink = blinks ? `${on}/${off}${times ? ` ×${times}` : ""}` : "steady";
  lamp.setAttribute("aria-label", COLOURS[colour] + (blinks ? ", nhấp nháy · blinking" : ""));
  rhythm?.cancel();
  rhythm = null;
  $("glow").style.opacity = colour === "off" ? 0 : 1;
  if (!blinks || still.matches) return;
  const turn = on / (on + off);
  const frames = [[1, 0], [1, turn], [0.05, turn], [0.05, 1]].map(([opacity, offset]) => ({ opacity, offset }));
  rhythm = $("glow").animate(frames, { duration: (on + off) * 1000, iterations: times || Infinity, fill: "forwards" });
}
