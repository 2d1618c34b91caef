import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RawConnection } from './rawConnection.ts'
import { makeWorld, serveWorld } from './serverFixture.ts'

const server = await serveWorld(await makeWorld())

test('a page of another site cannot administer a server without keys, nor reach it by another name', async () => {
  const send = async (request: string, headers: Record<string, string>, body?: string) => {
    const connection = await RawConnection.open(server.port)
    const { status, body: answer } = await connection.send(request, body, headers)
    connection.close()
    return [status, answer === '' ? '' : (JSON.parse(answer) as { code?: string }).code]
  }
  const evil = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
  assert.deepEqual(await send('POST /admin/reload', evil), [403, 'CROSS_SITE'])
  assert.deepEqual(await send('DELETE /users/1', evil), [403, 'CROSS_SITE'])
  assert.deepEqual(await send('POST /features', evil, '{}'), [403, 'CROSS_SITE'])
  for (const request of ['GET /health/live', 'DELETE /users/1', 'POST /recommend/1'])
    assert.deepEqual(await send(request, { host: 'evil.example' }), [421, 'UNKNOWN_HOST'], request)
  const [status] = await send('POST /admin/reload', {})
  assert.equal(status, 200)
})
