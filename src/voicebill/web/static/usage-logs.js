// The page of usage logs works without this script. The script takes a dropped log, shows how far its upload is, and replaces
// the result in place, so that the chosen file stays in its field and is sent again with other groups and filters.

const form = document.getElementById("log-form");
const answer = document.getElementById("log-answer");
const status = document.getElementById("status");
const input = form.elements.log;
const billInput = form.elements.bill;
const view = document.getElementById("f-explain"); // what the result shows: the cost, or what explains it
const transfer = form.querySelector(".transfer");
const [transferText, bar, cancel] = transfer.children;
const MAX_BYTES = Number(form.dataset.maxBytes);
const SHOW_MS = 150; // after a request, until its progress is shown
const SLOW_BYTES = 1 << 20; // from this size on, an upload shows its share
const KEPT_FIELDS = ["plan", "embed"]; // fields of the address that belong to all pages
let running = null;
let runningFor = "";
let shownSearch = location.search;

document.documentElement.classList.add("live");
form.noValidate = true;

const file = () => input.files[0];
const asksForBill = () => view.value === "bill";
const bills = () => asksForBill() ? [...billInput.files] : [];

// The fields that are filled in, without the log; a chosen file takes the place of the sample.
function fields() {
  const values = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string" && value.trim() && !(name === "sample" && file())) values.append(name, value.trim());
  }
  return values;
}

function withKept(values) {
  const query = new URLSearchParams(values);
  const search = new URL(form.action).searchParams;
  for (const name of KEPT_FIELDS) if (search.has(name)) query.set(name, search.get(name));
  return String(query) && `?${query}`;
}

const mebibytes = (bytes) => `${(bytes / 2 ** 20).toLocaleString("en-US", { maximumFractionDigits: 1 })} MiB`;

function showErrors(errors) {
  for (const field of form.querySelectorAll(".field")) {
    const control = field.querySelector("input, select");
    const text = errors[control.name] ?? "";
    field.classList.toggle("wrong", Boolean(text));
    if (text) control.setAttribute("aria-invalid", "true"); else control.removeAttribute("aria-invalid");
    field.querySelector(".error").textContent = text;
    if (text && field.closest("details")) field.closest("details").open = true;
  }
  const names = Object.keys(errors);
  answer.querySelector(":scope > .notice")?.remove();
  answer.classList.toggle("stale", names.length > 0);
  if (!names.length) return;
  const labels = names.map((name) => form.querySelector(`label[for="f-${name}"]`).textContent.trim()).join(", ");
  const note = Object.assign(document.createElement("p"), { className: "notice stop" });
  note.setAttribute("role", "alert");
  note.textContent = `${answer.querySelector(".seen") ? "Not updated" : "No answer"}: see ${labels}.`;
  answer.prepend(note);
}

// A fault that concerns no field of the form, such as an unknown format, is that of the log.
function showProblem(problem) {
  const errors = {};
  for (const { field, detail } of problem.errors) {
    const name = field && field !== "sample" && form.elements[field] ? field : "log";
    errors[name] = [errors[name], detail].filter(Boolean).join("; ");
  }
  showErrors(errors);
}

const showFault = (detail) => showProblem({ errors: [{ field: "log", detail }] });

function showTransfer(text, share) {
  transferText.textContent = text;
  if (share === undefined) bar.removeAttribute("value"); else bar.value = share;
}

// Whether a bill is chosen; otherwise the form asks for one.
function hasBill() {
  if (billInput.files.length) return true;
  showErrors({ bill: "choose the files of the vendor's bill" });
  billInput.focus();
  return false;
}

// Where too much is to be sent: at the bill, if the log alone would be possible.
function isTooLong(log, files) {
  const size = files.reduce((sum, { size }) => sum + size, 0);
  if (size <= MAX_BYTES) return false;
  const field = log && log.size > MAX_BYTES ? "log" : "bill";
  const detail = `has ${mebibytes(size)}, and at most ${mebibytes(MAX_BYTES)} are possible here: the command line reads logs of any size`;
  showErrors({ [field]: field === "log" ? detail : `with the log, ${detail}` });
  return true;
}

// Sends the log with the fields of the form, or asks for the sample; null: a fault was shown, or another request took its place.
async function send(address) {
  const log = file();
  const values = fields();
  if (!log && !values.has("sample")) {
    showFault("choose a file with a usage log");
    input.focus();
    return null;
  }
  if (asksForBill() && !hasBill()) return null;
  const files = [...(log ? [log] : []), ...bills()];
  if (isTooLong(log, files)) return null;
  const label = files.length === 1 ? files[0].name : `${files.length} files`;
  const key = `${address}?${values} ${files.map(({ name, size, lastModified }) => `${name} ${size} ${lastModified}`)}`;
  if (running && key === runningFor) return null; // Enter in a field both changes and submits
  running?.abort();
  runningFor = key;
  const request = new XMLHttpRequest();
  running = request;
  const showing = setTimeout(() => { transfer.hidden = false; answer.setAttribute("aria-busy", "true"); }, SHOW_MS);
  showTransfer(files.length ? `Sending ${label}` : "Calculating", files.length ? 0 : undefined);
  const outcome = await new Promise((resolve) => {
    request.upload.onprogress = (event) => {
      const share = event.loaded / event.total;
      const part = event.total > SLOW_BYTES ? `: ${Math.floor(100 * share)}% of ${mebibytes(event.total)}` : "";
      showTransfer(`Sending ${label}${part}`, share);
    };
    request.upload.onload = () => { showTransfer("Calculating"); status.textContent = "calculating"; };
    for (const end of ["load", "error", "abort"]) request.addEventListener(end, () => resolve(end));
    request.responseType = "blob";
    if (files.length) {
      request.open("POST", address + withKept());
      const body = new FormData();
      for (const [name, value] of values) body.append(name, value);
      if (log) body.append("log", log);
      for (const bill of bills()) body.append("bill", bill);
      request.send(body);
    } else {
      request.open("GET", address + withKept(values));
      request.send();
    }
  });
  clearTimeout(showing);
  if (running !== request) return null;
  running = null;
  transfer.hidden = true;
  answer.removeAttribute("aria-busy");
  if (outcome === "abort") return null;
  if (outcome === "error") {
    const isReadable = await Promise.all(files.map((sent) => sent.slice(0, 1).arrayBuffer())).then(() => true, () => false);
    showFault(isReadable ? "The site cannot be reached; try again." : "cannot be read any more, because it has changed or moved: choose it again");
    return null;
  }
  if (request.status === 200) return request.response;
  const isProblem = (request.getResponseHeader("content-type") ?? "").includes("problem+json");
  if (isProblem) showProblem(JSON.parse(await request.response.text()));
  else showFault(`the site returned status ${request.status}: try again`);
  return null;
}

async function update() {
  const content = await send(form.dataset.part);
  if (!content) return;
  const folds = new Map([...answer.querySelectorAll("details[data-fold]")].map((fold) => [fold.dataset.fold, fold.open]));
  const wasEmpty = !answer.querySelector(".seen");
  answer.innerHTML = await content.text();
  for (const fold of answer.querySelectorAll("details[data-fold]")) fold.open = folds.get(fold.dataset.fold) ?? fold.open;
  showErrors({});
  status.textContent = answer.querySelector(".seen").dataset.summary;
  if (file()) form.elements.sample?.remove();
  const search = withKept(fields());
  if (search !== location.search) history[file() ? "replaceState" : "pushState"](null, "", location.pathname + search);
  shownSearch = location.search;
  if (wasEmpty && answer.getBoundingClientRect().top > innerHeight / 2) answer.scrollIntoView();
}

async function download(address) {
  const content = await send(address);
  if (!content) return;
  showErrors({});
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = address.slice(address.lastIndexOf("/") + 1);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 0);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const button = event.submitter;
  if (button?.hasAttribute("formaction")) download(button.formAction);
  else if (button?.name !== "explain") update();
  else if (hasBill()) {
    view.value = button.value;
    update();
  }
});
form.addEventListener("change", (event) => {
  if (event.target === billInput) view.value = billInput.files.length ? "bill" : "";
  if (event.target === input ? file() : file() || form.elements.sample) update();
});
// Another view of the same log: its bill, or what explains it or one of its calls.
answer.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-fields]");
  if (!button) return;
  const values = JSON.parse(button.dataset.fields);
  if (values.explain === "bill" && !hasBill()) return;
  for (const [name, value] of Object.entries(values)) document.getElementById(`f-${name}`).value = value;
  update();
});
cancel.addEventListener("click", () => running?.abort());
window.addEventListener("popstate", () => {
  if (location.search !== shownSearch) location.reload();
});

// A log may be dropped anywhere on the page. A text is taken only where it would be lost otherwise: not in a field for text.
const hasFiles = (event) => [...event.dataTransfer.types].includes("Files");
const isForForm = (event) => hasFiles(event) || (form.contains(event.target) && !event.target.closest("input:not([type=file])"));
let entered = null;

document.addEventListener("dragenter", (event) => {
  entered = event.target;
  form.classList.toggle("dropping", hasFiles(event));
});
document.addEventListener("dragleave", (event) => {
  if (event.target === entered) form.classList.remove("dropping");
});
document.addEventListener("dragover", (event) => {
  if (!isForForm(event)) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "copy";
});
document.addEventListener("drop", (event) => {
  form.classList.remove("dropping");
  if (!isForForm(event)) return;
  event.preventDefault();
  const { files, items } = event.dataTransfer;
  const entry = items[0]?.webkitGetAsEntry?.();
  const isBill = event.target.closest("#c-bill") !== null;
  if (!files.length) showFault("This is text, not a file: drop a file with a usage log.");
  else if (files.length > 1 && !isBill) showFault(`These are ${files.length} files: drop one log at a time. The command line reads several at once.`);
  else if (entry?.isDirectory) showFault(`“${entry.name}” is a folder: drop a file. The command line reads folders.`);
  else if (isBill) {
    billInput.files = files;
    billInput.dispatchEvent(new Event("change", { bubbles: true }));
  } else {
    input.files = files;
    update();
  }
});
