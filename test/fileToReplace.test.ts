import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { checkFileToReplace } from '../src/fileToReplace.ts'

const folder = await mkdtemp(join(tmpdir(), 'nearrank-replace-'))
after(() => rm(folder, { recursive: true }))
const check = (path: string) =>
  checkFileToReplace(path, 'the list', (first) => first.toString('latin1').startsWith('list'))
const lost = {
  code: 'INPUT',
  message: /^Cannot write the list .*: another file is there, which would be lost; choose/,
}

test('only a file of the same kind is replaced, also behind a link', async () => {
  const files = { old: 'list of old', empty: '', foreign: 'PAR1 clicks', short: 'lis' }
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, name), text)
    await symlink(name, join(folder, `to ${name}`))
  }
  for (const name of ['old', 'empty', 'nothing', 'to old', 'to empty']) await check(join(folder, name))
  for (const name of ['foreign', 'short', 'to foreign']) await assert.rejects(check(join(folder, name)), lost)
})

test('nothing is put among the files of a model', async () => {
  const model = join(folder, 'model')
  await mkdir(model)
  await writeFile(join(model, 'model.json'), '{}')
  await check(join(model, 'new'))
  await writeFile(join(model, 'weights.safetensors'), '')
  await writeFile(join(model, 'old'), 'list')
  for (const name of ['new', 'old', 'model.json'])
    await assert.rejects(check(join(model, name)), {
      code: 'INPUT',
      message: /may hold only the model's own files/,
    })
})
