import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const ROOT = join(import.meta.dirname, '..')

test('docs/TRUST.md has every trust test with the promise that it makes now', () => {
  const page = readFileSync(join(ROOT, 'docs/TRUST.md'), 'utf8')
  const files = readdirSync(join(ROOT, 'trust')).filter((file) => file.endsWith('.trust.ts'))
  assert.ok(files.length > 10, `${files.length} tests`)
  for (const file of files) {
    const promise = /\btrust\(\s*'(.*)',\n/.exec(readFileSync(join(ROOT, 'trust', file), 'utf8'))?.[1]
    assert.ok(promise, file)
    assert.ok(page.includes(`| \`${file.replace('.trust.ts', '')}\` | ${promise} |`), `${file}: ${promise}`)
  }
})
