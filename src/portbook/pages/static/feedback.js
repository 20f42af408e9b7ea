// "Was this page useful?" without leaving the page. Where anything here fails, the form is sent
// as it would be without this module.

const PATIENCE = 10000; // milliseconds

for (const form of document.querySelectorAll("form.feedback")) enhance(form);

function enhance(form) {
  const fields = form.querySelector(".fields");
  const status = form.querySelector("[role=status]");
  const comment = form.elements.comment;
  const left = form.querySelector(".left");
  let plainly = false;

  const count = () => {
    left.lastElementChild.textContent = String(comment.maxLength - comment.value.length);
  };
  left.hidden = false;
  count();
  comment.addEventListener("input", count);

  form.addEventListener("submit", async (event) => {
    if (plainly) return;
    event.preventDefault();
    if (form.getAttribute("aria-busy") === "true") return;
    form.setAttribute("aria-busy", "true");
    const button = event.submitter;
    const answer = await send(form, button);
    form.removeAttribute("aria-busy");
    if (answer === null) {
      plainly = true;
      form.requestSubmit(button);
      return;
    }
    status.textContent = answer.said;
    if (answer.over) {
      fields.hidden = true;
      status.focus();
    }
  });
}

// What the server said, and whether there is nothing left to do; null where it said nothing that
// can be shown.
async function send(form, button) {
  const body = { page: form.elements.page.value, useful: button.value, comment: form.elements.comment.value };
  try {
    const reply = await fetch(form.action, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE),
    });
    const told = await reply.json();
    const said = reply.ok ? told.message : [told.error.message, told.error.hint].filter(Boolean).join(" ");
    return said ? { said, over: reply.ok || reply.status === 409 } : null;
  } catch {
    return null;
  }
}
