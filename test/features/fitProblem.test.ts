import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Side } from '../../src/features/featureSpec.ts'
import { numberFeatures } from '../../src/features/featureSpec.ts'
import { fitProblem, shapeOf, type SideShape } from '../../src/features/fitProblem.ts'

const FITS: Record<Side, SideShape> = { users: { features: 2 }, restaurants: { features: 1 } }

function problem(wanted: SideShape, found: SideShape, side: Side = 'users'): string | undefined {
  return fitProblem({ wanted: { ...FITS, [side]: wanted }, found: { ...FITS, [side]: found } })
}

test('the same shape fits, and what is not known or does not matter is no difference', () => {
  const whole: SideShape = { features: 2, names: ['a', 'b'], ids: 'integer' }
  const shapes: SideShape[] = [
    whole,
    { features: 2 },
    { features: 2, ids: 'integer' },
    shapeOf(numberFeatures(['a', 'b'])),
  ]
  for (const wanted of shapes) for (const found of shapes) assert.equal(problem(wanted, found), undefined)
})

test('another number of features, with the names that are known', () => {
  assert.equal(problem({ features: 3 }, { features: 2 }), 'it must have 3 features of users, found 2')
  assert.equal(
    problem({ features: 1, names: ['a'] }, { features: 2, names: ['a', 'b'] }, 'restaurants'),
    'it must have 1 features of restaurants (a), found 2 (a, b)',
  )
})

test('other names, or the same in another order: all of them, or of a long list those from the first difference on', () => {
  assert.equal(
    problem({ features: 2, names: ['a', 'b'] }, { features: 2, names: ['b', 'a'] }),
    'its features of users must be a, b, found b, a',
  )
  const names = Array.from({ length: 200 }, (_, i) => `f${i}`)
  const other = names.with(150, 'x')
  const said = problem({ features: 200, names }, { features: 200, names: other }) ?? ''
  assert.match(said, /must be from feature 151 on: f150, f151, .*, found from feature 151 on: x, f151, /)
  const [wanted, found] = [names.slice(0, 199), names]
  assert.match(
    problem({ features: 199, names: wanted }, { features: 200, names: found }) ?? '',
    /^it must have 199 features of users \(.*\), found 200 \(from feature 200 on: f199\)$/,
  )
})

test('ids of another kind; ids that are of several kinds fit each of them', () => {
  const ids = (kinds: SideShape['ids']): SideShape => ({ features: 2, ids: kinds })
  assert.equal(
    problem(ids('integer'), ids('string')),
    'its ids of users must be of the kind integer, found string',
  )
  for (const kind of ['integer', 'unsigned'] as const)
    assert.equal(problem(ids(kind), ids(['integer', 'unsigned'])), undefined)
  assert.equal(
    problem(ids('string'), ids(['integer', 'unsigned'])),
    'its ids of users must be of the kind string, found integer or unsigned',
  )
})
