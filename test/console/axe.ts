import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'

const AXE = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8')

interface Finding {
  impact: string | null
  id: string
  nodes: { html: string; failureSummary?: string }[]
}

/** Asserts that axe finds nothing serious or critical on the page as it is now. */
export async function assertAccessible(page: Page): Promise<void> {
  await page.evaluate(AXE) // by the browser's own interface: the page's policy allows no script but its own
  const { violations, passes } = await page.evaluate<{ violations: Finding[]; passes: unknown[] }>(
    'axe.run()',
  )
  assert.ok(passes.length > 5, 'axe has looked at something')
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  assert.deepEqual(
    serious.map(
      ({ id, nodes }) =>
        `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('\n')}`,
    ),
    [],
  )
}
