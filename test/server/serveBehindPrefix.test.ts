import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { startPrefixProxy } from './prefixProxy.ts'
import { makeWorld, serveWorld } from './serverFixture.ts'

const server = await serveWorld(await makeWorld())

for (const prefix of ['', '/shop/ranking'])
  for (const page of ['/docs', '/docs/', '/docs?x=/y#z'])
    test(`behind the prefix "${prefix}", ${page} loads its files and tries requests on the right root`, async () => {
      const root = await startPrefixProxy(server.port, prefix)
      const html = await (await fetch(root + page)).text()
      const files = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(
        ([, file]) => new URL(file, root + page),
      )
      assert.ok(files.length >= 5, html)
      for (const file of files) assert.equal((await fetch(file)).status, 200, file.href)

      const script = files.find(({ pathname }) => pathname.endsWith('/page.js'))
      assert.ok(script)
      const shown = await new Promise<{ spec: { paths: object; servers: { url: string }[] } }>((resolve) => {
        const document = { currentScript: { src: script.href } }
        const SwaggerUIBundle = Object.assign(resolve, { presets: {} })
        void fetch(script).then(async (answer) =>
          runInNewContext(await answer.text(), { document, fetch, URL, SwaggerUIBundle }),
        )
      })
      assert.ok('/recommend/{user_id}' in shown.spec.paths)
      assert.equal(shown.spec.servers[0].url, root)

      const documentUrl = `${root}/openapi.json`
      const { servers } = (await (await fetch(documentUrl)).json()) as { servers: { url: string }[] }
      assert.equal(new URL(servers[0].url, documentUrl).href, `${root}/`)
    })
