import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type SharedFile, sharedFile } from './sharedFile.ts'

// The page loads nothing from anywhere else; it sets styles of its own on elements.
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const JAVASCRIPT = 'text/javascript; charset=utf-8'
const CSS = 'text/css; charset=utf-8'
const TYPES: Readonly<Record<string, string>> = {
  'swagger-ui-bundle.js': JAVASCRIPT,
  'swagger-ui.css': CSS,
  'index.css': CSS,
  'favicon-16x16.png': 'image/png',
  'favicon-32x32.png': 'image/png',
  'page.js': JAVASCRIPT,
}

/**
 * Shows /openapi.json. All addresses follow from that of the script itself, so that the page works behind a
 * proxy that puts a prefix before all paths.
 */
const PAGE_SCRIPT = `'use strict'
const root = new URL('../../', document.currentScript.src)
fetch(new URL('openapi.json', root))
  .then((response) => response.json())
  .then((description) =>
    SwaggerUIBundle({
      dom_id: '#swagger-ui',
      spec: { ...description, servers: [{ url: root.href.replace(/\\/$/, ''), description: 'this server' }] },
      presets: [SwaggerUIBundle.presets.apis],
      layout: 'BaseLayout',
      deepLinking: true,
      tryItOutEnabled: true,
      docExpansion: 'list',
      validatorUrl: null,
    }),
  )
  .catch((error) => {
    document.getElementById('swagger-ui').textContent = 'Cannot load openapi.json: ' + error.message
  })
`

const files = new Map<string, Promise<SharedFile>>() // read when they are first asked for

/** The page. `isFolder`: its address ends in a slash, which relative addresses depend on. */
export function docsPage({ isFolder }: { isFolder: boolean }): string {
  const at = isFolder ? 'static' : 'docs/static'
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Nearrank API</title>
    <link rel="stylesheet" href="${at}/swagger-ui.css">
    <link rel="stylesheet" href="${at}/index.css">
    <link rel="icon" type="image/png" href="${at}/favicon-32x32.png" sizes="32x32">
    <link rel="icon" type="image/png" href="${at}/favicon-16x16.png" sizes="16x16">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="${at}/swagger-ui-bundle.js"></script>
    <script src="${at}/page.js"></script>
  </body>
</html>
`
}

/** A file of the page; undefined: there is none of this name. */
export async function docsFile(name: string): Promise<SharedFile | undefined> {
  if (!Object.hasOwn(TYPES, name)) return undefined
  let reading = files.get(name)
  if (!reading) {
    reading = readDocsFile(name)
    reading.catch(() => files.delete(name))
    files.set(name, reading)
  }
  return reading
}

async function readDocsFile(name: string): Promise<SharedFile> {
  if (name === 'page.js') return sharedFile(Buffer.from(PAGE_SCRIPT), { 'content-type': TYPES[name] })
  const folder = new URL('static/', import.meta.resolve('@fastify/swagger-ui'))
  return sharedFile(await readFile(fileURLToPath(new URL(name, folder))), { 'content-type': TYPES[name] })
}
