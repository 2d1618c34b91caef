import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { describe, test } from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { ApiKeys } from '../../src/server/keys/apiKeys.ts'
import { buildApp } from '../../src/server/app.ts'
import { fakeServices } from './fakeServices.ts'
import { assertProblem, send } from './inject.ts'
import { startPrefixProxy } from './prefixProxy.ts'
import { makeWorld, serveWorld } from './serverFixture.ts'

const world = await makeWorld()
const server = await serveWorld(world, { corsOrigins: ['https://shop.example'] })
const plain = await serveWorld(world, { console: false })
const keyed = await serveWorld(world, {
  apiKeys: new ApiKeys([{ name: 'reader', sha256: hash('sha256', 'secret'), rights: ['read'] }]),
})

/** The page's files, as its HTML names them. */
async function filesOf(root: string): Promise<URL[]> {
  const html = await (await fetch(`${root}/`)).text()
  const names = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, name]) => name)
  return names.filter((name) => !name.startsWith('data:')).map((name) => new URL(name, `${root}/`))
}

describe('the console at /', () => {
  test('is a page that a strict policy holds for', async () => {
    const answer = await fetch(`${server.url}/`)
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('content-type'), 'text/html; charset=utf-8')
    assert.equal(answer.headers.get('cache-control'), 'no-cache')
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
    const policy = new Map(
      (answer.headers.get('content-security-policy') ?? '').split('; ').map((part) => {
        const [name, ...sources] = part.split(' ')
        return [name, sources]
      }),
    )
    assert.deepEqual(policy.get('default-src'), ["'none'"])
    for (const name of ['script-src', 'style-src', 'connect-src'])
      assert.deepEqual(policy.get(name), ["'self'"])
    assert.deepEqual(policy.get('img-src'), ["'self'", 'data:'])
    for (const name of ['base-uri', 'form-action', 'frame-ancestors'])
      assert.deepEqual(policy.get(name), ["'none'"])
    const html = await answer.text()
    assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/, 'nothing is inline')
    assert.doesNotMatch(html, /(?:src|href)="(?:\/|https?:)/, 'every address is relative')
  })

  test('is asked for again, and answers 304 if it is still the same', async () => {
    const etag = (await fetch(`${server.url}/`)).headers.get('etag') ?? ''
    const again = await fetch(`${server.url}/`, { headers: { 'if-none-match': etag } })
    assert.deepEqual([again.status, await again.text()], [304, ''])
    assert.match(again.headers.get('content-security-policy') ?? '', /^default-src 'none'/)
  })

  test('HEAD answers like GET, without a body', async () => {
    const [script] = await filesOf(server.url)
    for (const url of [`${server.url}/`, script.href]) {
      const [get, head] = [await fetch(url), await fetch(url, { method: 'HEAD' })]
      assert.equal(head.status, 200)
      for (const name of ['content-type', 'etag', 'cache-control', 'content-security-policy'])
        assert.equal(head.headers.get(name), get.headers.get(name))
      assert.equal(await head.text(), '')
    }
  })

  test('other methods are refused', async () => {
    for (const path of ['/', '/console/main-ABCDEFGH.js']) {
      const answer = await fetch(server.url + path, { method: 'POST' })
      assert.equal(answer.status, 405)
      assert.equal(answer.headers.get('allow'), 'GET, HEAD, OPTIONS')
    }
  })
})

describe('the files of the console', () => {
  test('are kept for ever, since other content has another name', async () => {
    const files = await filesOf(server.url)
    assert.ok(files.length >= 2)
    for (const file of files) {
      const answer = await fetch(file)
      assert.equal(answer.status, 200, file.href)
      assert.match(file.pathname, /-[A-Z0-9]{8}\.(js|css)$/)
      assert.equal(answer.headers.get('cache-control'), 'public, max-age=31536000, immutable')
      assert.match(answer.headers.get('content-type') ?? '', /^text\/(javascript|css); charset=utf-8$/)
      assert.ok((await answer.text()).length > 100)
    }
  })

  test('come as the browser takes them, and hold the same', async () => {
    const [script] = await filesOf(server.url)
    const app = buildApp({ services: fakeServices(), console: { hasKeys: false } })
    const raw = async (accepted: string) =>
      app.inject({ method: 'GET', url: script.pathname, headers: { 'accept-encoding': accepted } })
    const whole = (await raw('identity')).rawPayload
    const brotli = await raw('gzip, deflate, br;q=0.9')
    assert.equal(brotli.headers['content-encoding'], 'br')
    assert.deepEqual(brotliDecompressSync(brotli.rawPayload), whole)
    const gzip = await raw('br;q=0, gzip')
    assert.equal(gzip.headers['content-encoding'], 'gzip')
    assert.deepEqual(gunzipSync(gzip.rawPayload), whole)
    assert.ok(brotli.rawPayload.length < whole.length)
    assert.equal((await raw('deflate')).headers['content-encoding'], undefined)
    // Where other origins may call the server, what depends on them is still told.
    assert.equal((await fetch(script)).headers.get('vary'), 'origin, accept-encoding')
  })

  test('are those of the bundle, and no others', async () => {
    for (const name of [
      'main-ABCDEFGH.js',
      'manifest.json',
      'LICENSES.txt',
      '',
      '..%2Findex.js',
      '%2e%2e%2fmain-ABCDEFGH.js',
      'main-ABCDEFGH.js.br',
      'x/main-ABCDEFGH.js',
    ]) {
      const answer = await fetch(`${server.url}/console/${name}`)
      assert.equal(answer.status, 404, name)
      assert.equal(answer.headers.get('cache-control'), 'no-store', name)
      assert.equal(((await answer.json()) as { code: string }).code, 'UNKNOWN_ROUTE', name)
    }
  })
})

describe('around the console', () => {
  test('with keys, it loads without one, says so, and tells nothing', async () => {
    const html = await (await fetch(`${keyed.url}/`)).text()
    assert.match(html, /<meta name="nearrank-keys" content="required">/)
    assert.match(await (await fetch(`${server.url}/`)).text(), /<meta name="nearrank-keys" content="none">/)
    for (const file of await filesOf(keyed.url)) assert.equal((await fetch(file)).status, 200)
    assert.equal((await fetch(`${keyed.url}/users/1`)).status, 401)
  })

  test('--no-console leaves it out', async () => {
    const [script] = await filesOf(server.url)
    for (const path of ['/', script.pathname]) assert.equal((await fetch(plain.url + path)).status, 404)
  })

  test('--map-tiles allows pictures of their origin, and nothing else', async () => {
    const mapTiles = {
      url: 'https://tiles.example:8443/a{r}/{z}/{x}/{y}.png?x="y"',
      attribution: 'A & B <i>"maps"</i>',
    }
    const app = buildApp({ services: fakeServices(), console: { hasKeys: false, mapTiles } })
    const { headers, body } = await app.inject('/')
    const plainPage = buildApp({ services: fakeServices(), console: { hasKeys: false } })
    const policy = String((await plainPage.inject('/')).headers['content-security-policy'])
    assert.equal(
      headers['content-security-policy'],
      policy.replace("img-src 'self' data:", "img-src 'self' data: https://tiles.example:8443"),
    )
    assert.ok(body.includes('content="https://tiles.example:8443/a{r}/{z}/{x}/{y}.png?x=&#34;y&#34;"'))
    assert.ok(body.includes('content="A &#38; B &#60;i&#62;&#34;maps&#34;&#60;/i&#62;"'))
  })

  test('--map-tiles that no map can use are refused at the start', async () => {
    for (const [url, wanted] of [
      ['tiles/{z}/{x}/{y}.png', /an address with \{z\}, \{x\} and \{y\}.*found "tiles/],
      ['ftp://tiles.example/{z}/{x}/{y}.png', /an address/],
      ['https://tiles.example/{z}/{x}.png', /an address/],
      ['https://{s}.tiles.example/{z}/{x}/{y}.png', /found "\{s\}"; name one host$/],
      ['https://tiles.example/{id}/{z}/{x}/{y}.png', /found "\{id\}"/],
      ['https://{z}.example/{z}/{x}/{y}.png', /in its path alone/],
    ] as const)
      await assert.rejects(serveWorld(world, { mapTiles: url }), (error: Error) => {
        assert.match(error.message, /^Cannot use --map-tiles: /)
        assert.match(error.message, wanted)
        return true
      })
    await assert.rejects(serveWorld(world, { mapAttribution: 'somebody' }), {
      code: 'USAGE',
      message: /^Cannot use mapAttribution \(--map-attribution\) without mapTiles/,
    })
  })

  test('it works behind a proxy that takes a prefix away', async () => {
    const root = await startPrefixProxy(server.port, '/shop/ranking')
    const files = await filesOf(root)
    assert.ok(files.length >= 2)
    for (const file of files) {
      assert.ok(file.href.startsWith(`${root}/console/`), file.href)
      assert.equal((await fetch(file)).status, 200, file.href)
    }
  })

  test('it is not a part of the API, and an application without it has no such paths', async () => {
    const [with_, without] = [{ console: { hasKeys: false } }, {}].map((options) =>
      buildApp({ services: fakeServices(), ...options }),
    )
    assert.equal((await with_.inject('/openapi.json')).body, (await without.inject('/openapi.json')).body)
    assertProblem(await send(without, 'GET /'), 'UNKNOWN_ROUTE')
  })
})
