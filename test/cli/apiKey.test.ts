import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { readApiKeys } from '../../src/server/keys/apiKeyFile.ts'
import { temporaryFolder } from '../training/dataFixture.ts'
import { runCli, runCliLines } from './runCli.ts'

describe('nearrank api-key', () => {
  let file = ''
  before(async () => {
    file = join(await temporaryFolder(), 'keys.json')
  })

  test('prints a key that the file then grants what was said', async () => {
    const made = await runCli(['api-key', '--file', file, '--name', 'app', '--rights', 'read,write'])
    assert.equal(made.code, 0, made.stderr)
    assert.match(made.stdout, /^nr_[\w-]{43}\n$/)
    const key = made.stdout.trim()
    assert.ok(!made.stderr.includes(key) && !readFileSync(file, 'utf8').includes(key))
    assert.equal(readApiKeys(file).check({ authorization: `Bearer ${key}` }, 'write'), 'granted')
    assert.equal(readApiKeys(file).check({ authorization: `Bearer ${key}` }, 'admin'), 'forbidden')
  })

  test('--json prints one object; without --rights a key may read', async () => {
    const { code, stdout, stderr } = await runCli(['api-key', '--file', file, '--name', 'json', '--json'])
    assert.equal(code, 0, stderr)
    const { name, rights, key, ...rest } = JSON.parse(stdout) as {
      name: string
      rights: string[]
      key: string
    }
    assert.deepEqual([name, rights, rest], ['json', ['read'], {}])
    assert.equal(readApiKeys(file).check({ 'x-api-key': key }, 'read'), 'granted')
    assert.equal(readApiKeys(file).check({ 'x-api-key': key }, 'write'), 'forbidden')
  })

  test('a name that is there and a damaged file are failures, and the file stays', async () => {
    const old = readFileSync(file, 'utf8')
    const again = await runCli(['api-key', '--file', file, '--name', 'app'])
    assert.equal(again.code, 1)
    assert.match(again.stderr, /the name must be new, found "app" in the file/)
    assert.equal(again.stdout, '')
    assert.equal(readFileSync(file, 'utf8'), old)

    const damaged = `${file}.damaged`
    writeFileSync(damaged, '{"keys":[{}]}')
    const refused = await runCli(['api-key', '--file', damaged, '--name', 'b'])
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /Cannot use the API keys of/)
    assert.equal(readFileSync(damaged, 'utf8'), '{"keys":[{}]}')
  })

  test('wrong usage exits with 2', async () => {
    const lines = [
      [],
      ['--file', file],
      ['--name', 'x'],
      ['--file', file, '--name', 'x', '--rights', 'root'],
      ['--file', file, '--name', 'x', '--rights', 'read,read'],
      ['--file', file, '--name', 'x', '--rights', ''],
    ]
    const results = await runCliLines(lines.map((args) => ['api-key', ...args]))
    for (const [i, { code, stdout }] of results.entries()) {
      assert.equal(code, 2, lines[i].join(' '))
      assert.equal(stdout, '')
    }
  })
})
