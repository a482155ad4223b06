// The page works without this script. The script updates the result when the form changes, and sorts tables in place.
"use strict";

const at = document.body.dataset.at;
const form = document.getElementById("ask");
const answer = document.getElementById("answer");
const why = document.getElementById("why");
const status = document.getElementById("status");
const path = location.pathname;

const live = Boolean(form && answer);
const QUIET_MS = 60; // after a keystroke, until the result is requested
const PAUSE_MS = 1200; // after a keystroke, until what is typed counts as finished and its faults are shown
const WHY_MS = 120; // after a result, until its explanation is requested
let latestUpdate = 0;
let updateTimer = 0;
let pauseTimer = 0;
let whyTimer = 0;
// Fields with an initial value are sent even when empty: an empty field does not have its initial value.
const EXPLICIT_WHEN_EMPTY = (form?.dataset.explicitWhenEmpty ?? "").split(" ");

function fields() {
  const values = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (value.trim() || EXPLICIT_WHEN_EMPTY.includes(name)) values.append(name, value.trim());
  }
  // A volume is a number and a period: one field of the address.
  const period = values.get("period");
  const number = values.get("conversations");
  values.delete("period");
  if (number && period && !number.includes("/")) values.set("conversations", `${number}/${period}`);
  return values;
}

let shownFor = live ? fields().toString() : "";
let whyFor = shownFor;
let shownSearch = location.search;

// What renders a part of the page is the path in its data-part. No address may contain a discount, because logs store addresses: a plan with a discount is sent as a body.
async function request({ dataset: { part } }) {
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
    if (error.field && document.getElementById(`e-${error.field}`)) named[error.field] = error.detail;
    else other.push(error.field ? `${error.field}: ${error.detail}` : error.detail);
  }
  showErrors(named);
  answer.classList.add("stale");
  if (why) why.classList.add("stale");
  clearTimeout(whyTimer);
  shownFor = null;
  let note = answer.querySelector(":scope > .outdated");
  if (!note) {
    note = document.createElement("div");
    note.className = "notice stop outdated";
    note.setAttribute("role", "alert");
    answer.prepend(note);
  }
  const labels = Object.keys(named).map((name) => document.querySelector(`label[for="f-${name}"]`)?.textContent.trim() ?? name).join(", ");
  note.textContent = `Not updated${labels ? `: see ${labels}` : ""}. ${other.join(" ")}`.trim();
}

function pushAddress() {
  const query = answer.querySelector(".seen")?.dataset.query || "";
  const search = query ? `?${query}` : "";
  if (search === location.search) return;
  history.pushState(null, "", search || path);
  shownSearch = search;
}

function replaceAnswer(text, isCurrent) {
  const folds = new Map([...document.querySelectorAll("details[data-fold]")].map((fold) => [fold.dataset.fold, fold.open]));
  const hadFocus = answer.contains(document.activeElement) && document.activeElement !== answer;
  answer.innerHTML = text;
  // What lies outside the result, such as the deployments of the model, comes with it.
  for (const part of answer.querySelectorAll("template[data-for]")) {
    const place = document.getElementById(part.dataset.for);
    if (!place || place.contains(document.activeElement) || (!isCurrent && form.contains(place))) continue;
    if (part.content.firstElementChild?.id === place.id) place.replaceWith(part.content);
    else place.replaceChildren(part.content);
  }
  for (const fold of document.querySelectorAll("details[data-fold]")) fold.open = folds.get(fold.dataset.fold) ?? fold.open;
  enhance();
  if (hadFocus) answer.focus({ preventScroll: true });
}

// `typing`: the value may be half typed, so faults are shown only after a pause.
async function update({ pushing = false, typing = false } = {}) {
  const query = fields().toString();
  clearTimeout(pauseTimer);
  if (query === shownFor) {
    if (answer.classList.contains("stale")) showFresh();
    if (pushing) pushAddress();
    return;
  }
  const thisUpdate = ++latestUpdate;
  clearTimeout(whyTimer);
  const busy = setTimeout(() => answer.setAttribute("aria-busy", "true"), 200);
  const fail = (problem) => {
    if (typing) pauseTimer = setTimeout(() => { if (thisUpdate === latestUpdate) showProblem(problem); }, PAUSE_MS);
    else showProblem(problem);
  };
  try {
    const response = await request(answer);
    if (thisUpdate !== latestUpdate) return;
    if (!response.ok) {
      const kind = response.headers.get("content-type") || "";
      fail(kind.includes("json") ? await response.json() : { errors: [{ detail: `the site returned status ${response.status}` }] });
      return;
    }
    const text = await response.text();
    if (thisUpdate !== latestUpdate) return;
    const isCurrent = fields().toString() === query; // else more was typed since, and an update follows
    replaceAnswer(text, isCurrent);
    showFresh();
    shownFor = isCurrent ? fields().toString() : query; // the answer may bring another provider
    status.textContent = answer.querySelector(".seen").dataset.summary;
    if (pushing) pushAddress();
    if (!why) return;
    if (shownFor === whyFor) why.classList.remove("stale");
    else {
      why.classList.add("stale");
      whyTimer = setTimeout(updateWhy, WHY_MS, shownFor);
    }
  } catch (error) {
    if (thisUpdate === latestUpdate) fail({ errors: [{ detail: "The site cannot be reached; try again." }] });
  } finally {
    clearTimeout(busy);
    if (thisUpdate === latestUpdate) answer.removeAttribute("aria-busy");
  }
}

function showFresh() {
  showErrors({});
  answer.classList.remove("stale");
  answer.querySelector(":scope > .outdated")?.remove();
}

async function updateWhy(query) {
  const thisUpdate = latestUpdate;
  const busy = setTimeout(() => why.setAttribute("aria-busy", "true"), 200);
  try {
    const response = await request(why);
    const text = await response.text();
    if (!response.ok || thisUpdate !== latestUpdate || query !== shownFor) return;
    const folds = new Map([...why.querySelectorAll("details[data-fold]")].map((fold) => [fold.dataset.fold, fold.open]));
    why.innerHTML = text;
    for (const fold of why.querySelectorAll("details[data-fold]")) fold.open = folds.get(fold.dataset.fold) ?? fold.open;
    why.classList.remove("stale");
    whyFor = query;
  } catch (error) {
    // the explanation remains marked as outdated
  } finally {
    clearTimeout(busy);
    why.removeAttribute("aria-busy");
  }
}

// Numbers as people type them in the form: 1,000 or 40%. Of an empty field, the number that it stands for.
function numberIn({ value, placeholder }) {
  const text = (value.trim() || placeholder).replace(/,(?=\d{3}\b)/g, "").replace(/%$/, "");
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : null;
}

function writeNumber(input, number) {
  const isShare = (input.value || input.placeholder).trim().endsWith("%");
  input.value = isShare ? `${number}%` : number.toLocaleString("en-US", { maximumFractionDigits: 2 });
}

// Sliders and steppers are beside their fields only where the script runs; the field itself is what is labelled and sent.
function addSlider(input) {
  const [least, greatest, step] = input.dataset.slider.split(" ");
  const slider = document.createElement("input");
  Object.assign(slider, { type: "range", min: least, max: greatest, step, className: "slider", tabIndex: -1 });
  slider.setAttribute("aria-hidden", "true");
  slider.value = numberIn(input) ?? least;
  slider.addEventListener("input", (event) => {
    event.stopPropagation();
    writeNumber(input, Number(slider.value));
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });
  slider.addEventListener("change", (event) => {
    event.stopPropagation();
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
  input.addEventListener("input", () => { slider.value = numberIn(input) ?? slider.value; });
  input.after(slider);
}

function addSteppers(input) {
  const box = document.createElement("span");
  box.className = "steps";
  for (const [sign, word] of [[-1, "−"], [1, "+"]]) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: word, tabIndex: -1 });
    button.setAttribute("aria-label", `${input.labels[0].textContent.trim()} ${sign < 0 ? "less" : "more"}`);
    button.addEventListener("click", () => {
      const number = numberIn(input) ?? 0;
      const step = Number(input.dataset.slider?.split(" ")[2] ?? 10 ** Math.max(0, String(Math.trunc(number)).length - 2));
      writeNumber(input, Math.max(0, number + sign * step));
      input.dispatchEvent(new Event("input", { bubbles: true }));
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
    box.append(button);
  }
  input.after(box);
}

function enhance() {
  for (const input of form.querySelectorAll("input[data-steps]:not([data-ready])")) {
    input.dataset.ready = "";
    if (input.closest(".brief")) addSteppers(input);
    if (input.dataset.slider) addSlider(input);
  }
}

function setField(name, value) {
  const element = form.elements[name];
  if (!element) return;
  if (element.tagName === "SELECT" && ![...element.options].some((option) => option.value === value)) element.add(new Option(value, value));
  element.value = value;
}

function setColumns(texts) {
  for (const old of form.querySelectorAll("input[name=compare]")) old.remove();
  for (const text of texts) form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "compare", value: text }));
}

const columns = () => [...form.querySelectorAll("input[name=compare]")].map((input) => input.value);

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch (error) { // not a secure address: the older way
    const area = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  status.textContent = "copied";
  const label = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = label; }, 1500);
}

if (live) {
  document.documentElement.classList.add("live");
  enhance();
  // The two figures stay in sight until the result itself is.
  const sticky = document.getElementById("sticky");
  if (sticky) {
    new IntersectionObserver(([entry]) => {
      sticky.classList.toggle("past", entry.isIntersecting || entry.boundingClientRect.top < 0);
    }, { rootMargin: "0px 0px -90px" }).observe(answer);
  }
  form.addEventListener("input", (event) => {
    if (event.target.matches("select, [type=checkbox]")) return;
    clearTimeout(updateTimer);
    clearTimeout(pauseTimer);
    updateTimer = setTimeout(update, QUIET_MS, { typing: true });
  });
  form.addEventListener("change", (event) => {
    clearTimeout(updateTimer);
    const volume = event.target.name === "conversations" && event.target.value.match(/^(.*)\/\s*(\w+)\s*$/);
    if (volume && [...form.elements.period.options].some((option) => option.value === volume[2])) {
      [event.target.value, form.elements.period.value] = [volume[1].trim(), volume[2]];
    }
    update({ pushing: true });
  });
  form.addEventListener("submit", (event) => {
    if (event.submitter?.hasAttribute("formaction")) return; // leads to another page
    event.preventDefault();
    clearTimeout(updateTimer);
    update({ pushing: true });
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-add]")) return;
    event.preventDefault();
    setColumns([...columns(), event.target.elements.add.value]);
    update({ pushing: true });
  });
  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // in a new tab, as for every link
    const link = event.target.closest("[data-fields], [data-column], [data-drop], [data-copy]");
    if (!link) return;
    event.preventDefault();
    const { fields: changes, column, drop } = link.dataset;
    if (link.dataset.copy) {
      const address = document.querySelector("a[rel=bookmark]").href;
      copy(link.dataset.copy === "link" ? address : `${link.dataset.text}\n${address}`, link);
      return;
    }
    if (changes) for (const [name, value] of Object.entries(JSON.parse(changes))) setField(name, value);
    if (column) setColumns([...columns(), column]);
    if (drop) setColumns(columns().filter((text) => text !== drop));
    update({ pushing: true });
    if (changes || column) answer.scrollIntoView({ block: "nearest" });
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

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// Where there is room, all parts of a list are open; a selection that filters a list needs no button.
if (matchMedia("(min-width: 861px)").matches) for (const fold of document.querySelectorAll("details[data-wide-open]")) fold.open = true;
for (const control of document.querySelectorAll("[data-at-once]")) {
  const button = control.form.querySelector("button");
  if (button) button.hidden = true;
  control.addEventListener("change", () => control.form.requestSubmit());
}
