// A button at each command that copies it. Without this module, and where a browser lets no page
// write to the clipboard, the commands are there to be selected.

const PAUSE = 2000; // milliseconds until the button says again what it does

for (const part of document.querySelectorAll("[data-copy]")) {
  if (navigator.clipboard) part.querySelectorAll("pre.command").forEach((pre) => enhance(pre, part.dataset));
}

function enhance(pre, says) {
  const frame = document.createElement("div");
  frame.className = "copied";
  pre.replaceWith(frame);
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = says.copy;
  // Several buttons of one name: what each copies stands in its command.
  const code = pre.querySelector("code");
  button.setAttribute("aria-label", `${says.copy}: ${code.textContent}`);
  const status = document.createElement("span");
  status.className = "unseen";
  status.setAttribute("role", "status");
  frame.append(pre, button, status);
  let later = 0;
  button.addEventListener("click", async () => {
    let told = says.copied;
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      told = says.failed;
    }
    button.textContent = status.textContent = told;
    clearTimeout(later);
    later = setTimeout(() => {
      button.textContent = says.copy;
      status.textContent = "";
    }, PAUSE);
  });
}
