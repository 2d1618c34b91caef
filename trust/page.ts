import { execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { markdownTable, replaceSection, wrap } from '../bench/peers/markdown.ts'

export interface Outcome {
  name: string
  promise: string
  result: 'held' | 'failed' | 'not run'
  figure: string
  seconds: number
}

const ROOT = join(import.meta.dirname, '..')
const PAGE = join(ROOT, 'docs/TRUST.md')

/** Replaces the section of a scale. */
export async function writePage(scale: 'small' | 'night', seed: string, outcomes: Outcome[]): Promise<void> {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim()
  const date = new Date().toISOString().slice(0, 10)
  const machine = `${cpus()[0].model}, ${cpus().length} threads, Node ${process.versions.node}`
  const madeOn = `**Date:** ${date}. **Commit:** ${commit}. **Machine:** ${machine}. **Seed:** ${seed}.`
  const rows = outcomes.map(({ name, promise, result, figure, seconds }) => [
    `\`${name}\``,
    promise,
    result === 'held' ? figure : `**${result}**: ${figure.split('\n')[0]}`,
    `${Math.round(seconds)} s`,
  ])
  const table = markdownTable(['Test', 'Promise', 'Seen', 'Took'], rows).replaceAll('---:', '---')
  const section = `${wrap(madeOn)}\n\n${table}`
  await writeFile(PAGE, replaceSection(await readFile(PAGE, 'utf8'), section, scale))
}
