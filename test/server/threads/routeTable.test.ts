import assert from 'node:assert/strict'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { LastProblems } from '../../../src/server/problems/lastProblems.ts'
import { route, type RouteTable } from '../../../src/server/threads/routeTable.ts'

/** Where a request is handed, and with which text; `refused` if nowhere. */
function routed(method: string, url: string): string {
  let handed = 'refused'
  const to = (name: string) => ({ handle: (_: ServerResponse, text: string) => (handed = `${name} ${text}`) })
  const table: RouteTable = {
    crossOrigin: null,
    guard: null,
    ranking: { ...to('ranking'), countRefusal: () => {} },
    loads: to('loads'),
    others: to('others'),
    problems: new LastProblems(),
  }
  const request = Object.assign(new IncomingMessage(new Socket()), { method, url })
  const response = new ServerResponse(request)
  route(table, response)
  if (handed === 'refused') {
    assert.equal(response.statusCode, 400)
    assert.equal(response.shouldKeepAlive, false)
  } else assert.equal(response.headersSent, false)
  return handed
}

test('a ranking is answered by the thread, loads and everything else are passed on', () => {
  for (const [request, handed] of Object.entries({
    'POST /recommend/42': 'ranking 42',
    'POST /recommend/a%2Fb%20c?x=/': 'ranking a/b c',
    'POST http://host:80/recommend/1?x': 'ranking 1',
    'POST /recommend/%zz': 'refused',
    'POST /recommend/': 'others /recommend/',
    'POST /recommend/?x': 'others /recommend/?x',
    'POST /recommend/1/2': 'others /recommend/1/2',
    'POST /Recommend/1': 'others /Recommend/1',
    'GET /recommend/1': 'others /recommend/1',
    'GET /recommend/%zz': 'others /recommend/%zz',
    'POST /features': 'loads /features',
    'POST /features?x': 'loads /features?x',
    'POST http://host/features': 'loads /features',
    'GET HTTPS://host': 'others /',
    'GET http://host?x': 'others /?x',
    'POST http://host/x/../admin/reload': 'others /x/../admin/reload',
    [String.raw`POST http://host/admin\reload`]: String.raw`others /admin\reload`,
    'POST /features/': 'others /features/',
    'GET /features': 'others /features',
    'PUT /users/1?x': 'others /users/1?x',
    'OPTIONS *': 'others *',
    'GET http://[/x': 'refused',
    'POST x': 'refused',
  })) {
    const [method, url] = request.split(' ')
    assert.equal(routed(method, url), handed, request)
  }
})
