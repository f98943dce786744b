// Counts again without loading the page again, so that the reader's place and focus stay.
// Without this file the page loads itself again.

const part = document.getElementById("now");
const every = Number(part?.dataset.again ?? 0) * 1000;

async function again() {
  const answer = await fetch(location.href).catch(() => null);
  if (answer?.redirected) return location.reload(); // signed out meanwhile
  if (answer?.ok) put(new DOMParser().parseFromString(await answer.text(), "text/html"));
  setTimeout(again, every);
}

function put(fresh) {
  const now = fresh.getElementById("now");
  if (!now) return;
  part.dataset.fullness = now.dataset.fullness;
  document.getElementById("counts").replaceWith(document.adoptNode(fresh.getElementById("counts")));
  const said = document.getElementById("said");
  const says = fresh.getElementById("said");
  if (said.textContent !== says.textContent) said.replaceChildren(...document.adoptNode(says).childNodes);
}

if (every) setTimeout(again, every);
