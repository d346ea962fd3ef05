// Sends the chosen, dropped or pasted picture to the server and shows what it answers.
"use strict";

const $ = (id) => document.getElementById(id);
const shown = {};  // object URLs in use, by the id of their image
const sizes = {
  predict: "A character has 32 x 52 pixels. Let other sizes, up to 512 x 512, be scaled, or choose a whole CAPTCHA.",
  solve: "A whole CAPTCHA has 200 x 50 pixels. Let other sizes, up to 512 x 512, be scaled, or choose a character.",
};
let picture = null;
let turn = 0;  // of the newest reading: older answers are passed over

function show(id, blob) {
  if (shown[id]) URL.revokeObjectURL(shown[id]);
  shown[id] = URL.createObjectURL(blob);
  $(id).src = shown[id];
}

function percent(share) {
  return (100 * share).toFixed(1) + " %";
}

function blobOf(dataUrl) {
  const bytes = Uint8Array.from(atob(dataUrl.split(",")[1]), (c) => c.charCodeAt(0));
  return new Blob([bytes], {type: "image/png"});
}

function fail(text) {
  $("status").textContent = "";
  $("answer").hidden = true;
  $("error").textContent = text;
  $("error").hidden = false;
}

function row(entry) {
  const line = document.createElement("tr");
  const meter = document.createElement("meter");
  meter.value = entry.probability;
  meter.setAttribute("aria-hidden", "true");  // the number beside it says the same
  for (const content of [entry.label, percent(entry.probability), meter]) {
    const cell = document.createElement("td");
    cell.append(content);
    line.append(cell);
  }
  return line;
}

function answer(reading, file) {
  const text = reading.label ?? reading.text;
  $("reading").textContent = text;
  $("sure").textContent = percent(reading.probability ?? reading.confidence);
  show("picture", file);
  $("answer").classList.toggle("whole", !reading.cam);
  $("cam-figure").hidden = !reading.cam;
  if (reading.cam) {
    show("cam", blobOf(reading.cam));
    $("cam").alt = "Heat map of the places that spoke for " + text;
  }
  $("top").hidden = !reading.top;
  $("top").tBodies[0].replaceChildren(...(reading.top ?? []).map(row));
  $("error").hidden = true;
  $("answer").hidden = false;
  $("status").textContent = "Read: " + [...text].join(" ");
}

async function read(file) {
  const mine = ++turn;
  const kind = document.forms[0].elements.kind.value;
  $("status").textContent = "Reading …";
  const query = "?cam=1" + ($("resize").checked ? "&resize=1" : "");
  try {
    const reply = await fetch("/v1/" + kind + query,
                              {method: "POST", headers: {"Content-Type": "image/png"}, body: file});
    const body = await reply.json();
    if (mine !== turn) return;
    if (reply.ok) answer(body.predictions[0], file);
    else fail(body.kind === "size" ? sizes[kind] : body.detail);
  } catch {
    if (mine === turn) fail("The server does not answer.");
  }
}

function take(files) {
  picture = files[0] ?? picture;
  if (picture) read(picture);
}

$("form").addEventListener("submit", (event) => event.preventDefault());
$("form").addEventListener("change", (event) => take(event.target.files ?? []));
document.addEventListener("paste", (event) => take(event.clipboardData.files));
for (const kind of ["dragover", "dragleave", "drop"])
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    $("form").classList.toggle("over", kind === "dragover");
    if (kind === "drop") take(event.dataTransfer.files);
  });

fetch("/readyz").then((reply) => reply.json()).then((state) => {
  $("solve").disabled = !state.solver;
}).catch(() => {});
