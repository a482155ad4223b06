// The page works without this script. The script updates the result when the form changes, and sorts tables in place.
"use strict";

const at = document.body.dataset.at;
const form = document.getElementById("ask");
const answer = document.getElementById("answer");
const why = document.getElementById("why");
const status = document.getElementById("status");
const path = location.pathname;

const live = Boolean(form && answer);
let latestUpdate = 0;
let updateTimer = 0;
let whyTimer = 0;
// Fields with an initial value are sent even when empty: an empty field does not have its initial value.
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

// No address may contain a discount, because logs store addresses: a plan with a discount is sent as a body.
async function request(part) {
  const values = fields();
  if (values.has("discount")) return fetch(`${at}/${part}`, { method: "POST", body: values });
  return fetch(`${at}/${part}?${values}`);
}

function showErrors(errors) {
  for (const field of form.querySelectorAll(".field")) {
    const input = field.querySelector("input, select");
    const text = errors[input.name];
    field.classList.toggle("wrong", Boolean(text));
    if (text) input.setAttribute("aria-invalid", "true"); else input.removeAttribute("aria-invalid");
    field.querySelector(".error").textContent = text || "";
    if (text && field.closest("details")) field.closest("details").open = true;
  }
}

function showProblem(problem) {
  const named = {};
  const other = [];
  for (const error of problem.errors || []) {
    if (error.field && form.elements[error.field]) named[error.field] = error.detail;
    else other.push(error.field ? `${error.field}: ${error.detail}` : error.detail);
  }
  showErrors(named);
  answer.classList.add("stale");
  if (why) why.classList.add("stale");
  clearTimeout(whyTimer);
  shownFor = null;
  let note = answer.querySelector(":scope > .notice.stop");
  if (!note) {
    note = document.createElement("div");
    note.className = "notice stop";
    note.setAttribute("role", "alert");
    answer.prepend(note);
  }
  const labels = Object.keys(named).map((name) => form.elements[name].labels?.[0]?.textContent.trim() ?? name).join(", ");
  note.textContent = `Not updated${labels ? `: see ${labels}` : ""}. ${other.join(" ")}`.trim();
}

function pushAddress() {
  const query = answer.querySelector(".seen")?.dataset.query || "";
  const search = query ? `?${query}` : "";
  if (search === location.search) return;
  history.pushState(null, "", search || path);
  shownSearch = search;
}

function replaceAnswer(text) {
  const folds = new Map([...answer.querySelectorAll("details[data-fold]")].map((fold) => [fold.dataset.fold, fold.open]));
  answer.innerHTML = text;
  for (const fold of answer.querySelectorAll("details[data-fold]")) {
    if (folds.has(fold.dataset.fold)) fold.open = folds.get(fold.dataset.fold);
  }
}

async function update(pushing) {
  const query = fields().toString();
  if (query === shownFor) {
    if (pushing) pushAddress();
    return;
  }
  const thisUpdate = ++latestUpdate;
  clearTimeout(whyTimer);
  const busy = setTimeout(() => answer.setAttribute("aria-busy", "true"), 200);
  try {
    const response = await request("answer");
    if (thisUpdate !== latestUpdate) return;
    if (!response.ok) {
      const kind = response.headers.get("content-type") || "";
      showProblem(kind.includes("json") ? await response.json() : { errors: [{ detail: `the site returned status ${response.status}` }] });
      return;
    }
    const text = await response.text();
    if (thisUpdate !== latestUpdate) return;
    showErrors({});
    answer.classList.remove("stale");
    replaceAnswer(text);
    shownFor = query;
    status.textContent = answer.querySelector(".seen").dataset.summary;
    if (pushing) pushAddress();
    if (!why) return;
    if (query === whyFor) why.classList.remove("stale");
    else {
      why.classList.add("stale");
      whyTimer = setTimeout(updateWhy, 400, query);
    }
  } catch (error) {
    if (thisUpdate === latestUpdate) showProblem({ errors: [{ detail: "The site cannot be reached; try again." }] });
  } finally {
    clearTimeout(busy);
    if (thisUpdate === latestUpdate) answer.removeAttribute("aria-busy");
  }
}

async function updateWhy(query) {
  const thisUpdate = latestUpdate;
  const busy = setTimeout(() => why.setAttribute("aria-busy", "true"), 200);
  try {
    const response = await request("why");
    const text = await response.text();
    if (!response.ok || thisUpdate !== latestUpdate || query !== shownFor) return;
    why.innerHTML = text;
    why.classList.remove("stale");
    whyFor = query;
  } catch (error) {
    // the explanation remains marked as outdated
  } finally {
    clearTimeout(busy);
    why.removeAttribute("aria-busy");
  }
}

if (live) {
  document.documentElement.classList.add("live");
  form.addEventListener("input", (event) => {
    if (event.target.matches("select, [type=checkbox]")) return;
    clearTimeout(updateTimer);
    updateTimer = setTimeout(update, 60, false);
  });
  form.addEventListener("change", () => {
    clearTimeout(updateTimer);
    update(true);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(updateTimer);
    update(true);
  });
  window.addEventListener("popstate", () => {
    if (location.search !== shownSearch) location.reload();
  });
}

for (const table of document.querySelectorAll("table.sortable")) {
  table.tHead.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-sort]");
    if (!link) return;
    event.preventDefault();
    const head = link.closest("th");
    const descending = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const value = (row) => row.cells[head.cellIndex].dataset.value;
    const order = (first, second) => {
      const [a, b] = [value(first), value(second)];
      if (Number.isNaN(Number(a)) || Number.isNaN(Number(b))) return a < b ? -1 : Number(a > b); // as the server sorts
      return Number(a) - Number(b);
    };
    for (const body of table.tBodies) {
      const rows = [...body.querySelectorAll("tr:not(.group)")].sort(order);
      if (descending) rows.reverse();
      body.append(...rows);
    }
    if (status) status.textContent = `sorted by ${link.textContent}${descending ? ", descending" : ""}`;
    history.replaceState(null, "", link.href);
  });
}
