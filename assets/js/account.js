// Sends the form of an account page to the API. The secret of a mailed link stands behind "#" and goes nowhere else.
"use strict";

const form = document.querySelector("form[data-action]");

function show(kind, text) {
  for (const note of form.querySelectorAll("p.error, p.done")) note.hidden = true;
  const note = form.querySelector(`p.${kind}`);
  note.textContent = text;
  note.hidden = false;
}

function body() {
  const values = Object.fromEntries(new FormData(form));
  if ("takesLink" in form.dataset) values.token = new URLSearchParams(location.hash.slice(1)).get("token") || "";
  return values;
}

async function send(event) {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const answer = await fetch(form.dataset.action, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(body()),
    });
    if (!answer.ok) {
      show("error", (await answer.json()).detail);
      button.disabled = false;
      return;
    }
    for (const piece of form.querySelectorAll("label, input, button")) piece.remove();
    show("done", form.dataset.done);
    history.replaceState(null, "", location.pathname);
  } catch {
    show("error", "The server does not answer. Try again in a moment.");
    button.disabled = false;
  }
}

if (form) {
  form.addEventListener("submit", send);
  form.querySelector("button").disabled = false;
}
