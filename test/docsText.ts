import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository; pages are named relative to it. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Pages of docs/ that are read in order, as docs/README.md lists them. */
export function pagesInOrder(): string[] {
  const links = textOf('docs/README.md').matchAll(/^\d+\. \[[^\]]+\]\((\w[^)]*)\)/gm)
  const pages = Array.from(links, ([, link]) => `docs/${link}`)
  const found = readdirSync(join(ROOT, 'docs')).filter((file) => file.endsWith('.md') && file !== 'README.md')
  assert.deepEqual(pages.toSorted(), found.map((file) => `docs/${file}`).toSorted(), 'docs/README.md')
  return pages
}

export function textOf(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8')
}

export function fenced(page: string, language: string): string[] {
  return Array.from(textOf(page).matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm))
    .filter(([, found]) => found === language)
    .map(([, , text]) => text)
}

/** The indented lines of a page, those that end in a backslash joined with the next. */
export function shellLines(page: string): string[] {
  return Array.from(
    textOf(page)
      .replaceAll(/\\\n +/g, '')
      .matchAll(/^ {4,}(\S.*)$/gm),
    ([, line]) => line,
  )
}

/** A line as a shell splits it: single quotes hold a word together, a comment is dropped. */
export function wordsOf(line: string): string[] {
  const words = line.match(/(?:'[^']*'|[^\s'#]|\b#)+|#.*/g) ?? []
  return words.filter((word) => !word.startsWith('#')).map((word) => word.replaceAll("'", ''))
}

export function curlOf(words: string[], files: Record<string, string>) {
  const request = {
    url: '',
    method: 'GET' as 'GET' | 'DELETE',
    headers: {} as Record<string, string>,
    payload: '',
  }
  for (let i = 1; i < words.length; i++) {
    if (words[i] === '>') break
    else if (words[i] === '-X') request.method = words[++i] as 'DELETE'
    else if (words[i] === '-H') {
      const [name, value] = words[++i].split(': ')
      request.headers[name] = value
    } else if (words[i].startsWith('-d') || words[i] === '--data-binary') {
      const text = words[++i]
      if (request.method === 'GET') request.method = 'POST' as 'GET'
      request.payload = files[text] ?? text
    } else request.url = words[i].replace('http://127.0.0.1:8080', '')
  }
  return request
}
