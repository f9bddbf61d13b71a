/** One person in front of the page, on a phone or at a desk, and all that the browser complains of. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';

export const SIZES = {
  phone: { width: 390, height: 844 },
  desktop: { width: 1280, height: 800 },
} as const;
export type Size = keyof typeof SIZES;

const SHOTS = join(process.cwd(), 'reports', 'browser');

export class Viewer {
  readonly page: Page;
  readonly size: Size;
  /** Errors and warnings of the browser's console, and scripts that failed. */
  readonly complaints: string[] = [];

  private constructor(page: Page, size: Size) {
    this.page = page;
    this.size = size;
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(error.message));
  }

  static async open(browser: Browser, url: string, size: Size): Promise<Viewer> {
    const viewer = new Viewer(await browser.newPage({ viewport: SIZES[size] }), size);
    await viewer.page.goto(url);
    return viewer;
  }

  /** Text of a slot, of the whole page or of a bot's card; null while it is hidden. */
  async slot(name: string, bot?: string): Promise<string | null> {
    const at = this.page.locator(`${bot === undefined ? '' : `[data-bot="${bot}"] `}[data-slot="${name}"]`).first();
    return (await at.isVisible()) ? ((await at.textContent()) ?? '').replaceAll('\u00a0', ' ').trim() : null;
  }

  rows(table: string, bot: string): Promise<string[][]> {
    const path = `[data-bot="${bot}"] [data-slot="${table}"] tbody tr`;
    // As text, for this project's types know no document.
    return this.page.evaluate<string[][]>(
      `[...document.querySelectorAll('${path}')].map((row) => [...row.children].map((cell) => cell.textContent))`,
    );
  }

  /** How far the page is wider than the screen, px. */
  overhang(): Promise<number> {
    return this.page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
  }

  /** Cards that hide a part of what they show: it is wider than they are. */
  clipped(): Promise<string[]> {
    return this.page.evaluate<string[]>(
      `[...document.querySelectorAll('.card')].filter((card) => card.scrollWidth > card.clientWidth).map((card) => card.dataset.bot)`,
    );
  }

  /** Heights of what is tapped, px. */
  async targetHeights(): Promise<number[]> {
    const links = await this.page.locator('main a:visible').all();
    return Promise.all(links.map(async (link) => (await link.boundingBox())?.height ?? 0));
  }

  async shoot(name: string): Promise<void> {
    mkdirSync(SHOTS, { recursive: true });
    await this.page.screenshot({ path: join(SHOTS, `${name}-${this.size}.png`), fullPage: true });
  }

  close(): Promise<void> {
    return this.page.close();
  }
}
