import { Markup, markup, NOTHING, type Part } from './markup.ts'
import { STYLES } from './styles.ts'
import { badge, type Verdict } from './verdict.ts'

/** A part of a page that its table of contents names. */
export interface Section {
  id: string
  heading: string
  content: Part
}

export interface Page {
  title: string
  summary: Part // below the title
  sections: readonly Section[]
  footer: string
}

/**
 * A whole page that needs nothing but itself: no script, no request, its styles within. It is well-formed XML
 * as well. The same content gives the same bytes.
 */
export function renderPage({ title, summary, sections, footer }: Page): string {
  const links = sections.map(({ id, heading }) => markup`<li><a href="#${id}">${heading}</a></li>`)
  const parts = sections.map(renderSection)
  return markup`<!DOCTYPE html>
<html lang="en" xmlns="http://www.w3.org/1999/xhtml">
<head>
<meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>
<title>${title}</title>
<style>
${STYLES}</style>
</head>
<body>
<header><h1>${title}</h1>
${summary}
<nav aria-label="Sections"><ul>${links}</ul></nav></header>
<main>
${parts}</main>
<footer><p>${footer}</p></footer>
</body>
</html>
`.toString()
}

function renderSection({ id, heading, content }: Section): Markup {
  return markup`<section id="${id}" aria-labelledby="${id}-heading">
<h2 id="${id}-heading">${heading}</h2>
${content}</section>
`
}

/**
 * A rendered page with another content of one of its sections; undefined if it has no such section. No text
 * can be taken for the markup that is looked for, since what is text is escaped.
 */
export function replaceSection(page: string, section: Section): string | undefined {
  const start = page.indexOf(`<section id="${section.id}" `)
  const end = page.indexOf(SECTION_END, start)
  if (start < 0 || end < 0) return undefined
  return page.slice(0, start) + renderSection(section).toString() + page.slice(end + SECTION_END.length)
}

const SECTION_END = '</section>\n'

/** A picture with what it says, how to read it, and its numbers. */
export interface Figure {
  heading: string
  verdict?: Verdict | undefined
  reading?: string // how the picture is read
  legend?: Markup
  picture: Part
  table?: Markup
}

export function figure({
  heading,
  verdict,
  reading,
  legend = NOTHING,
  picture,
  table = NOTHING,
}: Figure): Markup {
  return markup`<figure class="card">
<figcaption><h3>${heading}</h3>
${verdict ? verdictText(verdict) : ''}</figcaption>
${legend}${picture}${reading === undefined ? '' : markup`<p class="reading">${unbroken(reading)}</p>\n`}${table}</figure>
`
}

/** Cards beside one another as far as there is room: three in a row, or two if so none stands alone. */
export function cards(...content: readonly Part[]): Markup {
  const all = content.filter((card) => card instanceof Markup)
  const look = all.length === 1 ? 'cards one' : all.length % 3 === 1 ? 'cards two' : 'cards'
  return markup`<div class="${look}">
${all}</div>
`
}

export function verdictText(verdict: Verdict): Markup {
  return markup`<p class="verdict">${badge(verdict)} ${unbroken(verdict.text)}</p>\n`
}

/** A number that stands for itself, with a word beside it. */
export interface Tile {
  name: string
  value: string
  verdict: Verdict
}

export function tiles(all: readonly Tile[]): Markup {
  const items = all.map(
    ({ name, value, verdict }) =>
      markup`<div class="tile"><dt>${name}</dt><dd><strong>${value}</strong> ${badge(verdict)}<p>${unbroken(verdict.text)}</p></dd></div>\n`,
  )
  return markup`<dl class="${all.length % 4 === 0 ? 'tiles four' : 'tiles'}">
${items}</dl>
`
}

export function paragraph(text: Part): Markup {
  return markup`<p>${text}</p>\n`
}

/** A number and its unit stay on one line. */
export function unbroken(text: string): string {
  return text.replaceAll(/(\d) (%|s|ms|[KMGT]iB)(?!\w)/g, '$1\u{A0}$2')
}
