// Keeps what this machine does up to date: every part with data-live is asked for anew, at its
// address, for as long as somebody looks at the page. Only what differs is changed, so that focus,
// selection and opened details stay where they are.

const PAUSE = 2000; // milliseconds between two questions
const PATIENCE = 5000;

for (const part of document.querySelectorAll("[data-live]")) keep(part);

async function keep(part) {
  const fault = document.createElement("p");
  fault.setAttribute("role", "status");
  part.after(fault);
  for (;;) {
    await new Promise((later) => setTimeout(later, PAUSE));
    await visible();
    const told = await ask(part.dataset.live);
    if (told.fresh) {
      const shown = document.createElement("template");
      shown.innerHTML = told.fresh;
      align(part, shown.content);
    }
    // The old facts stay, with their time, and a sentence that they are old.
    const said = told.fresh ? "" : (part.dataset.fault ?? "");
    if (fault.textContent !== said) fault.textContent = said;
    if (told.over) return;
  }
}

function visible() {
  return new Promise((seen) => {
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", look);
      seen();
    };
    document.addEventListener("visibilitychange", look);
    look();
  });
}

// The new content, and whether to ask no more: who has lost the token gets no other answer.
async function ask(address) {
  try {
    const reply = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    if (reply.ok) return { fresh: await reply.text(), over: false };
    return { fresh: null, over: reply.status === 401 || reply.status === 404 };
  } catch {
    return { fresh: null, over: false };
  }
}

// Makes the children of one node those of another, node by node.
function align(old, fresh) {
  const wanted = [...fresh.childNodes];
  const there = [...old.childNodes];
  wanted.forEach((node, at) => {
    const known = there[at];
    if (!known) old.append(node);
    else if (known.nodeType !== node.nodeType || known.nodeName !== node.nodeName) known.replaceWith(node);
    else if (node.nodeType === Node.ELEMENT_NODE) {
      attributes(known, node);
      align(known, node);
    } else if (known.data !== node.data) known.data = node.data;
  });
  there.slice(wanted.length).forEach((node) => node.remove());
}

function attributes(old, fresh) {
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    // What the reader has opened stays open.
    if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
}
