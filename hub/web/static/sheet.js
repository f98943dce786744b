/* What the sheet does better with a script: lists open by themselves, and every change is kept at once. */

const sheet = document.querySelector("form.sheet");

function keep() {
  const body = new URLSearchParams(new FormData(sheet));
  body.set("do", "keep");
  fetch(sheet.action, { method: "POST", body, redirect: "manual", keepalive: true }).catch(() => {});
}

sheet?.addEventListener("change", (event) => {
  const opens = event.target.closest(".with-button")?.querySelector("button.opens");
  if (opens && event.target.tagName === "SELECT") {
    sheet.requestSubmit(opens);
    return;
  }
  keep();
});
