import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { parseState } from '../src/console/explore/exploreState.ts'
import { runCliLines } from './cli/runCli.ts'
import { curlOf, fenced, pagesInOrder, ROOT, shellLines, textOf, wordsOf } from './docsText.ts'
import { temporaryFolder } from './training/dataFixture.ts'

const DATA = 'examples/uci-restaurants'
const CLOSE = 0.05 // how far scores may be from those of the pages, on machines that round otherwise

interface Answer {
  restaurants: { id: number; score: number; displacement: number }[]
}

/** A command line of a page with what it is to be followed by: the requests to a server that it starts. */
interface Step {
  page: string
  args: string[]
  curls: string[]
}

test('what the pages do with the restaurants of UCI works, page after page, and prints what they say', async () => {
  const folder = await temporaryFolder()
  await cp(join(ROOT, DATA), join(folder, DATA), { recursive: true })
  const steps = stepsOf([...pagesInOrder(), `${DATA}/README.md`])
  assert.ok(steps.length > 12, `${steps.length} steps`)
  const serving = steps.findIndex(({ args }) => args[0] === 'serve')
  let printed = await runSteps(steps.slice(0, serving), folder)
  const answers = await serveFor(steps[serving], folder)
  printed += await runSteps(steps.slice(serving + 1), folder) // also fails if it serves once more

  for (const page of ['docs/start.md', 'docs/judging.md'])
    for (const line of plainBlocks(page).flatMap((block) => block.trim().split('\n')))
      assert.ok(
        printed.split('\n').some((found) => isClose(line, found)),
        `${page}: ${line}`,
      )
  const [first, user, , second] = answers as [Answer, { user_id: string }, null, Answer]
  const [told] = fenced('docs/start.md', 'json').map((text) => JSON.parse(text) as Answer)
  assert.ok(isClose(JSON.stringify(told), JSON.stringify(first)), JSON.stringify(first))
  assert.equal(user.user_id, 'U1001')
  assert.notDeepEqual(second, first, 'the change of the user counts at once')

  for (const page of ['docs/start.md', `${DATA}/README.md`]) {
    const [, query] =
      /<http:\/\/127\.0\.0\.1:8080\/#\/explore\?([^>]+)>/.exec(textOf(page)) ?? assert.fail(page)
    const { first: asked, latitude, longitude } = parseState(new URLSearchParams(query))
    assert.deepEqual([asked.user, latitude, longitude], ['U1001', 22.15, -100.98], page)
  }
})

/** What the pages do with this data, each line once. */
function stepsOf(pages: string[]): Step[] {
  const steps: Step[] = []
  const seen = new Set<string>()
  for (const page of pages)
    for (const line of shellLines(page).filter((one) => /\buci-|\/U1001\b/.test(one))) {
      if (line.startsWith('curl ')) steps.at(-1)?.curls.push(line)
      else if (line.startsWith('npx nearrank ') && !seen.has(line))
        steps.push({ page, args: wordsOf(line).slice(2), curls: [] })
      seen.add(line)
    }
  return steps
}

async function runSteps(steps: Step[], cwd: string): Promise<string> {
  const results = await runCliLines(
    steps.map(({ args }) => args),
    { cwd },
  )
  for (const [i, { code, stderr }] of results.entries())
    assert.equal(code, 0, `${steps[i].page}: ${steps[i].args.join(' ')}\n${stderr}`)
  return results.map(({ stdout }) => stdout).join('')
}

/** Starts the server of a step on a free port, sends what its curl lines do, stops it; the answers. */
async function serveFor({ args, curls }: Step, cwd: string): Promise<unknown[]> {
  const flags = ['--port', '0', '--json', '--log-level', 'fatal']
  const server = spawn(process.execPath, [join(ROOT, 'src/cli/main.ts'), ...args, ...flags], { cwd })
  const exited = once(server, 'exit')
  const answers: unknown[] = []
  try {
    const [ready] = (await once(createInterface(server.stdout), 'line')) as [string]
    const { url: origin } = JSON.parse(ready) as { url: string }
    for (const line of curls) {
      const { url, method, headers, payload } = curlOf(wordsOf(line), {})
      const answer = await fetch(`${origin}${url}`, { method, headers, ...(payload && { body: payload }) })
      const text = await answer.text()
      assert.ok(answer.ok, `${line}: ${answer.status} ${text}`)
      answers.push(text === '' ? null : JSON.parse(text))
    }
  } finally {
    server.kill()
    assert.deepEqual(await exited, [0, null])
  }
  return answers
}

/** Blocks without a language: what a command prints. */
function plainBlocks(page: string): string[] {
  const blocks = textOf(page).matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)
  return Array.from(blocks, ([, language, text]) => (language === '' ? text : '')).filter(
    (text) => text !== '',
  )
}

/** The same words, whole numbers and ids, and nearly the same fractions. */
function isClose(wanted: string, found: string): boolean {
  const fractions = (text: string) => Array.from(text.matchAll(/[−+]?\d+\.\d+/g), ([part]) => toNumber(part))
  const words = (text: string) =>
    text
      .replaceAll(/[−+]?\d+\.\d+/g, '#')
      .replaceAll(/[\s─]+/g, ' ')
      .trim()
  const [a, b] = [fractions(wanted), fractions(found)]
  return words(wanted) === words(found) && a.every((value, i) => Math.abs(value - b[i]) <= CLOSE)
}

function toNumber(text: string): number {
  return Number(text.replace('−', '-'))
}
