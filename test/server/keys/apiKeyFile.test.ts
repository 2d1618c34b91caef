import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { addApiKey, readApiKeys } from '../../../src/server/keys/apiKeyFile.ts'
import { temporaryFolder } from '../../training/dataFixture.ts'

describe('file of API keys', () => {
  let folder = ''
  before(async () => {
    folder = await temporaryFolder()
  })

  test('keys that were added are granted their rights, and the file holds only their hashes', async () => {
    const path = join(folder, 'new', 'keys.json')
    const app = await addApiKey(path, { name: 'app', rights: ['read', 'write'] })
    const ops = await addApiKey(path, { name: 'ops', rights: ['admin'] })
    assert.match(app, /^nr_[A-Za-z0-9_-]{43}$/)
    assert.notEqual(app, ops)
    const text = readFileSync(path, 'utf8')
    assert.ok(!text.includes(app) && !text.includes(app.slice(3)))
    assert.ok(text.includes(hash('sha256', app)))
    assert.deepEqual(readdirSync(join(folder, 'new')), ['keys.json'])
    const keys = readApiKeys(path)
    assert.equal(keys.check({ authorization: `Bearer ${app}` }, 'write'), 'granted')
    assert.equal(keys.check({ authorization: `Bearer ${app}` }, 'admin'), 'forbidden')
    assert.equal(keys.check({ 'x-api-key': ops }, 'admin'), 'granted')
    chmodSync(path, 0o644)
    assert.equal(readApiKeys(path).entries.length, 2)
  })

  test('a name that is there, or is none, is refused and the file stays', async () => {
    const path = join(folder, 'named.json')
    await addApiKey(path, { name: 'app', rights: ['read'] })
    const old = readFileSync(path, 'utf8')
    for (const name of ['app', '', 'a b', '../x', 'x'.repeat(65), '"'])
      await assert.rejects(addApiKey(path, { name, rights: ['read'] }), {
        name: 'NearrankError',
        code: 'INPUT',
      })
    await assert.rejects(addApiKey(path, { name: 'none', rights: [] }), { code: 'INPUT' })
    assert.equal(readFileSync(path, 'utf8'), old)
  })

  test('a damaged file is refused with what is wrong, and never overwritten', async () => {
    const path = join(folder, 'damaged.json')
    const good = { name: 'app', sha256: '0'.repeat(64), rights: ['read'] }
    const faults: [unknown, RegExp][] = [
      ['', /must be JSON/],
      ['{"keys":', /must be JSON/],
      ['[]', /must be object/],
      ['{}', /keys is missing/],
      ['{"keys":[],"keys":[]}', /"keys" appears twice/],
      [{ keys: [] }, /keys must not have fewer than 1/],
      [{ keys: {} }, /keys must be array/],
      [{ keys: [good], extra: 1 }, /extra is unknown/],
      [{ keys: [{ ...good, key: 'nr_x' }] }, /keys\.0\.key is unknown/],
      [{ keys: [{ ...good, name: '' }] }, /keys\.0\.name/],
      [{ keys: [{ ...good, name: 7 }] }, /keys\.0\.name must be string, found 7/],
      [{ keys: [{ ...good, sha256: 'abc' }] }, /keys\.0\.sha256/],
      [{ keys: [{ ...good, sha256: 'G'.repeat(64) }] }, /keys\.0\.sha256/],
      [{ keys: [{ ...good, rights: [] }] }, /keys\.0\.rights/],
      [{ keys: [{ ...good, rights: ['root'] }] }, /keys\.0\.rights\.0/],
      [{ keys: [{ ...good, rights: ['read', 'read'] }] }, /keys\.0\.rights/],
      [{ keys: [{ name: 'app', rights: ['read'] }] }, /keys\.0\.sha256 is missing/],
      [{ keys: [good, { ...good, sha256: '1'.repeat(64) }] }, /each name must be unique/],
      [{ keys: [good, { ...good, name: 'other' }] }, /each sha256 must be unique/],
      [
        { keys: Array.from({ length: 1001 }, (_, i) => ({ ...good, name: `a${i}` })) },
        /keys must not have more/,
      ],
      [' '.repeat(2 ** 20 + 1), /at most 1048576 bytes, found 1048577/],
    ]
    for (const [content, message] of faults) {
      const text = typeof content === 'string' ? content : JSON.stringify(content)
      writeFileSync(path, text)
      assert.throws(
        () => readApiKeys(path),
        { name: 'NearrankError', code: 'INPUT', message },
        text.slice(0, 200),
      )
      assert.throws(() => readApiKeys(path), {
        message: /^Cannot use the API keys of .*; make a new file with/,
      })
      await assert.rejects(addApiKey(path, { name: 'b', rights: ['read'] }), { code: 'INPUT' })
      assert.equal(readFileSync(path, 'utf8'), text)
    }
  })

  test('a file that is missing or a folder is refused', () => {
    for (const path of [join(folder, 'nowhere.json'), folder])
      assert.throws(() => readApiKeys(path), { name: 'NearrankError', code: 'INPUT' })
  })
})
