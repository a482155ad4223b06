// The page works without this. With it, the answer follows the form as it is changed, and tables sort in place.
"use strict";

const at = document.body.dataset.at;
const form = document.getElementById("ask");
const answer = document.getElementById("answer");
const why = document.getElementById("why");
const status = document.getElementById("status");
const path = location.pathname;

const live = Boolean(form && answer);
let asked = 0;
let waiting = 0;
let waitingWhy = 0;
// Fields that start with a value are sent when empty, too: an empty field is not its starting value.
const EXPLICIT_WHEN_EMPTY = (form?.dataset.explicitWhenEmpty ?? "").split(" ");

function fields() {
  const values = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (value.trim() || EXPLICIT_WHEN_EMPTY.includes(name)) values.append(name, value.trim());
  }
  return values;
}

let shownFor = live ? fields().toString() : "";
let whyFor = shownFor;
let shownSearch = location.search;

// A discount must be in no address, so that no log keeps it: with one, the question is sent as a body.
async function ask(part) {
  const said = fields();
  if (said.has("discount")) return fetch(`${at}/${part}`, { method: "POST", body: said });
  return fetch(`${at}/${part}?${said}`);
}

function show(errors) {
  for (const field of form.querySelectorAll(".field")) {
    const input = field.querySelector("input, select");
    const text = errors[input.name];
    field.classList.toggle("wrong", Boolean(text));
    if (text) input.setAttribute("aria-invalid", "true"); else input.removeAttribute("aria-invalid");
    field.querySelector(".error").textContent = text || "";
    if (text && field.closest("details")) field.closest("details").open = true;
  }
}

function refuse(problem) {
  const named = {};
  const other = [];
  for (const error of problem.errors || []) {
    if (error.field && form.elements[error.field]) named[error.field] = error.detail;
    else other.push(error.field ? `${error.field}: ${error.detail}` : error.detail);
  }
  show(named);
  answer.classList.add("stale");
  if (why) why.classList.add("stale");
  clearTimeout(waitingWhy);
  shownFor = null;
  let note = answer.querySelector(":scope > .notice.stop");
  if (!note) {
    note = document.createElement("div");
    note.className = "notice stop";
    note.setAttribute("role", "alert");
    answer.prepend(note);
  }
  const fieldsSaid = Object.keys(named).map((name) => name.replaceAll("_", " ")).join(", ");
  note.textContent = `Not updated${fieldsSaid ? `: see ${fieldsSaid}` : ""}. ${other.join(" ")}`.trim();
}

function push() {
  const query = answer.querySelector(".seen")?.dataset.query || "";
  const search = query ? `?${query}` : "";
  if (search === location.search) return;
  history.pushState(null, "", search || path);
  shownSearch = search;
}

function put(text) {
  const folds = new Map([...answer.querySelectorAll("details[data-fold]")].map((fold) => [fold.dataset.fold, fold.open]));
  answer.innerHTML = text;
  for (const fold of answer.querySelectorAll("details[data-fold]")) {
    if (folds.has(fold.dataset.fold)) fold.open = folds.get(fold.dataset.fold);
  }
}

async function update(pushing) {
  const question = fields().toString();
  if (question === shownFor) {
    if (pushing) push();
    return;
  }
  const mine = ++asked;
  clearTimeout(waitingWhy);
  const busy = setTimeout(() => answer.setAttribute("aria-busy", "true"), 200);
  try {
    const reply = await ask("answer");
    if (mine !== asked) return;
    if (!reply.ok) {
      const kind = reply.headers.get("content-type") || "";
      refuse(kind.includes("json") ? await reply.json() : { errors: [{ detail: `the site answered ${reply.status}` }] });
      return;
    }
    const text = await reply.text();
    if (mine !== asked) return;
    show({});
    answer.classList.remove("stale");
    put(text);
    shownFor = question;
    status.textContent = answer.querySelector(".seen").dataset.summary;
    if (pushing) push();
    if (!why) return;
    if (question === whyFor) why.classList.remove("stale");
    else {
      why.classList.add("stale");
      waitingWhy = setTimeout(updateWhy, 400, question);
    }
  } catch (error) {
    if (mine === asked) refuse({ errors: [{ detail: "The site does not answer; try again." }] });
  } finally {
    clearTimeout(busy);
    if (mine === asked) answer.removeAttribute("aria-busy");
  }
}

async function updateWhy(question) {
  const mine = asked;
  const busy = setTimeout(() => why.setAttribute("aria-busy", "true"), 200);
  try {
    const reply = await ask("why");
    const text = await reply.text();
    if (!reply.ok || mine !== asked || question !== shownFor) return;
    why.innerHTML = text;
    why.classList.remove("stale");
    whyFor = question;
  } catch (error) {
    // it stays marked as old
  } finally {
    clearTimeout(busy);
    why.removeAttribute("aria-busy");
  }
}

if (live) {
  document.documentElement.classList.add("live");
  form.addEventListener("input", (event) => {
    if (event.target.matches("select, [type=checkbox]")) return;
    clearTimeout(waiting);
    waiting = setTimeout(update, 60, false);
  });
  form.addEventListener("change", () => {
    clearTimeout(waiting);
    update(true);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    update(true);
  });
  window.addEventListener("popstate", () => {
    if (location.search !== shownSearch) location.reload();
  });
}

for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  table.tHead.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-sort]");
    if (!link) return;
    event.preventDefault();
    const head = link.closest("th");
    const descending = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const value = (row) => row.cells[head.cellIndex].dataset.value;
    const order = (one, two) => {
      const [a, b] = [value(one), value(two)];
      return Number.isNaN(Number(a)) || Number.isNaN(Number(b)) ? a.localeCompare(b) : Number(a) - Number(b);
    };
    const rows = [...body.rows].sort(order);
    if (descending) rows.reverse();
    body.append(...rows);
    if (status) status.textContent = `sorted by ${link.textContent}${descending ? ", descending" : ""}`;
    history.replaceState(null, "", link.href);
  });
}
