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

sheet?.addEventListener("change", (event) => {
  const opens = event.target.closest(".with-button")?.querySelector("button.opens");
  if (opens && event.target.tagName === "SELECT") {
    sheet.requestSubmit(opens);
    return;
  }
  keep();
});
