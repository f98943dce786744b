// Reads a QR code with the phone's camera, or out of a picture, and asks for it in the box that was asked last.
// Without this file the page does the same by typing and by scanner.  Pictures never leave the phone.

const here = document.querySelector("script[data-reader]");
const part = document.getElementById("camera");
const view = document.getElementById("camera-view");
const said = document.getElementById("camera-said");
const opens = document.getElementById("camera-open");
const closes = document.getElementById("camera-close");
const picture = document.getElementById("camera-picture");
const WIDEST = 800;
const EVERY = 120;

let stream = null;
let reader = null;

/** Something that finds a code's text on a canvas: the browser's own reader, else the one that comes along. */
async function findReader() {
  if ("BarcodeDetector" in window) {
    const kinds = await BarcodeDetector.getSupportedFormats().catch(() => []);
    if (kinds.includes("qr_code")) {
      const own = new BarcodeDetector({ formats: ["qr_code"] });
      return async (canvas) => (await own.detect(canvas))[0]?.rawValue ?? "";
    }
  }
  await new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = here.dataset.reader;
    script.onload = done;
    script.onerror = failed;
    document.head.append(script);
  });
  return async (canvas) => {
    const pixels = canvas.getContext("2d", { willReadFrequently: true }).getImageData(0, 0, canvas.width, canvas.height);
    return window.jsQR(pixels.data, pixels.width, pixels.height)?.data ?? "";
  };
}

async function read(image, width, height) {
  reader ??= await findReader();
  const scale = Math.min(1, WIDEST / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  canvas.getContext("2d", { willReadFrequently: true }).drawImage(image, 0, 0, canvas.width, canvas.height);
  return reader(canvas);
}

function ask(text) {
  close();
  const field = document.getElementById(`code-${part.dataset.box}`);
  field.value = text;
  field.form.requestSubmit();
}

async function open() {
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
  } catch {
    said.textContent = part.dataset.lost;
    return;
  }
  said.textContent = "";
  view.srcObject = stream;
  view.hidden = closes.hidden = false;
  opens.hidden = true;
  await view.play();
  look();
}

async function look() {
  if (stream === null) return;
  if (view.videoWidth) {
    const text = await read(view, view.videoWidth, view.videoHeight);
    if (stream !== null && text) return ask(text);
  }
  setTimeout(look, EVERY);
}

function close() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  view.hidden = closes.hidden = true;
  opens.hidden = false;
}

async function readPicture() {
  const file = picture.files[0];
  if (!file) return;
  const image = await createImageBitmap(file).catch(() => null);
  const text = image ? await read(image, image.width, image.height) : "";
  if (text) ask(text);
  else said.textContent = part.dataset.none;
}

part.hidden = false;
opens.hidden = !navigator.mediaDevices;
opens.addEventListener("click", open);
closes.addEventListener("click", close);
picture.addEventListener("change", readPicture);
document.addEventListener("visibilitychange", () => document.hidden && close());
for (const field of document.querySelectorAll("input[name=code]")) {
  field.addEventListener("focus", () => { part.dataset.box = field.id.slice("code-".length); });
}

// On a phone the answer comes into view, not the keyboard.
const answer = document.getElementById("answer");
if (answer && matchMedia("(pointer: coarse)").matches) {
  answer.tabIndex = -1;
  answer.focus({ preventScroll: true }); // or the box that waits for a code takes the focus once the page is drawn
  answer.scrollIntoView();
} else if (answer) {
  // At a desk the next code goes into the box at once, and the verdict stays in sight on a low screen too.
  const stay = () => scrollTo(0, 0);
  document.addEventListener("focusin", () => requestAnimationFrame(stay), { once: true });
  requestAnimationFrame(() => requestAnimationFrame(stay));
  stay();
}
