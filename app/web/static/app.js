// What makes the pages nicer where there is JavaScript. Everything works without it.
"use strict";

// A button that copies each block of code.
for (const block of navigator.clipboard ? document.querySelectorAll(".code") : []) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(block.querySelector("code").textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
  block.append(button);
}

// A slug follows the name next to it until somebody writes one.
for (const slug of document.querySelectorAll("[data-slug-of]")) {
  const name = document.getElementById(slug.dataset.slugOf);
  const slugOf = (text) =>
    text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 128);
  let follows = slug.value === slugOf(name.value);
  name.addEventListener("input", () => follows && (slug.value = slugOf(name.value)));
  slug.addEventListener("input", () => (follows = slug.value === ""));
}

// A form that must not be sent twice by an impatient click.
for (const form of document.querySelectorAll("form[data-once]")) {
  const button = form.querySelector("button[type=submit]");
  form.addEventListener("submit", () => (button.disabled = true));
  addEventListener("pageshow", () => (button.disabled = false));
}

// After a refusal the first thing to read is what was wrong.
document.getElementById("summary")?.focus();
