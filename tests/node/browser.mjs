// A headless Chromium that is told what to do: one command of JSON a line comes in, one answer of JSON a line goes out.
import { createInterface } from "node:readline";
import chromium from "@sparticuz/chromium";
import puppeteer from "puppeteer-core";

// Its own arguments are for AWS Lambda. What would hide a mistake of the page is not taken over.
const UNSAFE = new Set(["--disable-web-security", "--allow-running-insecure-content"]);
const DEADLINE = 90_000;

const browser = await puppeteer.launch({
  args: chromium.args.filter((argument) => !UNSAFE.has(argument)),
  executablePath: await chromium.executablePath(),
  headless: "shell",
  protocolTimeout: DEADLINE,
});
let page;
let problems = [];

const commands = {
  async open({ url, javascript = true, width = 1000, height = 800, scheme = "light" }) {
    await page?.close();
    page = await browser.newPage();
    problems = [];
    page.on("console", (message) => problems.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => problems.push(`error: ${error.message}`));
    page.on("requestfailed", (request) => problems.push(`failed: ${request.url()} ${request.failure()?.errorText}`));
    page.on("dialog", (dialog) => {
      problems.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.setDefaultTimeout(DEADLINE);
    await page.setJavaScriptEnabled(javascript);
    await page.setViewport({ width, height });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    return (await page.goto(url)).status();
  },
  // Works without the page's own JavaScript, too.
  evaluate: ({ expression }) => page.evaluate(expression),
  wait: async ({ expression }) => void (await page.waitForFunction(expression, { polling: 50 })),
  click: ({ selector }) => page.click(selector),
  async follow({ selector }) {
    await Promise.all([page.waitForNavigation(), page.click(selector)]);
    return page.url();
  },
  screenshot: async ({ path }) => void (await page.screenshot({ path, fullPage: true })),
  problems: () => problems,
};

function say(answer) {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

say({ result: await browser.version() });
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...options } = JSON.parse(line);
  try {
    say({ result: (await commands[command](options)) ?? null });
  } catch (error) {
    say({ error: `${error}` });
  }
}
await browser.close();
