import assert from 'node:assert/strict'
import { test } from 'node:test'
import { messageOf, NearrankError } from '../../src/errors.ts'
import { parseRedisAddress } from '../../src/store/redis/address.ts'

test('a Redis URL: defaults', () => {
  assert.deepEqual(parseRedisAddress('redis://localhost'), {
    host: 'localhost',
    port: 6379,
    tls: null,
    database: 0,
    username: undefined,
    password: undefined,
    prefix: 'nearrank:',
    shown: 'localhost:6379',
  })
})

test('a Redis URL: everything said', () => {
  assert.deepEqual(parseRedisAddress('rediss://me:p%40%2F%23@[::1]:7000/12?prefix=%7Bshop%7D%3A'), {
    host: '::1',
    port: 7000,
    tls: {},
    database: 12,
    username: 'me',
    password: 'p@/#',
    prefix: '{shop}:',
    shown: '[::1]:7000',
  })
  assert.equal(parseRedisAddress('redis://:secret@h/').password, 'secret')
})

test('other texts are refused, and no message tells the password', () => {
  for (const [text, wanted] of [
    ['', /a URL/],
    ['localhost:6379', /scheme/],
    ['redis:secret@h:port', /host/],
    ['http://u:secret@h', /scheme/],
    ['redis://u:secret@h:99999', /a URL/],
    ['redis://u:secret@/0', /a URL|host/],
    ['redis:///0', /host/],
    ['redis://u:secret@h/zero', /a database number/],
    ['redis://u:secret@h/0/1', /a database number/],
    ['redis://u:secret@h/-1', /a database number/],
    ['redis://u:secret@h?db=1', /only parameter may be prefix/],
    ['redis://u:secret@h?prefix=', /1 to 100 characters/],
    [`redis://u:secret@h?prefix=${'x'.repeat(101)}`, /1 to 100 characters/],
    ['redis://u:secret@h#0', /#/],
    ['redis://u:secret%zz@h', /percent-encoded/],
    ['redis://u:12/secret@h', /a database number.*%2F/],
    ['redis://u:12?secret@h', /only parameter.*%3F/],
    ['redis://u:12/3?secret@h', /only parameter/],
    ['redis://u:12#secret@h', /fragment/],
    ['secret:x@h', /scheme/],
  ] as const)
    assert.throws(
      () => parseRedisAddress(text),
      (error) => {
        assert.ok(error instanceof NearrankError, `${text}: ${messageOf(error)}`)
        assert.equal(error.code, 'INPUT')
        assert.match(error.message, wanted, text)
        assert.ok(!error.message.includes('secret') && error.cause === undefined, error.message)
        return true
      },
      text,
    )
})
