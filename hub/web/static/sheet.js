/* What the sheet does better with a script: lists open by themselves, and every change is kept at once. */

const sheet = document.querySelector("form.sheet");
let turn = 0;

function keep() {
  const body = new URLSearchParams(new FormData(sheet));
  body.set("do", "keep");
  fetch(sheet.action, { method: "POST", body, redirect: "manual", keepalive: true }).catch(() => {});
}

// What is kept may be overtaken by what is sent after it: the hub goes by this number, and every page counts on.
sheet?.addEventListener("formdata", ({ formData }) => {
  turn = Math.max(turn + 1, Date.now());
  formData.set("turn", turn);
});

// Whoever looks for a name in a list by typing changes it with every letter: it opens once they have done.
const DONE_AFTER = 1200;
let keyed = null;
let timer = 0;
let open = null;
function openLater(opens) {
  clearTimeout(timer);
  open = () => { clearTimeout(timer); open = null; sheet.requestSubmit(opens); };
  timer = setTimeout(() => open?.(), DONE_AFTER);
}
sheet?.addEventListener("keydown", ({ target }) => { keyed = target; });
sheet?.addEventListener("pointerdown", () => { keyed = null; });
sheet?.addEventListener("focusout", () => open?.());

sheet?.addEventListener("change", (event) => {
  const opens = event.target.closest(".with-button")?.querySelector("button.opens");
  if (!opens || event.target.tagName !== "SELECT") return keep();
  if (keyed === event.target) openLater(opens);
  else sheet.requestSubmit(opens);
});
