// Small hands for the page: elements, words in two languages, requests that other web pages cannot make.

export const $ = (id) => document.getElementById(id);

export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS(svg.namespaceURI, "use"));
  setIcon(svg.firstChild, name);
  return svg;
}

export function setIcon(use, name) {
  const plain = (name || "none").replace(/-held$/, "");
  use.setAttribute("href", document.getElementById(plain) ? `#${plain}` : "#none");
}

// [Vietnamese, English] as nodes, the second marked as what it is.
export const both = ([vi, en]) => [`${vi} `, el("span", { lang: "en" }, en)];

export class Refused extends Error {
  constructor({ vi, en }) { super(`${vi}. ${en}`); this.vi = vi; this.en = en; }
}

export async function send(method, address, body, type = "application/octet-stream") {
  const headers = { "X-Front-Panel": "1" };
  if (body !== undefined) headers["Content-Type"] = type;
  let answer;
  try {
    answer = await fetch(address, { method, headers, body });
  } catch {
    throw new Refused({ vi: "Trạm không trả lời", en: "The station does not answer" });
  }
  const said = await answer.json();
  if (!answer.ok) throw new Refused(said);
  return said;
}

export const sendJson = (method, address, said) => send(method, address, JSON.stringify(said), "application/json");

export function say(place, words, bad = false) {
  place.replaceChildren(...(typeof words === "string" ? [words] : both(words)));
  place.classList.toggle("bad", bad);
}

export const time = (at) => new Date(at).toLocaleTimeString("vi-VN", { hour12: false, timeZone: "Asia/Ho_Chi_Minh" });
