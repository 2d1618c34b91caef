import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openStore } from '../../src/store/openStore.ts'
import { temporaryFolder } from '../training/dataFixture.ts'
import { isError } from './conformance.ts'

const OPTIONS = { layout: { users: { features: 3 }, restaurants: { features: 2 } } }

describe('the address of a store', () => {
  test('sqlite:PATH, with or without the slashes of a URL', async () => {
    const path = join(await temporaryFolder(), 's.db')
    for (const url of [`sqlite:${path}`, `SQLITE:${path}`, `sqlite://${path}`]) {
      const store = await openStore(url, OPTIONS)
      assert.equal(store.status().kind, 'sqlite')
      await store.close()
    }
  })

  for (const url of [
    '',
    'features.db',
    'sqlite:',
    'sqlite://features.db',
    'postgres://me:secret@host/db',
    ':x',
    'C:\\s.db',
  ])
    test(`${url === '' ? 'nothing' : url} is refused, with both forms that are not`, async () => {
      await assert.rejects(
        openStore(url, OPTIONS),
        isError('USAGE', /sqlite:PATH.* or redis:\/\/HOST:PORT, found/),
      )
      await assert.rejects(openStore(url, OPTIONS), (error: Error) => !error.message.includes('secret'))
    })
})
