import type { Manifest } from './bundle.ts'
import { mapTilesOrigin } from './mapTiles.ts'

/** What the page is told. */
export interface ConsolePage {
  hasKeys: boolean // it must ask for one
  /** What its map is drawn from; absent: coast lines that are a part of the page. */
  mapTiles?: MapTiles | undefined
}

interface MapTiles {
  url: string // with {z}, {x} and {y}
  attribution: string // whom the map is from
}

/**
 * Nothing is loaded from anywhere else but tiles that the operator has named, nothing is inline, and no other
 * page may frame this one.
 */
export function contentSecurityPolicy({ mapTiles }: ConsolePage): string {
  const tiles = mapTiles ? ` ${mapTilesOrigin(mapTiles.url)}` : ''
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src 'self' data:${tiles}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** The page. All addresses are relative: a proxy may put a prefix before all paths. */
export function pageHtml({ hasKeys, mapTiles }: ConsolePage, { script, style, preload }: Manifest): string {
  const preloads = preload.map((file) => `\n    <link rel="modulepreload" href="console/${file}">`).join('')
  const settings = {
    keys: hasKeys ? 'required' : 'none',
    ...(mapTiles && { 'map-tiles': mapTiles.url, 'map-attribution': mapTiles.attribution }),
  }
  const metas = Object.entries(settings)
    .map(([name, value]) => `\n    <meta name="nearrank-${name}" content="${escaped(value)}">`)
    .join('')
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Nearrank</title>
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">${metas}
    <link rel="icon" href="${ICON}">
    <link rel="stylesheet" href="console/${style}">
    <script type="module" src="console/${script}"></script>${preloads}
  </head>
  <body>
    <div id="console"></div>
    <noscript>The console needs JavaScript. The API does not: see docs.</noscript>
  </body>
</html>
`
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}

// A pin on a disc.
const ICON = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="16" fill="#1f5fbf"/>' +
    '<path d="M16 6a7 7 0 0 0-7 7c0 5 7 13 7 13s7-8 7-13a7 7 0 0 0-7-7z" fill="#fff"/><circle cx="16" cy="13" r="2.8" fill="#1f5fbf"/></svg>',
)}`
