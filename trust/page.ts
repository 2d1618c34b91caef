import { execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { markdownTable, replaceSection, type SectionName } from '../bench/peers/markdown.ts'

export interface Outcome {
  name: string
  promise: string
  result: 'held' | 'failed' | 'not run'
  figure: string
  seconds: number
}

const ROOT = join(import.meta.dirname, '..')
const PAGE = join(ROOT, 'docs/TRUST.md')
const HEAD = ['Test', 'Promise', 'Seen', 'Took', 'Commit, seed']

/** Writes the rows of a scale; those of tests that did not run now stay as they are. */
export async function writePage(scale: SectionName, seed: string, outcomes: Outcome[]): Promise<void> {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim()
  const page = await readFile(PAGE, 'utf8')
  const rows = rowsOf(page, scale)
  for (const { name, promise, result, figure, seconds } of outcomes)
    rows.set(name, [
      `\`${name}\``,
      promise,
      result === 'held' ? figure : `**${result}**: ${figure.split('\n')[0]}`,
      `${Math.round(seconds)} s`,
      `${commit}, ${seed}`,
    ])
  const machine = `${cpus()[0].model}, ${cpus().length} threads, Node ${process.versions.node}`
  const made = `**Last run:** ${new Date().toISOString().slice(0, 10)}. **Machine:** ${machine}.`
  const sorted = [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
  const table = markdownTable(HEAD, sorted).replaceAll('---:', '---')
  await writeFile(PAGE, replaceSection(page, `${made}\n\n${table}`, scale))
}

/** The rows of a section, by the names of their tests. */
function rowsOf(page: string, scale: SectionName): Map<string, string[]> {
  const section = page.slice(page.indexOf(`<!-- ${scale}:begin -->`), page.indexOf(`<!-- ${scale}:end -->`))
  const rows = new Map<string, string[]>()
  for (const [line, name] of section.matchAll(/^\| `(\w+)` \|.*$/gm)) {
    const cells = line.slice(2, -2).split(' | ')
    if (cells.length === HEAD.length) rows.set(name, cells)
  }
  return rows
}
