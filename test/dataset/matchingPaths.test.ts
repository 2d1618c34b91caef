import assert from 'node:assert/strict'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { describe, test } from 'node:test'
import { parquetSeenBelow, pathsOf, withoutTwins } from '../../src/dataset/matchingPaths.ts'
import type { OpenProgress } from '../../src/dataset/options.ts'
import { splitPaths, unreadFiles } from '../../src/dataset/sources.ts'
import { isError, openTrain, withFolder, writeClicks, writeTables } from './fixture.ts'

/** What a pattern finds of empty files of these names, links among them as `name -> target`. */
function finds(title: string, pattern: string, files: string[], wanted: string[]): void {
  test(title, () =>
    withFolder(async (folder) => {
      for (const file of files) {
        const [name, target] = file.split(' -> ')
        await mkdir(dirname(join(folder, name)), { recursive: true })
        if (target === undefined) await writeFile(join(folder, name), '')
        else await symlink(target, join(folder, name))
      }
      const found = await pathsOf(pattern, folder)
      assert.deepEqual(found.map((path) => relative(folder, path)).toSorted(), wanted.toSorted())
    }),
  )
}

describe('pathsOf', () => {
  const days = ['train/date=1/a.parquet', 'train/date=2/b.parquet', 'train/c.parquet', 'train/notes.txt']
  finds('files at any depth', 'train/**/*.parquet', days, days.slice(0, 3))
  finds('files at one depth', 'train/*/*.parquet', days, days.slice(0, 2))
  finds('a folder that a glob names, whole', 'train/date=[1]', days, days.slice(0, 1))
  finds('a folder that a path names, whole', 'train', days, days.slice(0, 3))
  finds('alternatives', 'train/{date=1/a,c}.parquet', days, [days[0], days[2]])
  finds('nothing', 'test/*.parquet', days, [])
  finds(
    'a name that means something in a glob, as it stands',
    'train/part[1].parquet',
    ['train/part[1].parquet', 'train/part1.parquet'],
    ['train/part[1].parquet'],
  )
  const spark = [
    'train/a.parquet/part-0.parquet',
    'train/a.parquet/_SUCCESS',
    'train/a.parquet/.part-0.parquet.crc',
  ]
  finds('what Spark calls a file', 'train/*.parquet', spark, spark.slice(0, 1))
  const hidden = [
    'train/.hidden.parquet',
    'train/._a.parquet',
    'train/_part-9.parquet',
    'train/_temporary/0/a.parquet',
    'train/_key=1/b.parquet',
    'train/_metadata',
  ]
  finds('nothing hidden', 'train/**/*.parquet', hidden, ['train/_key=1/b.parquet'])
  finds('what is hidden and spelt out', 'train/_part-*.parquet', hidden, ['train/_part-9.parquet'])
  finds('a hidden folder that is named', 'train/_temporary', hidden, ['train/_temporary/0/a.parquet'])
  finds(
    'links to folders and to files',
    'train/**/*.parquet',
    ['far/a.parquet', 'one.parquet', 'train/day -> ../far', 'train/b.parquet -> ../one.parquet'],
    ['train/day/a.parquet', 'train/b.parquet'],
  )
  finds(
    'a link that leads back, once',
    'train/**/*.parquet',
    ['train/a.parquet', 'train/again -> ../train', 'train/sub/up -> ..'],
    ['train/a.parquet'],
  )
  finds('a link that leads nowhere', 'train/*.parquet', ['train/a.parquet -> gone'], ['train/a.parquet'])

  test('too many files are an error', () =>
    withFolder(async (folder) => {
      await mkdir(join(folder, 'train'))
      await writeFile(join(folder, 'train/a.parquet'), '')
      // A thousand links to the folder, in folders of which each has a hundred of them.
      for (let i = 0; i < 11; i++) {
        await mkdir(join(folder, `d${i}`))
        for (let k = 0; k < 100; k++) await symlink(join(folder, 'many'), join(folder, `d${i}`, `l${k}`))
      }
      await mkdir(join(folder, 'many'))
      for (let k = 0; k < 100; k++) await writeFile(join(folder, 'many', `${k}.parquet`), '')
      await assert.rejects(pathsOf('d*/*/*.parquet', folder), isError('INPUT', /more than 100000 files/))
      assert.deepEqual(await parquetSeenBelow(folder), [], 'of what can be done without, nothing')
      assert.equal((await parquetSeenBelow(join(folder, 'many'))).length, 100)
    }))
})

test('of the same file behind two names, one is read', () =>
  withFolder(async (data) => {
    await writeTables(data)
    await writeClicks(data, 'train/2026-01-01/a.parquet', [[5, 20, 1]])
    await symlink('2026-01-01', join(data, 'train/latest'))
    assert.equal((await withoutTwins(await splitPaths({ data }, data, 'train'))).length, 1)
    const pack = await openTrain({ data })
    assert.equal(pack.rows, 1)
    await pack.close()
  }))

test('what was not read is known, and where there is something if nothing was found', () =>
  withFolder(async (data) => {
    await writeTables(data)
    await writeClicks(data, 'clicks/2026-01-02/a.parquet', [[5, 20, 1]])
    await writeClicks(data, 'clicks/2026-01-10/a.parquet', [[5, 20, 1]])
    await symlink('clicks/2026-01-02/a.parquet', join(data, 'read.parquet'))
    assert.deepEqual(await unreadFiles({ data }, ['read.parquet']), ['clicks/2026-01-10/a.parquet'])
    await assert.rejects(
      openTrain({ data }),
      isError(
        'INPUT',
        /matches train\/\*\*\/\*\.parquet; there are Parquet files in clicks\/2026-01-02, clicks\/2026-01-10$/,
      ),
    )
  }))

test('how many files have been opened is told before the first row', () =>
  withFolder(async (data) => {
    await writeTables(data)
    for (let i = 0; i < 70; i++) await writeClicks(data, `train/${i}.parquet`, [[5, 20, i % 2]])
    const events: OpenProgress[] = []
    await (await openTrain({ data, onProgress: (event) => events.push(event) })).close()
    const train = events.filter(({ stage }) => stage === 'train')
    assert.deepEqual(train[0], {
      stage: 'train',
      rowsDone: 0,
      rowsTotal: 0,
      filesOpened: { done: 64, total: 70 },
    })
    assert.deepEqual(train.at(-1), { stage: 'train', rowsDone: 70, rowsTotal: 70 })
  }))
