// Keeps the page up to date: loads it again, and replaces each part that has changed.
// Without this script the browser loads the whole page again every few seconds.
"use strict";

const SECONDS_BETWEEN = 1;
const SECONDS_AFTER_FAILURE = 3;
const connection = document.getElementById("connection");
const shown = new Map();

for (const part of document.querySelectorAll("[data-live]")) {
  shown.set(part.id, part.outerHTML);
}

function replace(part, fresh) {
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  const opened = [...part.querySelectorAll("details[open]")].map((each) => each.id);
  const scrolled = [...part.querySelectorAll("pre")].map((each) => [each.scrollLeft, each.scrollTop]);
  part.replaceWith(fresh);
  for (const id of opened) {
    const details = document.getElementById(id);
    if (details) details.open = true;
  }
  fresh.querySelectorAll("pre").forEach((each, index) => {
    [each.scrollLeft, each.scrollTop] = scrolled[index] ?? [0, 0];
  });
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

// Returns whether the page can change further.
function takeIn(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(part.id);
    if (!fresh) {
      location.reload(); // The page has other parts now: the run is gone, or the first one has come.
      return false;
    }
    const source = fresh.outerHTML;
    if (shown.get(part.id) === source) continue;
    shown.set(part.id, source);
    replace(part, document.adoptNode(fresh));
  }
  return page.body.dataset.changes === "yes";
}

function tell(trouble) {
  if (connection.textContent !== trouble) connection.textContent = trouble;
  connection.hidden = trouble === "";
}

async function follow() {
  let seconds = SECONDS_BETWEEN;
  if (!document.hidden) {
    try {
      const response = await fetch(location.href, { cache: "no-store" });
      if (response.status >= 500) throw new Error(response.statusText);
      if (!takeIn(await response.text())) return;
      tell("");
    } catch {
      tell("The endpoint does not answer. What you see is not up to date.");
      seconds = SECONDS_AFTER_FAILURE;
    }
  }
  setTimeout(follow, seconds * 1000);
}

if (document.body.dataset.changes === "yes") setTimeout(follow, SECONDS_BETWEEN * 1000);
