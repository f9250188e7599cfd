// Uses the dashboard in a browser: signs in, looks at every page, changes a key, and signs out. On each page, axe finds no
// violation. Then does the same with the start page of the sandbox.
//
// Usage: node dashboard.mjs LINK ONCE SANDBOX DIRECTORY CHROMIUM [ADDRESS]: a sign-in link that works several times, one that
// works once, the URL of the start page, where to put pictures, the browser, and an address of this machine that is not
// loopback.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import puppeteer from "puppeteer-core";

const [link, once, sandbox, directory, executablePath, address] = process.argv.slice(2);
const { origin, search } = new URL(link);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const key = "0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d01";
const pages = {
  overview: "/dashboard/acme-corp",
  "overview-90": "/dashboard/acme-corp?days=90",
  key: `/dashboard/acme-corp/keys/${key}`,
  keys: "/dashboard/acme-corp/keys",
  "keys-filtered": "/dashboard/acme-corp/keys?search=server&sort=totalRequests&order=desc&expiresWithinDays=365",
  "key-90": `/dashboard/acme-corp/keys/${key}?days=90`,
  "audit-empty": "/dashboard/acme-corp/audit",
  new: "/dashboard/acme-corp/keys/new",
  edit: `/dashboard/acme-corp/keys/${key}/edit`,
  rotate: `/dashboard/acme-corp/keys/${key}/rotate`,
  revoke: `/dashboard/acme-corp/keys/${key}/revoke`,
  empty: "/dashboard/initech",
};

// The pages with pictures in docs/pictures, and the maximum height of a picture.
const pictured = ["overview", "keys", "key", "new", "secret", "rotate", "revoke", "audit", "login", "sandbox"];
const pictureHeight = 1100;

const browser = await puppeteer.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update"],
});

async function newPage(context, scripts = true) {
  const page = await context.newPage();
  await page.setJavaScriptEnabled(scripts);
  page.on("console", (message) => {
    if (message.type() === "error" && !/status of (403|400|503)/.test(message.text())) failures.push(`${page.url()}: ${message.text()}`);
  });
  return page;
}

const failures = [];

async function check(page, name) {
  // The policy of the page forbids scripts in it; this one runs beside it.
  await page.evaluate(axe);
  const { violations } = await page.evaluate("axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })");
  for (const { id, nodes } of violations) failures.push(`${name}: axe ${id}: ${nodes.map((node) => node.html).join(" | ")}`);
  const { scrollWidth, clientWidth } = await page.evaluate(
    "({ scrollWidth: document.documentElement.scrollWidth, clientWidth: document.documentElement.clientWidth })",
  );
  if (scrollWidth > clientWidth) failures.push(`${name}: ${scrollWidth} px do not fit into ${clientWidth}`);
}

async function look(page, name) {
  for (const [scheme, suffix] of [["light", ""], ["dark", "-dark"]]) {
    // Without motion: axe would look at colours in the middle of a transition.
    await page.emulateMediaFeatures([
      { name: "prefers-color-scheme", value: scheme },
      { name: "prefers-reduced-motion", value: "reduce" },
    ]);
    for (const width of [1300, 390, 320]) {
      await page.setViewport({ width, height: 900 });
      await check(page, `${name}${suffix} at ${width}`);
      if (width !== 320 && pictured.includes(name)) {
        const bottom = await page.$eval("main", (main) => Math.ceil(main.getBoundingClientRect().bottom + scrollY));
        const height = Math.min(pictureHeight, bottom);
        const path = join(directory, `${name}${suffix}-${width}.png`);
        await page.screenshot({ path, clip: { x: 0, y: 0, width, height } });
      }
    }
  }
  await page.emulateMediaFeatures([]);
  await page.setViewport({ width: 1300, height: 900 });
}

const click = (page, selector) => Promise.all([page.waitForNavigation(), page.click(selector)]);
const signOut = async (page) => {
  await page.click(".menu summary");
  await click(page, ".menu form button");
};

// Presses each button that copies, and compares the clipboard. Without scripts, there is no button.
async function copyEach(page, scripts) {
  const boxes = await page.$$("[data-copy]");
  assert.ok(boxes.length > 0);
  for (const box of scripts ? boxes.slice(0, 3) : boxes) {
    const button = await box.$("button");
    if (!scripts) {
      assert.equal(button, null);
      continue;
    }
    await button.click();
    await page.waitForFunction((button) => button.firstChild.data === "Copied", {}, button);
    const name = await box.evaluate((box) => box.dataset.copy);
    assert.equal(await page.$eval("[role=status]", (status) => status.textContent), `Copied ${name}.`);
    assert.ok(await button.evaluate((button) => button === document.activeElement));
    if (await page.evaluate("isSecureContext")) {
      const text = await box.$eval("code", (code) => code.textContent);
      assert.equal(await page.evaluate("navigator.clipboard.readText()"), text);
    }
  }
}

// Filters, and the life of a key: created, rotated, disabled, enabled, edited, revoked. Each secret is shown once.
async function change(page, scripts) {
  await page.goto(`${origin}${pages.keys}`);
  await page.type("[name=search]", "mobile");
  await click(page, ".filters button");
  assert.match(page.url(), /search=mobile/);
  await page.goto(`${origin}${pages.new}`);
  await page.type("[name=quota]", "many");
  await click(page, "main button");
  if (scripts) await look(page, "new-problems");
  await page.type("[name=name]", scripts ? "Invoice archive" : "Nightly export");
  await page.$eval("[name=quota]", (field) => (field.value = ""));
  await click(page, "main button");
  const secret = await page.$eval(".secret", (element) => element.textContent);
  assert.match(secret, /^sk_[0-9A-Za-z]{36}$/);
  await copyEach(page, scripts);
  if (scripts) await look(page, "secret");
  const validated = await fetch(`${origin}/api/api-keys/validate`, { method: "POST", headers: { "X-API-Key": secret } });
  assert.equal(validated.status, 200);
  // A reload sends the form again: the browser ends up at the key, and the secret is not shown.
  await page.reload();
  const path = page.url();
  assert.match(path, /\/keys\/[0-9a-f-]{36}$/);
  assert.ok(!(await page.content()).includes(secret));
  await page.goBack();
  assert.ok(!(await page.content()).includes(secret));
  await page.goto(`${path}/rotate`);
  await click(page, "main button");
  assert.notEqual(await page.$eval(".secret", (element) => element.textContent), secret);
  await page.goto(path);
  for (const [action, status] of [["disable", "disabled"], ["enable", "active"]]) {
    await click(page, `form[action$=${action}] button`);
    assert.equal(await page.$eval("h1 .badge", (badge) => badge.textContent), status);
  }
  await page.goto(`${path}/edit`);
  await page.type("[name=description]", "edited");
  await click(page, "main button");
  assert.ok((await page.content()).includes("edited"));
  await click(page, "a[href$=revoke]");
  await click(page, "main button");
  assert.equal(await page.$eval("h1 .badge", (badge) => badge.textContent), "revoked");
  if (scripts) await look(page, "revoked");
  await page.goto(`${origin}/dashboard/acme-corp/audit`);
  assert.match(await page.$eval("main", (main) => main.textContent), /revoked/);
  if (scripts) await look(page, "audit");
}

async function visit(scripts) {
  const context = await browser.createBrowserContext();
  await context.overridePermissions(origin, ["clipboard-read", "clipboard-write"]);
  const page = await newPage(context, scripts);
  await page.goto(`${origin}${pages.key}`);
  assert.equal(new URL(page.url()).pathname, "/login");
  if (scripts) await look(page, "login-without-link");
  await page.goto(link);
  if (scripts) await look(page, "login");
  await click(page, "main button");
  assert.equal(page.url(), `${origin}/dashboard/acme-corp`);
  for (const [name, path] of Object.entries(pages)) {
    const response = await page.goto(`${origin}${path}`);
    assert.equal(response.status(), 200, path);
    if (scripts) await look(page, name);
  }
  await page.goto(`${origin}${pages.overview}`);
  await click(page, ".keys a");
  assert.match(page.url(), /\/keys\/[0-9a-f-]{36}$/);
  await change(page, scripts);
  const forbidden = await page.goto(`${origin}/dashboard/globex`);
  assert.equal(forbidden.status(), 403);
  if (scripts) await look(page, "forbidden");
  await page.goto(`${origin}${pages.overview}`);
  if (scripts) {
    await page.click(".menu summary");
    await look(page, "menu");
    await page.click(".menu summary");
  }
  await signOut(page);
  assert.equal(page.url(), `${origin}/login`);
  await page.goto(`${origin}${pages.overview}`);
  assert.equal(new URL(page.url()).pathname, "/login");
  await context.close();
  console.log(`signed in, looked, signed out, ${scripts ? "with" : "without"} scripts`);
}

// A GET does not use up a link that works once, as a preview of the link would send it.
{
  const context = await browser.createBrowserContext();
  const page = await newPage(context);
  const url = `${origin}/login${new URL(once).search}`;
  for (let n = 0; n < 3; n++) await page.goto(url);
  await click(page, "main button");
  assert.equal(page.url(), `${origin}${pages.overview}`);
  await signOut(page);
  await page.goto(url);
  assert.match(await page.$eval("main", (main) => main.textContent), /This sign-in link does not work/);
  await context.close();
  console.log("a link that works once survives previews, and works once");
}

await visit(true);
await visit(false);

// A form of another origin does not sign in.
const context = await browser.createBrowserContext();
const foreign = await newPage(context);
const code = new URLSearchParams(search).get("code");
await foreign.setContent(`<form method="post" action="${origin}/login"><input name="code" value="${code}"><button>x</button></form>`);
const [response] = await click(foreign, "button");
assert.equal(response.status(), 403);
assert.deepEqual(await foreign.cookies(origin), []);
await context.close();
console.log("a form of another origin is refused");

// Over http to another address, the browser sends Origin alone.
if (address) {
  const context = await browser.createBrowserContext();
  const page = await newPage(context);
  const other = `http://${address}:${new URL(origin).port}`;
  await page.goto(`${other}/login${search}`);
  await click(page, "main button");
  assert.equal(page.url(), `${other}/dashboard/acme-corp`);
  // `navigator.clipboard` does not exist there.
  await page.goto(`${other}${pages.new}`);
  await page.type("[name=name]", "Other address");
  await click(page, "main button");
  await copyEach(page, true);
  await page.goto(`${other}${pages.overview}`);
  await signOut(page);
  assert.equal(page.url(), `${other}/login`);
  await context.close();
  console.log(`the same works at ${other}`);
}

// The start page of the sandbox: texts can be copied, and examples sent.
for (const scripts of [true, false]) {
  const context = await browser.createBrowserContext();
  await context.overridePermissions(new URL(sandbox).origin, ["clipboard-read", "clipboard-write"]);
  const page = await newPage(context, scripts);
  await page.goto(sandbox);
  await copyEach(page, scripts);
  if (scripts) {
    for (const [example, first] of [["[data-token] [data-method]", /^200 OK\n\{/], ["[data-prefer^='code=503']", /^503 /]]) {
      const box = await page.$(example);
      await box.evaluate((box) => { box.closest("details").open = true; });
      await (await box.$("button")).click();
      const response = await box.waitForSelector("pre");
      assert.match(await response.evaluate((response) => response.textContent), first);
    }
    await look(page, "sandbox-opened");
    await page.reload();
    await look(page, "sandbox");
  } else {
    assert.equal(await page.$("[data-method] button"), null);
  }
  await context.close();
}
console.log("the start page of the sandbox copies and sends its examples");

await browser.close();
if (failures.length) {
  console.error([...new Set(failures)].join("\n"));
  process.exit(1);
}
console.log("axe finds nothing, and every page fits into 320 px");
