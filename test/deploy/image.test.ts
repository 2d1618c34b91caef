import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { dockerfile, isRoute, PORT, ROOT, text } from './deployFiles.ts'

describe('the image', () => {
  const lastStage = dockerfile.slice(dockerfile.findLastIndex(({ name }) => name === 'FROM'))
  const only = (name: string) => {
    const found = lastStage.filter((one) => one.name === name)
    assert.equal(found.length, 1, name)
    return found[0].value
  }

  test('is of one pinned Node that package.json takes', () => {
    assert.match(
      dockerfile.find(({ name }) => name === 'ARG')?.value ?? '',
      /^NODE_IMAGE=node:26\.\d+\.\d+-bookworm-slim$/,
    )
    for (const from of dockerfile.filter(({ name }) => name === 'FROM'))
      assert.match(from.value, /^\$\{NODE_IMAGE\}( AS build)?$/)
  })

  test('runs nearrank as a user that is not root, by number, and stops on SIGTERM', () => {
    assert.match(only('USER'), /^[1-9]\d*:[1-9]\d*$/)
    assert.equal(only('STOPSIGNAL'), 'SIGTERM')
    const { bin } = JSON.parse(text('package.json')) as { bin: { nearrank: string } }
    assert.deepEqual(JSON.parse(only('ENTRYPOINT')), ['node', `/app/${bin.nearrank}`])
    assert.equal(only('EXPOSE'), String(PORT))
  })

  test('holds everything that the package ships and runs from', () => {
    const copies = lastStage.filter(({ name }) => name === 'COPY')
    const copied = new Set(
      copies.map(({ value }) => /^--from=build \/build\/(\S+) \.\/\S*$/.exec(value)?.[1]),
    )
    const { files } = JSON.parse(text('package.json')) as { files: string[] }
    for (const file of ['package.json', 'node_modules', ...files.filter((one) => !one.endsWith('.md'))])
      assert.ok(copied.has(file), file)
  })

  test('what the build copies is there and is not ignored', () => {
    const kept = text('.dockerignore')
      .split('\n')
      .flatMap((line) => (line.startsWith('!') ? line.slice(1) : []))
    const sources = dockerfile
      .filter(({ name, value }) => name === 'COPY' && !value.startsWith('--from'))
      .flatMap(({ value }) => value.split(' ').slice(0, -1))
    assert.deepEqual(sources.toSorted(), kept.toSorted())
    for (const source of sources) assert.ok(existsSync(new URL(source, ROOT)), source)
  })

  test('its health check asks the readiness route and ends with 0 or 1', async () => {
    const [, json] = only('HEALTHCHECK').split(' CMD ')
    const [node, flag, script] = JSON.parse(json) as string[]
    assert.deepEqual([node, flag], ['node', '-e'])
    const [url, path] = /http:\/\/127\.0\.0\.1:8080(\/[\w/]+)/.exec(script) ?? ['', '']
    assert.ok(await isRoute(path), script)
    for (const status of [200, 503]) {
      const server = createServer((request, response) => {
        response.writeHead(request.url === path ? status : 200).end()
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const here = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const code = await exitCode(script.replace(url, here + path))
      await new Promise((resolve) => server.close(resolve))
      assert.equal(code, status === 200 ? 0 : 1)
      assert.equal(await exitCode(script.replace(url, here + path)), 1, 'nobody listens any more')
    }
  })
})

function exitCode(script: string): Promise<number | null> {
  return new Promise((resolve) => spawn(process.execPath, ['-e', script]).on('close', resolve))
}
