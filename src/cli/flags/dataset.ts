import { type Flag } from './flags.ts'
import { choiceOf, parseNames, parseText } from './values.ts'

/** The flags of `DatasetOptions`, beside `--data`. */
export const DATASET_FLAGS: Flag[] = [
  {
    flags: '--user-file <file>',
    term: '--user-file, --restaurant-file <file>',
    key: 'userFile',
    parse: parseText,
    help: 'default user_features.parquet, restaurant_features…',
  },
  { flags: '--restaurant-file <file>', key: 'restaurantFile', parse: parseText },
  {
    flags: '--train-files <glob>',
    term: '--train-files, --test-files <glob>',
    key: 'trainFiles',
    parse: parseText,
    repeats: true,
    help: 'default train/*.parquet, test/*.parquet; repeatable',
  },
  { flags: '--test-files <glob>', key: 'testFiles', parse: parseText, repeats: true },
  {
    flags: '--user-id-column <name>',
    term: '--user-id-column, --restaurant-id-column',
    key: 'columns.userId',
    parse: parseText,
    help: 'default user_id, restaurant_id',
  },
  { flags: '--restaurant-id-column <name>', key: 'columns.restaurantId', parse: parseText },
  { flags: '--click-column <name>', key: 'columns.click', parse: parseText, help: 'default click' },
  {
    flags: '--latitude-column <name>',
    term: '--latitude-column, --longitude-column',
    key: 'columns.latitude',
    parse: parseText,
    help: 'default latitude, longitude',
  },
  { flags: '--longitude-column <name>', key: 'columns.longitude', parse: parseText },
  {
    flags: '--user-features <names>',
    term: '--user-features, --restaurant-features',
    key: 'userFeatures',
    parse: parseNames,
    help: 'f00,f01,…; default all f<digits>, else all numeric',
  },
  { flags: '--restaurant-features <names>', key: 'restaurantFeatures', parse: parseNames },
  {
    flags: '--on-missing <what>',
    key: 'onMissing',
    parse: choiceOf(['fail', 'drop']),
    help: 'a click without features: fail (default) or drop',
  },
  {
    flags: '--cache <dir>',
    key: 'cache',
    parse: parseText,
    help: 'where packed rows are kept; default DATA/.nearrank',
  },
]
