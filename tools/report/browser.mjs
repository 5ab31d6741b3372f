// Opens a page in a real browser, without a network, on a phone and on a desk, light and dark:
//
//     node browser.mjs PAGE.html PREFIX
//
// It must ask for nothing, report no error, fit its width, draw nothing on top of other words, and
// pass axe-core. PREFIX-WIDTH-THEME.png are pictures of all of it, to be looked at.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import puppeteer from 'puppeteer-core';

const [page_path, prefix] = process.argv.slice(2);
if (!page_path || !prefix) {
  console.error('node browser.mjs PAGE.html PREFIX');
  process.exit(2);
}
const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
let bad = 0;
const say = (what, found) => {
  if (found.length > 0) {
    bad += 1;
    console.log(`  ${what}: ${JSON.stringify(found.slice(0, 5))} (${found.length})`);
  }
};

/// Letters that lie on other letters of the same drawing, and cells that are cut.
const overlaps = () => {
  const found = [];
  for (const figure of document.querySelectorAll('figure')) {
    const shown = [...figure.querySelectorAll('text')].filter((t) => t.getClientRects().length);
    const boxes = shown.map((t) => [t.textContent, t.getBoundingClientRect()]);
    boxes.forEach(([name, a], place) => {
      for (const [other, b] of boxes.slice(place + 1)) {
        if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom) {
          found.push(`${figure.querySelector('figcaption').textContent}: ${name} / ${other}`);
        }
      }
      if (a.left < -1 || a.right > document.documentElement.clientWidth + 1) {
        found.push(`${name} leaves the page`);
      }
    });
  }
  return found;
};

for (const width of [360, 1280]) {
  for (const theme of ['light', 'dark']) {
    const page = await browser.newPage();
    const asked = [];
    const errors = [];
    page.on('request', (request) => {
      if (!request.url().startsWith('file:')) asked.push(request.url());
    });
    page.on('console', (told) => told.type() === 'error' && errors.push(told.text()));
    page.on('pageerror', (error) => errors.push(String(error)));
    await page.setOfflineMode(true);
    await page.setViewport({ width, height: 900 });
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
    await page.goto(`file://${fs.realpathSync(page_path)}`);
    console.log(`${width} px, ${theme}`);
    say('asked for', asked);
    say('errors', errors);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    say('wider than the screen', wide > width ? [wide] : []);
    say('overlaps', await page.evaluate(overlaps));
    await page.screenshot({ path: `${prefix}-${width}-${theme}.png`, fullPage: true });
    // The page forbids every script, so axe is asked by way of the debugger.
    await page.setBypassCSP(true);
    await page.reload();
    await page.evaluate(axe);
    const result = await page.evaluate('axe.run()');
    say('axe', result.violations.map((rule) => `${rule.id}: ${rule.nodes[0].html}`));
    await page.close();
  }
}
await browser.close();
console.log(bad === 0 ? 'the page is sound' : `${bad} complaints`);
process.exit(bad === 0 ? 0 : 1);
