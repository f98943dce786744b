// The last rows as recorded: kinds, outcomes, reasons and where each group came from; nobody's name.

import { $, both, el, icon, time } from "./dom.js";

let newest = 0, known = "";

export function showRows(rows, words) {
  const told = JSON.stringify(rows);
  if (told === known) return;
  const first = known === "";
  known = told;
  $("rows-empty").hidden = rows.length > 0;
  $("rows").replaceChildren(...rows.map((row) => line(row, words, !first && row.seq > newest)));
  newest = rows[0]?.seq ?? 0;
}

export function showLegend(words) {
  $("legend").replaceChildren(
    ...words.letters.map(([vi, en], at) => el("span", {}, el("b", {}, `${vi}`), `${words.groups[at][0]} `, el("span", { lang: "en" }, words.groups[at][1]))),
    ...Object.entries(words.origins).filter(([name]) => name !== "snapshot").map(([name, [vi, en]]) => el("span", {}, el("i", { class: `mark ${name}` }), `${vi} `, el("span", { lang: "en" }, en))),
  );
}

function line(row, words, fresh) {
  const made = el("tr", { "data-seq": row.seq, "data-type": row.type, "data-outcome": row.outcome, class: fresh ? "fresh" : undefined });
  if (row.decision) made.dataset.tone = row.decision === "admitted" ? "green" : "red";
  made.append(
    el("td", {}, el("time", { datetime: row.at }, time(row.at))),
    el("td", {}, result(row, words), ...why(row, words)),
    el("td", {}, ...code(row, words)),
    el("td", {}, ...groups(row, words)),
  );
  return made;
}

function result(row, words) {
  const said = row.outcome ? words.outcomes[row.outcome] : row.decision ? words.decisions[row.decision] : words.rows[row.type];
  return el("div", { class: "result" }, icon(row.shape), el("span", {}, ...both(said)));
}

function why(row, words) {
  if (row.decision) return [el("div", { class: "why" }, `về dòng ${row.about} · about row ${row.about}`)];
  if (row.cause) return [el("div", { class: "why" }, ...both(words.causes[row.cause] ?? [row.cause, ""]))];
  return row.reasons.map((reason) => el("div", { class: "why" }, ...both(words.reasons[reason])));
}

function code(row, words) {
  if (!row.code_kind) return [el("span", { class: "from" }, `#${row.seq}`)];
  return [...both(words.kinds[row.code_kind]), el("div", { class: "from" }, `#${row.seq} · `, ...both(words.sources[row.source]))];
}

function groups(row, words) {
  if (!row.groups.length) return [];
  const chips = row.groups.map((origin, at) => {
    const told = `${words.groups[at][0]}: ${words.origins[origin][0]} · ${words.groups[at][1]}: ${words.origins[origin][1]}`;
    return el("span", { class: "group", title: told }, el("span", { "aria-hidden": "true" }, words.letters[at][0]), el("i", { class: `mark ${origin}`, role: "img", "aria-label": told }));
  });
  return [el("div", { class: "groups" }, ...chips)];
}
