import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { assertAccessible } from './axe.ts'

/** A phone in the dark and a desk in the light. */
export const SIZES = [
  { width: 360, height: 740, colorScheme: 'dark' },
  { width: 1440, height: 900, colorScheme: 'light' },
] as const

/** Asserts that the page is usable as it is: nothing stands out to the side, and axe finds nothing serious. */
export async function assertUsable(page: Page): Promise<void> {
  const beyond = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
  assert.equal(beyond, 0, 'pixels beyond the side')
  await assertAccessible(page)
}
