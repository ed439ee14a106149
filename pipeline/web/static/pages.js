// A help, and no more: every page does its work without it.
"use strict";

// A form that is on its way is not sent a second time.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
});

// A page that comes back out of the browser's memory is loaded anew: it may be somebody else's.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

// Two minutes before a page leaves the screen by itself, it says so.
const idle = Number(document.body.dataset.idleSeconds || 0);
const notice = document.getElementById("idle-notice");
if (idle && notice) {
  setTimeout(() => { notice.hidden = false; }, Math.max(0, idle - 120) * 1000);
}
