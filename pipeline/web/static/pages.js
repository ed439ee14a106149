// A help, and no more: every page does its work without it.
"use strict";

// A masked value is fetched and put in its place, without the page being loaded anew.
const reveal = async (form, button) => {
  const fields = new URLSearchParams(new FormData(form));
  fields.set(button.name, button.value);
  fields.set("script", "yes");
  const answer = await fetch(form.action, { method: "POST", body: fields, cache: "no-store" });
  const kind = answer.headers.get("content-type") || "";
  if (!answer.ok || !kind.startsWith("application/json")) {
    location.reload(); // the page says what has changed: the case has ended, or the session
    return;
  }
  const values = await answer.json();
  const row = form.closest("tr");
  let first = null;
  for (const [name, text] of Object.entries(values)) {
    const cell = [...row.cells].find((one) => one.dataset.field === name);
    if (!cell) continue;
    cell.textContent = text;
    cell.className = "raw";
    cell.tabIndex = -1;
    first = first || cell;
  }
  if (!row.querySelector("button.mask")) row.querySelector("form[data-reveal]")?.remove();
  first?.focus();
  const live = document.getElementById("live");
  if (live) live.textContent = "Shown, and written down.";
};

// A form that is on its way is not sent a second time.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  if ("again" in form.dataset) return;
  form.dataset.sent = "yes";
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
  if ("reveal" in form.dataset && event.submitter) {
    event.preventDefault();
    reveal(form, event.submitter).catch(() => location.reload());
  }
});

// A page that comes back out of the browser's memory is loaded anew: it may be somebody else's.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

// A page that is left alone leaves the screen, and says so two minutes before.
const idle = Number(document.body.dataset.idleSeconds || 0);
const notice = document.getElementById("idle-notice");
if (idle && notice) {
  let timers = [];
  const begin = () => {
    for (const timer of timers) clearTimeout(timer);
    notice.hidden = true;
    timers = [
      setTimeout(() => { notice.hidden = false; }, Math.max(0, idle - 120) * 1000),
      setTimeout(() => location.replace("/sign-in"), (idle + 5) * 1000),
    ];
  };
  begin();
  document.getElementById("idle-stay").addEventListener("click", async () => {
    const answer = await fetch("/", { cache: "no-store" });
    if (answer.ok && !answer.redirected) begin();
    else location.replace("/sign-in");
  });
}

// The clock of a case goes on.
const clock = document.querySelector("[data-ends]");
if (clock) {
  const ends = Number(clock.dataset.ends);
  setInterval(() => {
    const minutes = Math.floor((ends - Date.now() / 1000) / 60);
    const days = Math.floor(minutes / 1440), hours = Math.floor(minutes / 60);
    if (minutes < 1) clock.textContent = minutes < 0 ? "nothing" : "under a minute";
    else if (days) clock.textContent = `${days} d ${hours % 24} h`;
    else clock.textContent = hours ? `${hours} h ${minutes % 60} min` : `${minutes} min`;
  }, 10_000);
}

// A search tells how far it is, and gives way to its results.
const progress = document.querySelector("[data-progress]");
if (progress) {
  const ask = async () => {
    const answer = await fetch(progress.dataset.progress, { cache: "no-store" });
    const said = answer.redirected || !answer.ok ? { done: true } : await answer.json();
    if (said.done) location.reload();
    else {
      progress.textContent = `Searching. ${said.text}`;
      setTimeout(ask, 1000);
    }
  };
  setTimeout(() => ask().catch(() => location.reload()), 1000);
}
