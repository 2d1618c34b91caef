import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const COLUMNS_MAX = 110
const LINES_MAX = 350 // of a file of src

const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file))
  .map((file) => ({ file, lines: readFileSync(join(ROOT, 'src', file), 'utf8').split('\n') }))

describe('tidy sources', () => {
  test('comments are at most 110 columns wide', () => {
    assert.ok(sources.length > 100)
    assert.deepEqual(
      sources.flatMap(({ file, lines }) =>
        lines.flatMap((line, i) => (isWideComment(line) ? `${file}:${i + 1}: ${line.length} columns` : [])),
      ),
      [],
    )
  })

  test('a file has at most 350 lines', () => {
    const long = sources.filter(({ lines }) => lines.length > LINES_MAX)
    assert.deepEqual(
      long.map(({ file, lines }) => `${file}: ${lines.length} lines`),
      [],
    )
  })

  test('functions of more than 80 lines are errors of the linter', () => {
    const { overrides } = JSON.parse(readFileSync(join(ROOT, '.oxlintrc.json'), 'utf8')) as {
      overrides: { files: string[]; rules: Record<string, unknown> }[]
    }
    const { rules } =
      overrides.find(({ files }) => files.includes('src/**')) ?? assert.fail('no rules of src')
    assert.deepEqual(rules['max-lines-per-function'], ['error', { max: 80 }])
  })

  test('nothing is committed that a run has left', (t) => {
    if (!existsSync(join(ROOT, '.git'))) return t.skip('not a clone')
    const ignored = execFileSync('git', ['ls-files', '--cached', '--ignored', '--exclude-standard'], {
      cwd: ROOT,
    })
    assert.equal(ignored.toString(), '')
  })

  test('the rule of comments catches what it forbids, and leaves long texts alone', () => {
    const wide = 'x'.repeat(COLUMNS_MAX)
    for (const line of [`// ${wide}`, ` * ${wide}`, `/** ${wide} */`, `const a = 1 // ${wide}`])
      assert.ok(isWideComment(line), line)
    for (const line of [`// ${wide.slice(4)}`, `throw new Error('${wide}')`, `const url = 'http://${wide}'`])
      assert.ok(!isWideComment(line), line)
  })
})

function isWideComment(line: string): boolean {
  return line.length > COLUMNS_MAX && (/^\s*(\/\/|\/?\*)/.test(line) || /[^:'"`]\s\/\/ [^'"`]*$/.test(line))
}
