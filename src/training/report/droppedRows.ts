import { type DroppedClicks, droppedText, reasonsOf } from '../../dataset/clicks/droppedClicks.ts'
import type { PackedRows } from '../../dataset/clicks/readRows.ts'
import type { Split } from '../../dataset/options.ts'
import type { IgnoredRows } from '../../dataset/tables/keptRows.ts'
import type { Tables } from '../../dataset/tables/readTables.ts'
import { formatCount } from '../../format.ts'

/** How many rows of the data the policies left out, by where and why; parts without any are absent. */
export interface DroppedRows {
  users?: IgnoredRows
  restaurants?: IgnoredRows
  train?: DroppedClicks
  validation?: DroppedClicks
  test?: DroppedClicks
}

/** Undefined: every row of the files is used. A part that is not read is absent. */
export function droppedRows(
  { users, restaurants }: Tables,
  { train, validation, test }: Partial<Record<Split, PackedRows | null>>,
): DroppedRows | undefined {
  const dropped: DroppedRows = {
    ...(users.ignored && { users: users.ignored }),
    ...(restaurants.ignored && { restaurants: restaurants.ignored }),
    ...(train && train.dropped > 0 && { train: reasonsOf(train) }),
    ...(validation && validation.dropped > 0 && { validation: reasonsOf(validation) }),
    ...(test && test.dropped > 0 && { test: reasonsOf(test) }),
  }
  return Object.keys(dropped).length > 0 ? dropped : undefined
}

/** `users: 2 without an id; training clicks: 3 without features, 1 without a time` */
export function droppedList({ users, restaurants, train, validation, test }: DroppedRows): string {
  return [
    users ? `rows of users: ${ignoredText(users)}` : '',
    restaurants ? `rows of restaurants: ${ignoredText(restaurants)}` : '',
    train ? `training clicks: ${droppedText(train)}` : '',
    validation ? `validation clicks: ${droppedText(validation)}` : '',
    test ? `test clicks: ${droppedText(test)}` : '',
  ]
    .filter((text) => text !== '')
    .join('; ')
}

/** What a person is told of it. */
export function droppedNote(dropped: DroppedRows): string {
  return `Some rows of the data were left out, as the options say: ${droppedList(dropped)}.`
}

function ignoredText({ duplicateIds, badPlaces, nullIds }: IgnoredRows): string {
  return [
    duplicateIds > 0 ? `${formatCount(duplicateIds)} with the id of another row` : '',
    badPlaces > 0 ? `${formatCount(badPlaces)} without a valid place` : '',
    nullIds > 0 ? `${formatCount(nullIds)} without an id` : '',
  ]
    .filter((text) => text !== '')
    .join(', ')
}
