/* The script of the pages: buttons that copy a text, and buttons that send a request of the sandbox's start page.
   A page is complete without it. The buttons are added here, so that they exist only where they work.
   Invariant: a button keeps the focus, and its result is announced by a live region. */
const announcer = document.createElement("p");
announcer.className = "hidden";
announcer.setAttribute("role", "status");
document.body.append(announcer);

/* Makes a button that shows `words`; a screen reader also reads `object`. */
function button(words, object, act) {
  const element = document.createElement("button");
  const hidden = document.createElement("span");
  element.type = "button";
  element.className = "small";
  hidden.className = "hidden";
  hidden.textContent = ` ${object}`;
  element.append(words, hidden);
  element.addEventListener("click", () => act(element));
  return element;
}

function show(element, words) {
  element.firstChild.data = words;
}

/* Browsers offer `navigator.clipboard` only over https and on localhost. */
async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    const selection = getSelection();
    selection.selectAllChildren(element);
    const copied = document.execCommand("copy");
    if (copied) selection.removeAllRanges();
    return copied;
  }
}

for (const box of document.querySelectorAll("[data-copy]")) {
  const name = box.dataset.copy;
  let timer;
  box.append(button("Copy", name, async (self) => {
    const copied = await copy(box.querySelector("code"));
    show(self, copied ? "Copied" : "Press Ctrl+C");
    announcer.textContent = copied ? `Copied ${name}.` : `Press Ctrl+C to copy ${name}.`;
    clearTimeout(timer);
    timer = setTimeout(() => {
      show(self, "Copy");
      announcer.textContent = "";
    }, 3000);
  }));
}

/* Sends the request that the attributes of `box` and of the elements around it describe. Returns the first line of the
   response, and its body. */
async function send(box) {
  const { prefer, body } = box.dataset;
  const { method, path } = box.closest("[data-method]").dataset;
  const token = box.closest("[data-token]")?.dataset.token;
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (prefer) headers.Prefer = prefer;
  if (body) headers["Content-Type"] = "application/json";
  const response = await fetch(path, { method, headers, body });
  const text = await response.text();
  let shown = text;
  try {
    shown = JSON.stringify(JSON.parse(text), null, 2);
  } catch { /* The body is not JSON. */ }
  return [`${response.status} ${response.statusText}`, shown];
}

for (const box of document.querySelectorAll("[data-method] li, li[data-method]")) {
  const name = box.textContent.trim();
  const output = document.createElement("pre");
  output.tabIndex = 0;
  output.setAttribute("role", "group");
  output.setAttribute("aria-label", `Response to ${name}`);
  output.className = "response";
  box.append(button("Send", name, async (self) => {
    show(self, "Sending");
    const [first, shown] = await send(box).catch((error) => ["No response", String(error)]);
    show(self, "Send again");
    announcer.textContent = `Response: ${first}`;
    output.textContent = `${first}\n${shown}`.trimEnd();
    box.append(output);
  }));
}
